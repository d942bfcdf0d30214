"""Fits a tuning to a collection and switches to it, each step safe to be killed in.

Fit; write the file; fill a new column; name it in the table's metadata (the switch, one commit); drop what is old.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samekind.collection import index
from samekind.collection.made_by import MadeBy, columns_of
from samekind.collection.spaces import PRESENT_ROWS
from samekind.collection.table import GRACE, TUNED, Table, to_matrix
from samekind.collection.whole import whole
from samekind.events import Event, Progress

if TYPE_CHECKING:
    from samekind.tuning import Tuning

FOLDER = "tunings"
STAMP = "samekind.tuning"
TUNED_ROWS = "samekind.tuned_rows"
CHANGES = "samekind.changes"
SAMPLE = 20_000
DUE = 0.2
_SEED = 20_261_121


@dataclass(frozen=True)
class TuneReport:
    """``helps`` with the reason ``why``; ``fitted`` of ``pictures`` were looked at; ``seconds`` of wall time.

    ``groups``: for how many groups of pictures there is a map, 1 for one map for all, 0 without tuning.
    """

    stamp: str
    helps: bool
    groups: int
    why: str
    pictures: int
    fitted: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "stamp": self.stamp,
            "tuned": self.helps,
            "groups": self.groups,
            "why": self.why,
            "pictures": self.pictures,
            "fitted": self.fitted,
            "seconds": round(self.seconds, 3),
        }


def due(table: Table) -> bool:
    """Whether the table was never tuned, or more than a fifth of its pictures came, went or changed since."""
    metadata = table.metadata
    if STAMP not in metadata:
        return table.count(PRESENT_ROWS) > 0
    return int(metadata.get(CHANGES, 0)) > DUE * max(1, int(metadata.get(TUNED_ROWS, 0)))


def retune(folder: Path, table: Table, made: MadeBy) -> Generator[Event, None, TuneReport]:
    """Fits on all present pictures, or on a sample of ``SAMPLE``, and makes the result the active tuning."""
    sweep(folder, table)
    report = yield from prepare(folder, table, made)
    retire(folder, active(table)[0])
    table.annotate(values(report))
    sweep(folder, table)
    return report


def prepare(folder: Path, table: Table, made: MadeBy) -> Generator[Event, None, TuneReport]:
    """All of it but the switch: the vectors of ``made`` are fitted, file, column and index written, nobody sees it."""
    from samekind.tuning import fit

    started = time.perf_counter()
    vectors, views, view_rows, total = _sample(table, made)
    yield Progress("tuning", 0, total)
    tuning = fit(vectors, made.parts, views, view_rows)
    fitted, dim = len(vectors), tuning.stored(vectors[:1]).shape[1]
    del vectors, views
    stamp = f"{datetime.now(UTC):%Y%m%d%H%M%S%f}"
    _save(folder, stamp, tuning)
    if tuning.helps:
        table.add_vectors(TUNED + stamp, dim, made.look, tuning.stored)
        index.keep(table, TUNED + stamp, made.look, tuning.asked)
    yield Progress("tuning", total, total)
    seconds = time.perf_counter() - started
    return TuneReport(stamp, tuning.helps, tuning.groups, tuning.why, total, fitted, seconds)


def values(report: TuneReport | None) -> dict[str, str | None]:
    """The metadata that makes what ``prepare`` reported the active tuning, or none."""
    if report is None:
        return {STAMP: None, TUNED_ROWS: None, CHANGES: "0"}
    return {STAMP: report.stamp, TUNED_ROWS: str(report.pictures), CHANGES: "0"}


def active(table: Table) -> tuple[str | None, str | None]:
    """The active tuning's stamp, and its column where it has one (where it helps)."""
    stamp = table.metadata.get(STAMP)
    column = f"{TUNED}{stamp}"
    return stamp, column if column in table.schema.names else None


def read(folder: Path, stamp: str) -> Tuning:
    """The tuning of that stamp."""
    from samekind.tuning import Tuning

    return Tuning.load(path(folder, stamp))


def path(folder: Path, stamp: str) -> Path:
    """The file of a tuning."""
    return folder / FOLDER / f"{stamp}.safetensors"


def retire(folder: Path, stamp: str | None) -> None:
    """Starts the grace time of a tuning's file anew: it stops being the active one now, however old it is."""
    if stamp is not None and path(folder, stamp).exists():
        os.utime(path(folder, stamp))


def sweep(folder: Path, table: Table) -> None:
    """Drops columns of tunings and encoders that are not active, and files that no version to go back to names.

    A file stays for the grace time, because a reader in an older version may be about to open it.
    """
    stamp, column = active(table)
    used = {column, *columns_of(table)}
    stale = [name for name in table.tuned_columns + table.encoded_columns if name not in used]
    if stale:
        table.drop_columns(stale)
    needed = {stamp}
    if before := table.undo_table():
        needed.add(active(before)[0])
    for file in (folder / FOLDER).glob("*"):
        if file.stem not in needed and time.time() - file.stat().st_mtime > GRACE.total_seconds():
            file.unlink(missing_ok=True)


def _sample(table: Table, made: MadeBy) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.intp], int]:
    """Vectors (n, d), views (m, v, d), rows of the views (m,), and the number of present pictures."""
    row_ids = table.read([], PRESENT_ROWS, row_ids=True)["_rowid"].to_numpy()
    seen = table.read([made.views], f"{PRESENT_ROWS} AND {made.views} IS NOT NULL", row_ids=True)
    seen_ids = seen["_rowid"].to_numpy()
    chosen = row_ids
    if len(row_ids) > SAMPLE:
        others = np.setdiff1d(row_ids, seen_ids)
        room = SAMPLE - len(seen_ids)
        picked = np.random.default_rng(_SEED).choice(others, room, replace=False)
        chosen = np.concatenate([seen_ids, picked])
    chosen = np.sort(chosen)
    column = table.take(chosen, [made.look])[made.look].combine_chunks()
    vectors, _ = to_matrix(column)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    flat = seen[made.views].combine_chunks()
    dim = vectors.shape[1]
    views = np.asarray(flat.flatten()).astype(np.float32).reshape(len(seen_ids), -1, dim) if len(seen_ids) else None
    if views is None:
        views = np.zeros((0, 0, dim), np.float32)
    views /= np.maximum(np.linalg.norm(views, axis=2, keepdims=True), 1e-6)
    return vectors, views, np.searchsorted(chosen, seen_ids), len(row_ids)


def _save(folder: Path, stamp: str, tuning: Tuning) -> None:
    final = path(folder, stamp)
    with whole(final, "free space or check permissions, then run samekind tune") as draft:
        final.parent.mkdir(exist_ok=True)
        tuning.save(draft)
