"""Writes a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from samekind.errors import StorageError


def write_whole(file: Path, lines: Iterable[str]) -> None:
    """Writes UTF-8 text beside ``file`` and moves it into place; makes its folder where there is none.

    Raises StorageError where that fails; an older file then stays as it was.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(number, "w", encoding="utf-8", newline="") as out:
                out.writelines(lines)
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise StorageError(f"{file} cannot be written ({problem.strerror}); choose another place.") from None


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
