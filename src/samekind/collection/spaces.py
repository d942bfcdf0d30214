"""One vector space of a collection in memory, and the search in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samekind.collection.exact import nearest, widen
from samekind.collection.table import Table

PRESENT_ROWS = "state = 'present' AND look IS NOT NULL"


@dataclass(frozen=True, eq=False)
class Loaded:
    """The present pictures' vectors in one space: ``matrix`` (n, dim) float32 unit rows in table order.

    ``row_ids`` (n,) uint64, ascending, name the rows within table ``version``.
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

    def nearest(
        self, queries: NDArray[np.float32], k: int, positions: NDArray[np.intp] | None = None
    ) -> list[tuple[list[str], NDArray[np.float32]]]:
        """For each of ``queries`` (q, dim) the ids of the nearest rows, best first, and their cosines."""
        found, scores = nearest(self.matrix, queries, k, positions)
        return [(self.ids_at(row), values) for row, values in zip(found, scores, strict=True)]

    def positions(self, row_ids: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Where these rows, all of them here, are in the matrix."""
        return np.searchsorted(self.row_ids, np.sort(row_ids))


def load(table: Table, column: str) -> Loaded:
    """The vectors of ``column`` ("look" or a tuned one) of all present pictures."""
    dim = table.schema.field(column).type.list_size
    rows = table.read(["id", column], PRESENT_ROWS, row_ids=True)
    matrix = np.empty((rows.num_rows, dim), np.float32)
    done = 0
    for chunk in rows[column].chunks:
        half = np.asarray(chunk.flatten()).reshape(-1, dim)
        widen(half, matrix[done : done + len(half)])
        done += len(half)
    row_ids = rows["_rowid"].to_numpy()
    ids = rows["id"].combine_chunks()
    ids = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    if len(row_ids) and (row_ids[1:] < row_ids[:-1]).any():
        order = np.argsort(row_ids)
        matrix, row_ids, ids = matrix[order], row_ids[order], ids.take(pa.array(order))
    return Loaded(table.version, column, matrix, row_ids, ids)
