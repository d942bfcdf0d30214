"""Planned changes as rows of the table, one commit a block; done again after a kill, each gives the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from samekind.collection.made_by import columns_of
from samekind.collection.pipeline import Looked
from samekind.collection.plan import MISSING, PRESENT, SKIPPED, Carried, Found, Item, Value
from samekind.collection.table import KINDS, OWN, Map, Table, in_list, is_vector, to_array
from samekind.errors import UsageError

BLOCK = 1024

Row = dict[str, Any]


class Writer:
    """Writes to ``table``; ``mapped`` fills the column of tuned vectors, where there is one."""

    def __init__(self, table: Table, tuned: str | None = None, mapped: Map | None = None) -> None:
        self._table = table
        self._before = table.pinned()
        self._tuned = tuned
        self._mapped = mapped
        self._look, self._views = columns_of(table)
        self._now = datetime.now(UTC)

    def encoded(self, looks: Sequence[Looked]) -> None:
        """Rows for what was looked at: vectors, or the reason why there are none."""
        rows, there, vectors, views = [], [], [], []
        stored = self._stored(item.id for one in looks for item in one.group)
        unplaced = dict.fromkeys(self._table.kinds_columns)  # what is looked at anew may be of another kind
        for one in looks:
            for n, item in enumerate(one.group):
                row = self._placed(stored.get(item.id), item)
                row |= {"hash": one.hash, "width": one.width, "height": one.height}
                row |= {"state": SKIPPED if one.reason else PRESENT, "reason": one.reason}
                row |= unplaced
                rows.append(row)
                there.append(one.vector is not None)
                vectors.append(one.vector)
                views.append(None if n or one.views is None else one.views.astype(np.float16).reshape(-1))
        width = self._table.width
        found = [vector for vector in vectors if vector is not None]
        matrix = np.stack(found) if found else np.zeros((0, width(self._look)), np.float32)
        mask = np.array(there, bool)
        columns = {self._look: to_array(matrix, width(self._look), mask)}
        columns[self._views] = pa.array(views, pa.list_(pa.float16()))
        if self._tuned and self._mapped:
            columns[self._tuned] = to_array(self._mapped(matrix), width(self._tuned), mask)
        self._upsert(rows, columns)

    def carried(self, carried: Sequence[Carried]) -> None:
        """Rows for known content at a new or changed place: everything but place and columns from the source's row."""
        stored = self._stored(one.item.id for one in carried)
        scalars = ["hash", "width", "height", "reason", *self._before.kinds_columns]
        names = [*scalars, self._look, *([self._tuned] if self._tuned else [])]
        sources = self._before.by_ids(sorted({one.source for one in carried}), names)
        position = {id_: n for n, id_ in enumerate(sources["id"].to_pylist())}
        order = pa.array([position[one.source] for one in carried], pa.int64())
        sources = sources.take(order)
        rows = []
        for one, content in zip(carried, sources.select(scalars).to_pylist(), strict=True):
            row = self._placed(stored.get(one.item.id), one.item) | content
            rows.append(row | {"state": SKIPPED if row["reason"] else PRESENT})
        columns = {name: sources[name] for name in names[len(scalars) :]}
        self._upsert(rows, columns | {self._views: pa.nulls(len(rows), pa.list_(pa.float16()))})

    def revised(self, items: Sequence[Item]) -> None:
        """Rows that keep their content and take the place, times and columns of the file."""
        whole = self._table.by_ids([item.id for item in items], self._table.schema.names)
        position = {id_: n for n, id_ in enumerate(whole["id"].to_pylist())}
        whole = whole.take(pa.array([position[item.id] for item in items], pa.int64()))
        scalars = [name for name in whole.column_names if not is_vector(name)]
        rows = []
        for item, old in zip(items, whole.select(scalars).to_pylist(), strict=True):
            row = self._placed(old, item)
            rows.append(row | {"state": SKIPPED if row["reason"] else PRESENT})
        self._upsert(rows, {name: whole[name] for name in whole.column_names if is_vector(name)})

    def missing(self, ids: Sequence[str]) -> None:
        """Rows whose file is away."""
        self._table.update({"state": f"'{MISSING}'"}, in_list("id", ids))

    def _stored(self, ids: Iterable[str]) -> dict[str, Row]:
        """The rows that are there already, without vectors."""
        names = [name for name in self._table.schema.names if not is_vector(name)]
        return {row["id"]: row for row in self._table.by_ids(list(ids), names).to_pylist()}

    def _placed(self, old: Row | None, item: Item) -> Row:
        found = item.found
        row: Row = dict(old) if old else {"id": item.id, "added": self._now}
        row |= {"root": found.root, "path": found.path, "size": found.size, "mtime_ns": found.mtime_ns}
        return row | dict(found.columns)

    def _upsert(self, rows: Sequence[Row], vectors: Mapping[str, Any]) -> None:
        schema = self._table.schema
        columns = [
            vectors[field.name]
            if field.name in vectors
            else pa.array([row.get(field.name) for row in rows], field.type)
            for field in schema
        ]
        self._table.upsert(pa.Table.from_arrays(columns, schema=schema))


def blocks(items: Sequence[Any], size: int = BLOCK) -> Iterable[Sequence[Any]]:
    """The items in runs of ``size``."""
    return (items[start : start + size] for start in range(0, len(items), size))


def new_columns(table: Table, found: Iterable[Found]) -> dict[str, str]:
    """The person's columns that the table lacks, with their types. Raises UsageError for one that clashes."""
    kinds: dict[str, str] = {}
    for file in found:
        for name, value in file.columns.items():
            kind = _kind(value)
            if kind and _wider(kinds.get(name), kind):
                kinds[name] = kind
            elif kind is None:
                kinds.setdefault(name, "")
    have = table.person_columns
    for name, kind in kinds.items():
        check_column(name)
        if name in have and kind not in ("", have[name]) and not (have[name] == "float" and kind == "int"):
            raise UsageError(
                f"Column {name!r} holds {have[name]} in this collection and {kind} in the list; make them agree."
            )
    return {name: kind or "str" for name, kind in kinds.items() if name not in have}


def check_column(name: str) -> None:
    """Raises UsageError for what a person's column cannot be called."""
    if name in OWN or is_vector(name) or name.startswith(KINDS) or not name or set(name) & set(".`\"'\n"):
        raise UsageError(f"A column cannot be called {name!r}, samekind uses that itself; choose another name.")


def _kind(value: Value) -> str | None:
    return None if value is None else type(value).__name__


def _wider(known: str | None, kind: str) -> bool:
    return not known or (known, kind) == ("int", "float")
