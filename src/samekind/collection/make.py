"""A new, empty collection: drafted beside its place, then put there whole."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from pathlib import Path

from samekind.collection import manifest as manifests
from samekind.collection import retune
from samekind.collection.manifest import Manifest
from samekind.collection.table import FOLDER, Table
from samekind.collection.upkeep import persist
from samekind.encoders.base import Encoder
from samekind.errors import NotACollection, StorageError, UsageError

_NO_NAME = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""What the engine cannot have in a path: control characters, and bytes that are no text."""


def make(path: Path, encoder: Encoder) -> None:
    """Makes an empty collection for the vectors of ``encoder``. Raises as ``Collection.create`` does."""
    if (path / manifests.FILE).exists():
        raise UsageError(f"{path} is a collection already; open it, or name another folder.")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise NotACollection(f"{path} is there already and is no collection; name another folder.")
    draft = None
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        Table.create(draft / FOLDER, encoder.dim)
        (draft / retune.FOLDER).mkdir()
        manifests.write(draft, Manifest.of(encoder))
        persist(draft, 0)
        draft.chmod(0o777 & ~_umask())
        draft.rename(path)
    except OSError as problem:
        raise StorageError(f"{path} cannot be made ({_reason(problem)}); check the folder above it.") from None
    finally:
        if draft is not None and draft.exists():
            shutil.rmtree(draft, ignore_errors=True)


def absolute(path: str | Path) -> Path:
    """The place that a collection is meant to have. Raises UsageError for one that it cannot have."""
    place = Path(os.path.abspath(path))  # noqa: PTH100 - must not follow links
    if _NO_NAME.search(str(place)):
        raise UsageError(f"A collection cannot lie at {str(place)!a}: line ends and bytes that are no text; rename.")
    return place


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _reason(problem: OSError) -> str:
    if problem.errno in (errno.ENOTEMPTY, errno.EEXIST):
        return "it was made by another process just now"
    return problem.strerror or str(problem)
