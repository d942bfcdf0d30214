"""What keeps a collection quick and safe after it was written to."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

from samekind.collection import index
from samekind.collection.made_by import columns_of
from samekind.collection.table import Map, Table
from samekind.errors import StorageError
from samekind.events import Event, Progress


def upkeep(folder: Path, table: Table, since: float, column: str, asked: Map) -> Generator[Event, None, None]:
    """Joins small fragments, keeps the index, drops old versions, makes durable what was written after ``since``.

    ``column`` is the one that is searched, and ``asked`` makes queries for it of the encoder's vectors.
    """
    yield Progress("tidying", 0, 4)
    table.compact()
    yield Progress("tidying", 1, 4)
    index.keep(table, column, columns_of(table)[0], asked)
    yield Progress("tidying", 2, 4)
    table.drop_old_versions()
    yield Progress("tidying", 3, 4)
    persist(folder, since)
    yield Progress("tidying", 4, 4)


def persist(folder: Path, since: float) -> None:
    """Asks the system to put files changed after ``since`` on the disk, and their folders: the engine never does.

    Without this, a loss of power could take the last run with it.
    """
    for place, _, names in os.walk(folder):
        changed = False
        for name in names:
            file = f"{place}/{name}"
            try:
                if Path(file).stat().st_mtime >= since - 2:
                    _fsync(file)
                    changed = True
            except FileNotFoundError:
                continue
            except OSError as problem:
                raise StorageError(f"{file} cannot be written to disk ({problem.strerror}); check the disk.") from None
        if changed:
            _fsync(place)


def bytes_on_disk(folder: Path) -> int:
    """The sum of all files below ``folder``."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(place, name).stat().st_size
            except FileNotFoundError:
                continue
    return total


def _fsync(place: str) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
