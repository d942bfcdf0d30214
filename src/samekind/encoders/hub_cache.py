"""The cache folder's ``hub``: folders that are there whole or not at all, and small JSON files.

graphs/<digest>/   an image tower: graph.xml and graph.bin, which OpenVINO reads without torch, and about.json
words/<digest>/    a text tower: the same, and tokenizer.json
pins/              for each name that was asked for, the commit and the digests that it stands for
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from samekind.encoders.engine import openvino
from samekind.errors import StorageError
from samekind.settings import cache_folder

GRAPH = "graph.xml"
_WEIGHTS = "graph.bin"
_ABOUT = "about.json"
T = TypeVar("T")


def hub_folder(*names: str) -> Path:
    """A place in the cache folder's ``hub``."""
    return cache_folder().joinpath("hub", *names)


def save_graph(model: Any, folder: Path) -> int:
    """Writes a graph; gives the bytes of its weights."""
    openvino().save_model(model, folder / GRAPH, compress_to_fp16=False)
    return (folder / _WEIGHTS).stat().st_size


def keep(place: Path, fill: Callable[[Path], dict[str, Any]], find: Callable[[], T | None]) -> T:
    """What ``find`` finds after the folder ``place`` was filled, whole or not at all; ``fill`` gives its about.json.

    StorageError where it cannot be kept.
    """
    problem: Exception | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".") as ready:
            whole = Path(ready) / place.name
            whole.mkdir()
            write(whole / _ABOUT, fill(whole))
            shutil.rmtree(place, ignore_errors=True)  # one that was not whole
            whole.replace(place)
    except (OSError, RuntimeError) as reason:
        problem = reason
    found = find()  # where it failed, another process may have put it there
    if found is None:
        raise StorageError(
            f"The converted graph cannot be kept in {place.parent} ({problem}); make room there or set SAMEKIND_CACHE."
        )
    return found


def about(place: Path, conversion: int) -> dict[str, Any] | None:
    """What about.json says of a kept folder; None where it is not here, not whole, or of another version."""
    found = read(place / _ABOUT)
    try:
        if found is None or found.pop("conversion") != conversion or not (place / GRAPH).exists():
            return None
        return found if (place / _WEIGHTS).stat().st_size == found["size"] else None
    except (OSError, KeyError):
        return None


def read(file: Path) -> dict[str, Any] | None:
    """A JSON file's content; None where it is no such file."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write(file: Path, content: dict[str, Any]) -> None:
    """A JSON file, whole or not at all; StorageError where it cannot be written."""
    ready = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        ready.write_text(json.dumps(content, indent=1), "utf-8")
        ready.replace(file)
    except OSError as problem:
        raise StorageError(f"{file} cannot be written ({problem}); make room there or set SAMEKIND_CACHE.") from None
