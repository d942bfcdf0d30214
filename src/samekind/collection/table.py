"""The table of pictures: the one place that knows Lance. Arrow tables in, Arrow tables out; a write is one commit."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samekind.errors import DamagedCollection, SamekindError, StorageError

FOLDER = "pictures.lance"
TUNED = "tuned_"
LOOK_OF, VIEWS_OF = "look_of_", "views_of_"
KINDS = "kinds_"
FRAGMENT_ROWS = 1 << 16
SMALL_FRAGMENTS = 8
GRACE = timedelta(hours=1)
"""Old versions are kept for longer than the longest search, because dropping one breaks the reader that is in it."""

_BLOCK = 4096
_CACHE_BYTES = 128 << 20
_STRINGS = ("id", "root", "path", "hash", "state", "reason")
_INTEGERS = ("size", "mtime_ns", "width", "height")
OWN = (*_STRINGS, *_INTEGERS, "added")
"""Names of the columns that a person sees and did not add."""

_MULTIPLE = 8
"""The engine's index wants vectors of a length that 8 divides; columns of tuned vectors are filled up with zeros."""

_INDEX = "nearest_"
_IDS, _STATES = "ids", "states"
_UNDO = "samekind.undo"
_REFINE = 10
_DIM = b"samekind.dim"

Map = Callable[[NDArray[np.float32]], NDArray[np.float32]]

Fill = Callable[
    [Sequence[str | None], NDArray[np.bool_]],
    tuple[NDArray[np.float32], NDArray[np.bool_], Sequence[NDArray[np.float16] | None]],
]
"""Hashes (n,), and which want second views (n,) -> vectors (m, dim), rows with one (n,), flat views or None (n,)."""


