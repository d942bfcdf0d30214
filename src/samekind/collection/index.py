"""Indexes of large collections: ids, and approximate search with how good it is on the collection itself."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from samekind.collection.spaces import PRESENT_ROWS, Neighbours, scan_nearest
from samekind.collection.table import Map, Table, to_matrix

FROM_PICTURES = 200_000
IDS_FROM_PICTURES = 10_000
INDEX = "samekind.index"
GOOD = 0.99
_QUERIES = 100
_ASKED_FOR = 11
_PROBES = (10, 20, 40, 80, 160, 320)
_ALL = 100_000
_SEED = 20_261_121


def keep(table: Table, column: str, look: str, asked: Map) -> None:
    """Brings the indexes up to date; builds those that a table of this size wants and has not.

    ``column`` is the one that is searched; ``asked`` turns the encoder's vectors, in column ``look``, into queries of
    its space.
    """
    count = table.count(PRESENT_ROWS)
    if table.has_id_index or table.has_index(column):
        table.update_indexes()
    if count >= IDS_FROM_PICTURES and not table.has_id_index:
        table.index_ids()
    if count >= FROM_PICTURES and not table.has_index(column) and table.width(column) % 8 == 0:
        table.index_states()
        table.build_index(column)
        table.annotate({INDEX: json.dumps(_measured(table, column, look, asked))})


def about(table: Table, column: str) -> dict[str, Any] | None:
    """What was measured when the column's index was built: "probes", "recall@10" and "pictures"; None without one."""
    if not table.has_index(column):
        return None
    found = json.loads(table.metadata.get(INDEX, "{}"))
    return found if found.get("column") == column else None


def search(table: Table, column: str, queries: np.ndarray[Any, np.dtype[np.float32]], k: int, where: str) -> Neighbours:
    """About the ``k`` nearest to each query, by the index; the caller has seen that there is one.

    The fewer pictures pass ``where``, the more of the index's lists are looked at for the same number of hits.
    """
    probes = (about(table, column) or {}).get("probes", _PROBES[-1])
    if where != PRESENT_ROWS:
        share = table.count(where) / max(1, table.count(PRESENT_ROWS))
        probes = min(_ALL, round(probes / max(share, 1 / _ALL)))
    padded = np.zeros((len(queries), table.width(column)), np.float32)
    padded[:, : queries.shape[1]] = queries
    return [table.approximate(column, query, k, probes, where) for query in padded]


def _measured(table: Table, column: str, look: str, asked: Map) -> dict[str, Any]:
    """The fewest probes with which stored pictures find their 10 nearest others as exact search does, and how often."""
    row_ids = table.read([], PRESENT_ROWS, row_ids=True)["_rowid"].to_numpy()
    some = np.sort(np.random.default_rng(_SEED).choice(row_ids, min(_QUERIES, len(row_ids)), replace=False))
    rows = table.take(some, ["id", look])
    queries = asked(to_matrix(rows[look].combine_chunks())[0])
    own = rows["id"].to_pylist()
    padded = np.zeros((len(queries), table.width(column)), np.float32)
    padded[:, : queries.shape[1]] = queries
    exact = [
        set(ids) - {id_}
        for (ids, _), id_ in zip(scan_nearest(table, column, queries, 11, PRESENT_ROWS), own, strict=True)
    ]
    recall, probes = 0.0, _PROBES[-1]
    for probes in _PROBES:
        hits = total = 0
        for query, id_, wanted in zip(padded, own, exact, strict=True):
            found = set(table.approximate(column, query, _ASKED_FOR, probes, PRESENT_ROWS)[0])
            hits += len((found & wanted) - {id_})
            total += len(wanted - {id_})
        recall = hits / max(1, total)
        if recall >= GOOD:
            break
    return {"column": column, "probes": probes, "recall@10": round(recall, 4), "pictures": len(row_ids)}
