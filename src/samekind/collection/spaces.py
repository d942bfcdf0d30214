"""The vectors of one space: in memory, or read block by block where they are many, and the exact search in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samekind.collection.exact import Best, nearest, widen
from samekind.collection.table import Table, to_matrix

PRESENT_ROWS = "state = 'present'"
"""Pictures that are here and have a vector: what has none is skipped."""

Neighbours = list[tuple[list[str], NDArray[np.float32]]]
"""For each query the ids of the nearest pictures, best first, and their scores."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """The present pictures' vectors in one space: ``matrix`` (n, dim) float32 in table order.

    Rows of unit length in the encoder's own space; in the tuned space what ``Tuning.stored`` gives. ``row_ids`` (n,)
    uint64, ascending, name the rows within table ``version``.
    """

    version: int
    column: str
    matrix: NDArray[np.float32]
    row_ids: NDArray[np.uint64]
    _ids: pa.Array

    def __len__(self) -> int:
        return len(self.matrix)

    @cached_property
    def ids(self) -> list[str]:
        """The pictures' ids, one for each row of the matrix."""
        ids: list[str] = self._ids.to_pylist()
        return ids

    def ids_at(self, positions: NDArray[np.intp]) -> list[str]:
        """The ids of some rows."""
        ids: list[str] = self._ids.take(pa.array(positions)).to_pylist()
        return ids

    def nearest(self, queries: NDArray[np.float32], k: int, row_ids: NDArray[np.uint64] | None = None) -> Neighbours:
        """The nearest rows to each of ``queries`` (q, dim), of all or among those with ``row_ids``."""
        positions = None if row_ids is None else np.searchsorted(self.row_ids, np.sort(row_ids))
        found, scores = nearest(self.matrix, queries, k, positions)
        return [
            (self._ids.take(pa.array(rows)).to_pylist(), values) for rows, values in zip(found, scores, strict=True)
        ]


def load(table: Table, column: str) -> Loaded:
    """The vectors of ``column`` ("look" or a tuned one) of all present pictures, read block by block."""
    count, width = table.count(PRESENT_ROWS), table.width(column)
    matrix = np.empty((count, width), np.float32)
    row_ids = np.empty(count, np.uint64)
    names: list[pa.Array] = []
    done = 0
    for batch in table.batches(["id", column], PRESENT_ROWS, row_ids=True):
        rows = slice(done, done + batch.num_rows)
        widen(np.asarray(batch[column].flatten()).reshape(-1, width), matrix[rows])
        row_ids[rows] = batch["_rowid"].to_numpy()
        names.append(batch["id"])
        done = rows.stop
    ids = pa.concat_arrays(names) if names else pa.array([], pa.string())
    if (row_ids[1:] < row_ids[:-1]).any():
        order = np.argsort(row_ids)
        matrix, row_ids, ids = matrix[order], row_ids[order], ids.take(pa.array(order))
    return Loaded(table.version, column, matrix[:, : table.dim(column)], row_ids, ids)


def scan_nearest(table: Table, column: str, queries: NDArray[np.float32], k: int, where: str) -> Neighbours:
    """The same search without holding the vectors: they are read block by block, those that ``where`` admits."""
    best = Best(len(queries), k)
    ids: list[pa.Array] = []
    done = 0
    for batch in table.batches(["id", column], where):
        matrix, _ = to_matrix(batch.column(1))
        best.add(queries @ matrix[:, : queries.shape[1]].T, done)
        ids.append(batch.column(0))
        done += len(matrix)
    rows, scores = best.result()
    every = pa.chunked_array(ids, pa.string())
    return [(every.take(pa.array(one)).to_pylist(), values) for one, values in zip(rows, scores, strict=True)]
