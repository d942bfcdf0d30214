"""Captions and keywords in the files of pictures: read once, kept beside the table by content, a JSON line each."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from samekind.collection import roots
from samekind.collection.lock import writing
from samekind.collection.pipeline import hash_bytes
from samekind.collection.spaces import PRESENT_ROWS
from samekind.errors import PictureError, StorageError
from samekind.events import Event, Progress
from samekind.pictures.captions import captions
from samekind.pictures.decode import Limits, read_bytes

if TYPE_CHECKING:
    from samekind.collection.collection import Collection
    from samekind.settings import Settings

FILE = "captions.jsonl"
_AT_ONCE = 256


def learn(collection: Collection, settings: Settings) -> Generator[Event, None, int]:
    """Reads the files whose captions are not known yet; returns how many. Files that changed or are away wait.

    Nothing is locked or written where all are known. Raises CollectionBusy, StorageError.
    """
    if not _lacking(collection):
        return 0
    limits = Limits(settings.max_pixels, settings.max_bytes)
    with writing(collection.path):
        collection.refresh()
        files = _lacking(collection)
        found: dict[str, tuple[str, ...]] = {}
        done = 0
        for at, (hash_, file) in enumerate(files.items()):
            if at % _AT_ONCE == 0:
                _add(collection.path, found)
                done, found = done + len(found), {}
                yield Progress("reading captions", at, len(files))
            try:
                data = read_bytes(file, limits)
            except PictureError:
                continue
            if hash_bytes(data) == hash_:
                found[hash_] = captions(data, limits)
        _add(collection.path, found)
        yield Progress("reading captions", len(files), len(files))
    return done + len(found)


def has_some(collection: Collection) -> bool:
    """Whether captions were read of this collection before."""
    return (collection.path / FILE).exists()


def read(path: Path) -> Mapping[str, tuple[str, ...]]:
    """Content hash -> captions of the collection at ``path``; a line that was torn by a kill is left out."""
    try:
        lines = (path / FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    except OSError as problem:
        raise StorageError(f"{path / FILE} cannot be read ({problem}).") from None
    known = {}
    for line in lines:
        try:
            hash_, texts = json.loads(line)
        except ValueError:
            continue
        known[str(hash_)] = tuple(map(str, texts))
    return known


def forget(path: Path) -> None:
    """Drops all of them; they are read again when words are next asked. Raises StorageError."""
    try:
        (path / FILE).unlink(missing_ok=True)
    except OSError as problem:
        raise StorageError(f"{path / FILE} cannot be removed ({problem}).") from None


def _lacking(collection: Collection) -> dict[str, Path]:
    """One file of each present content that was not read yet, by its hash, in folders that are there."""
    known, away = read(collection.path), roots.away(collection.manifest)
    rows = collection.table.read(["hash", "root", "path"], PRESENT_ROWS)
    return {
        hash_: collection.file_of(root, path)
        for hash_, root, path in zip(*(rows[name].to_pylist() for name in ("hash", "root", "path")), strict=True)
        if hash_ and hash_ not in known and root not in away
    }


def _add(path: Path, found: Mapping[str, tuple[str, ...]]) -> None:
    if not found:
        return
    lines = "".join(json.dumps([hash_, texts]) + "\n" for hash_, texts in found.items())
    try:
        with (path / FILE).open("a", encoding="ascii") as file:
            file.write("\n" + lines if file.tell() else lines)  # apart from what a kill may have torn
    except OSError as problem:
        raise StorageError(f"{path / FILE} cannot be written ({problem}).") from None
