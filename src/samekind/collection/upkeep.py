"""What keeps a collection quick and safe after it was written to."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

from samekind.collection.table import Table
from samekind.errors import StorageError
from samekind.events import Event, Progress


def upkeep(folder: Path, table: Table, since: float) -> Generator[Event, None, None]:
    """Joins small fragments, drops old versions, and makes durable what was written after ``since`` (seconds)."""
    yield Progress("tidying", 0)
    table.compact()
    table.drop_old_versions()
    persist(folder, since)
    yield Progress("tidying", 1, 1)


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
