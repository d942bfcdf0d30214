"""A file that appears whole or not at all: a loss of power leaves the one before it or the new one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from samekind.errors import StorageError


@contextmanager
def whole(file: Path, advice: str) -> Iterator[Path]:
    """A draft to write; it takes the place of ``file`` when the block ends, and goes where that ends with an error.

    Raises StorageError where it cannot be written: which file, why, and the ``advice`` what to do.
    """
    from safetensors import SafetensorError

    draft = file.with_name(f"{file.name}.part")
    try:
        yield draft
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        draft.replace(file)
    except (OSError, SafetensorError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise StorageError(f"{file} cannot be written ({reason}); {advice}.") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