class Table:
    """A version of the table, and the way to write the next. A reader stays in its version until ``refresh``."""

    def __init__(self, folder: Path, dataset: Any) -> None:
        self.folder = folder
        self._dataset = dataset

    @classmethod
    def create(cls, folder: Path, dim: int) -> Table:
        """An empty table for vectors of length ``dim``."""
        fields = [pa.field(name, pa.string()) for name in _STRINGS]
        fields += [pa.field(name, pa.int64()) for name in _INTEGERS]
        fields += [
            pa.field("added", pa.timestamp("us", tz="UTC")),
            pa.field("look", pa.list_(pa.float16(), dim)),
            pa.field("views", pa.list_(pa.float16())),
        ]
        with _guard(folder, "written"):
            return cls(folder, lance.write_dataset(pa.schema(fields).empty_table(), str(folder)))

    @classmethod
    def open(cls, folder: Path) -> Table:
        """The latest version. Raises DamagedCollection, StorageError."""
        with _guard(folder, "read"):
            session = lance.Session(index_cache_size_bytes=4 * _CACHE_BYTES, metadata_cache_size_bytes=_CACHE_BYTES)
            return cls(folder, lance.dataset(str(folder), session=session))

    @property
    def version(self) -> int:
        """The number of the version that is read."""
        return int(self._dataset.version)

    @property
    def schema(self) -> pa.Schema:
        """Of all columns."""
        return self._dataset.schema

    @property
    def person_columns(self) -> dict[str, str]:
        """The person's own columns and their types: "int", "float" or "str"."""
        return {
            field.name: _KIND_NAMES[field.type]
            for field in self.schema
            if field.name not in OWN and not is_vector(field.name) and not field.name.startswith(KINDS)
        }

    @property
    def tuned_columns(self) -> list[str]:
        """The columns of tuned vectors; all but one are left over from a run that was killed."""
        return [name for name in self.schema.names if name.startswith(TUNED)]

    @property
    def encoded_columns(self) -> list[str]:
        """The columns of encoders' vectors and second views; those of one encoder are in use."""
        return [name for name in self.schema.names if is_vector(name) and not name.startswith(TUNED)]

    @property
    def kinds_columns(self) -> list[str]:
        """The columns of kinds; all but one are left over from a run that was killed."""
        return [name for name in self.schema.names if name.startswith(KINDS)]

    def width(self, column: str) -> int:
        """The length that vectors of this column are stored with."""
        return int(self.schema.field(column).type.list_size)

    def dim(self, column: str) -> int:
        """The length of this column's vectors; zeros follow where the width is larger."""
        return int((self.schema.field(column).metadata or {}).get(_DIM, self.width(column)))

    def refresh(self) -> None:
        """Moves on to the latest version."""
        with _guard(self.folder, "read"):
            self._dataset.checkout_latest()

    def pinned(self) -> Table:
        """This version, whatever is written later."""
        with _guard(self.folder, "read"):
            return Table(self.folder, self._dataset.checkout_version(self.version))

    # reading

    def read(self, columns: Sequence[str], where: str | None = None, *, row_ids: bool = False) -> pa.Table:
        """Columns of the rows that ``where`` (SQL) admits, in table order; ``row_ids`` adds "_rowid" (uint64)."""
        with _guard(self.folder, "read"):
            return self._dataset.to_table(columns=list(columns), filter=where, with_row_id=row_ids, scan_in_order=True)

    def batches(
        self, columns: Sequence[str], where: str | None = None, *, row_ids: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """The same in blocks."""
        with _guard(self.folder, "read"):
            yield from self._dataset.to_batches(
                columns=list(columns), filter=where, with_row_id=row_ids, scan_in_order=True
            )

    def take(self, row_ids: NDArray[np.uint64], columns: Sequence[str]) -> pa.Table:
        """Columns of these rows of this version, in the order given."""
        with _guard(self.folder, "read"):
            return self._dataset._take_rows(row_ids.tolist(), columns=list(columns))

    def by_ids(self, ids: Sequence[str], columns: Sequence[str]) -> pa.Table:
        """Columns (with "id") of the rows that have these ids, in table order."""
        wanted = list(dict.fromkeys(["id", *columns]))
        if not ids:
            return self.schema.empty_table().select(wanted)
        return self.read(wanted, in_list("id", ids))

    def has_index(self, column: str) -> bool:
        """Whether the column has an index for approximate search."""
        with _guard(self.folder, "read"):
            return any(index.name == _INDEX + column for index in self._dataset.describe_indices())

    def approximate(
        self, column: str, query: NDArray[np.float32], k: int, probes: int, where: str
    ) -> tuple[list[str], NDArray[np.float32]]:
        """Ids and dot products of about the ``k`` nearest among the rows that ``where`` admits, by the index."""
        wanted = {
            "column": column,
            "q": query,
            "k": k,
            "nprobes": probes,
            "refine_factor": _REFINE,
            "metric": "dot",
        }
        with _guard(self.folder, "read"):
            found = self._dataset.to_table(
                columns=["id", "_distance"],
                nearest=wanted,
                filter=where,
                prefilter=True,
                disable_scoring_autoprojection=True,
            )
        ids: list[str] = found["id"].to_pylist()
        return ids, (1 - found["_distance"].to_numpy()).astype(np.float32)

    def count(self, where: str | None = None) -> int:
        """The number of rows that ``where`` admits."""
        with _guard(self.folder, "read"):
            return int(self._dataset.count_rows(where))

    @property
    def metadata(self) -> dict[str, str]:
        """What the table says about itself; each version has its own."""
        with _guard(self.folder, "read"):
            return dict(self._dataset.metadata)

    # writing

    def upsert(self, rows: pa.Table) -> None:
        """Writes whole rows over those of the same id, or as new ones."""
        with _guard(self.folder, "written"):
            merge = self._dataset.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            merge.execute(rows.select(self.schema.names).cast(self.schema))

    def update(self, values: Mapping[str, str], where: str) -> None:
        """Sets columns to SQL expressions in the rows that ``where`` admits."""
        with _guard(self.folder, "written"):
            self._dataset.update(dict(values), where=where)

    def delete(self, where: str) -> None:
        """Takes rows out."""
        with _guard(self.folder, "written"):
            self._dataset.delete(where)

    def annotate(self, values: Mapping[str, str | None]) -> None:
        """Changes the metadata; None removes a key."""
        with _guard(self.folder, "written"):
            self._dataset.update_metadata(dict(values))

    def add_person_columns(self, kinds: Mapping[str, str]) -> None:
        """New columns, empty in all rows."""
        with _guard(self.folder, "written"):
            self._dataset.add_columns([pa.field(name, _KINDS[kind]) for name, kind in kinds.items()])

    def add_vectors(self, name: str, dim: int, source: str, mapped: Map) -> None:
        """A new column of vectors, ``mapped`` (n, dim) of those in column ``source``: block by block, in one commit."""
        width = -(-dim // _MULTIPLE) * _MULTIPLE
        field = pa.field(name, pa.list_(pa.float16(), width), metadata={_DIM: str(dim)})

        def fill(batch: pa.RecordBatch) -> pa.RecordBatch:
            vectors, there = to_matrix(batch.column(0))
            return pa.record_batch([to_array(mapped(vectors), width, there)], pa.schema([field]))

        with _guard(self.folder, "written"):
            udf = lance.batch_udf(output_schema=pa.schema([field]))(fill)
            self._dataset.add_columns(udf, read_columns=[source], batch_size=_BLOCK)

    def add_encoded(self, look: str, views: str, dim: int, viewed: str, fill: Fill) -> None:
        """Columns for the vectors of a further encoder and for their second views, in one commit.

        ``fill`` gets the content hashes of a block of rows, and which of those have second views in column ``viewed``.
        """
        fields = pa.schema([pa.field(look, pa.list_(pa.float16(), dim)), pa.field(views, pa.list_(pa.float16()))])

        def filled(batch: pa.RecordBatch) -> pa.RecordBatch:
            vectors, there, seconds = fill(batch["hash"].to_pylist(), np.asarray(batch[viewed].is_valid()))
            return pa.record_batch([to_array(vectors, dim, there), pa.array(seconds, fields[1].type)], fields)

        with _guard(self.folder, "written"):
            udf = lance.batch_udf(output_schema=fields)(filled)
            self._dataset.add_columns(udf, read_columns=["hash", viewed], batch_size=_BLOCK)

    def add_texts(self, name: str, source: str, said: Callable[[pa.Array], Sequence[str | None]]) -> None:
        """A new column of texts, ``said`` (n,) of the n values of column ``source``: by blocks, in one commit."""

        def fill(batch: pa.RecordBatch) -> pa.RecordBatch:
            return pa.record_batch([pa.array(said(batch.column(0)), pa.string())], [name])

        with _guard(self.folder, "written"):
            udf = lance.batch_udf(output_schema=pa.schema([pa.field(name, pa.string())]))(fill)
            self._dataset.add_columns(udf, read_columns=[source], batch_size=_BLOCK)

    def write_texts(self, column: str, texts: Mapping[str, str | None]) -> None:
        """Sets a column of texts in the rows with these ids, in one commit; the rest of a row stays as it is."""
        rows = self.by_ids(list(texts), self.schema.names)
        values = pa.array([texts[id_] for id_ in rows["id"].to_pylist()], pa.string())
        self.upsert(rows.set_column(self.schema.get_field_index(column), column, values))

    def drop_columns(self, names: Sequence[str]) -> None:
        """Takes columns out of the table; older versions keep them."""
        with _guard(self.folder, "written"):
            self._dataset.drop_columns(list(names))

    # versions

    def begin(self, label: str, values: Mapping[str, str | None]) -> None:
        """The first commit of a change called ``label``: metadata, and that undo goes back to the present version."""
        self.annotate({**values, _UNDO: json.dumps({"version": self.version, "label": label})})

    def switch(self, values: Mapping[str, str | None]) -> None:
        """One commit of metadata that cannot be undone, and neither can what came before it."""
        self.annotate({**values, _UNDO: None})

    @property
    def undo_label(self) -> str | None:
        """What would be undone, or None where there is nothing to undo."""
        found = self.metadata.get(_UNDO)
        return None if found is None else str(json.loads(found)["label"])

    def undo_table(self) -> Table | None:
        """The version that undo goes back to, where there is one."""
        version = self._undo_version()
        if version is None:
            return None
        with _guard(self.folder, "read"):
            return Table(self.folder, self._dataset.checkout_version(version))

    def restore(self, before: Table) -> None:
        """Makes that version the latest again, rows and metadata, with nothing more to undo."""
        with _guard(self.folder, "written"):
            before._dataset.restore()
            self._dataset.checkout_latest()
            self._dataset.update_metadata({_UNDO: None})

    def _undo_version(self) -> int | None:
        found = self.metadata.get(_UNDO)
        return None if found is None else int(json.loads(found)["version"])

    # upkeep

    def compact(self) -> bool:
        """Joins small fragments where there are many; True if it did."""
        with _guard(self.folder, "written"):
            small = sum(fragment.count_rows() < FRAGMENT_ROWS for fragment in self._dataset.get_fragments())
            if small <= SMALL_FRAGMENTS:
                return False
            self._dataset.optimize.compact_files(
                target_rows_per_fragment=FRAGMENT_ROWS,
                compaction_mode="try_binary_copy",  # reading and writing anew takes much more memory
            )
            return True

    def build_index(self, column: str) -> None:
        """An index for approximate search of a column; light training, because the engine's own takes minutes."""
        with _guard(self.folder, "written"):
            self._dataset.create_index(
                column, "IVF_RQ", name=_INDEX + column, metric="dot", replace=True, sample_rate=64, max_iterations=12
            )

    def index_ids(self) -> None:
        """An index of ids: single rows are found, and written over, without reading the ids of all."""
        with _guard(self.folder, "written"):
            self._dataset.create_scalar_index("id", "BTREE", name=_IDS)

    def index_states(self) -> None:
        """An index of states: approximate search leaves missing pictures out without reading the states of all."""
        with _guard(self.folder, "written"):
            self._dataset.create_scalar_index("state", "BITMAP", name=_STATES)

    @property
    def has_id_index(self) -> bool:
        """Whether there is one."""
        with _guard(self.folder, "read"):
            return any(index.name == _IDS for index in self._dataset.describe_indices())

    def update_indexes(self) -> None:
        """Takes rows written since into the indexes: a tail outside of them is searched row by row."""
        with _guard(self.folder, "written"):
            self._dataset.optimize.optimize_indices()

    def drop_old_versions(self, grace: timedelta = GRACE) -> None:
        """Forgets versions that have not been the latest for ``grace``, except the one to undo to."""
        with _guard(self.folder, "written"):
            versions = self._dataset.versions()
            numbers, written = [one["version"] for one in versions], [one["timestamp"] for one in versions]
            outdated = set(superseded(numbers, written, datetime.now() - grace)) - {self._undo_version()}
            if outdated:
                self._dataset.cleanup_old_versions(versions=sorted(outdated))


def is_vector(name: str) -> bool:
    """Whether a column of this name holds vectors; a person's own column cannot be called so."""
    return name in ("look", "views") or name.startswith((TUNED, LOOK_OF, VIEWS_OF))


def superseded(versions: Sequence[int], written: Sequence[datetime], limit: datetime) -> list[int]:
    """The versions, in order, whose successors were written before ``limit``.

    The age of a version itself says nothing: one of last month was the latest until the commit of just now.
    """
    return [version for version, next_written in zip(versions, written[1:], strict=False) if next_written < limit]


def to_matrix(column: pa.Array) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The vectors of a column, (m, d) float32, and which of its n rows have one, (n,) bool."""
    from samekind.collection.exact import widen

    there = np.asarray(column.is_valid())
    half = np.asarray(column.flatten()).reshape(-1, column.type.list_size)
    vectors = np.empty(half.shape, np.float32)
    widen(half, vectors)
    return vectors, there


def to_array(vectors: NDArray[np.float32], width: int, there: NDArray[np.bool_] | None = None) -> pa.Array:
    """A column of n rows from (m, up to width) vectors for the rows ``there``, (n,) bool, default all."""
    if there is None:
        there = np.ones(len(vectors), bool)
    full = np.zeros((len(there), width), np.float16)
    full[there, : vectors.shape[1]] = vectors
    return pa.FixedSizeListArray.from_arrays(pa.array(full.reshape(-1)), width, mask=pa.array(~there))


def in_list(column: str, values: Sequence[str]) -> str:
    """SQL: the column is one of the values."""
    return f"{column} IN ({', '.join(sql_text(value) for value in values)})"


def sql_text(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


_KINDS = {"int": pa.int64(), "float": pa.float64(), "str": pa.string()}
_KIND_NAMES = {arrow: name for name, arrow in _KINDS.items()}


@contextmanager
def _guard(folder: Path, verb: str) -> Iterator[None]:
    """Turns what the engine raises into one sentence."""
    try:
        yield
    except SamekindError:
        raise
    except MemoryError:
        raise
    except (OSError, ValueError, RuntimeError, TypeError) as problem:
        raise _translated(folder, verb, problem) from problem


def _translated(folder: Path, verb: str, problem: Exception) -> SamekindError:
    text = str(problem)
    if f"(os error {errno.ENOSPC})" in text or getattr(problem, "errno", None) == errno.ENOSPC:
        return StorageError(f"No space is left for {folder}; free some and run the same command again.")
    if f"(os error {errno.EDQUOT})" in text or getattr(problem, "errno", None) == errno.EDQUOT:
        return StorageError(f"The disk quota for {folder} is used up; free some and run the same command again.")
    if "Permission denied" in text or "Read-only file system" in text:
        return StorageError(f"{folder} cannot be {verb} (no permission); check its permissions.")
    reason = text.split(", /", 1)[0].split("\n", 1)[0][:200]
    if verb == "read":
        return DamagedCollection(
            f"{folder} cannot be read ({reason}); restore it from a copy, or make it anew with samekind sync."
        )
    return StorageError(f"{folder} cannot be written ({reason}); check the disk and run the same command again.")
