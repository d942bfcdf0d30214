"""Where a demo works: a folder of its own, the encoder that can be had, collections that it may make anew."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path

from samekind.collection import Collection
from samekind.encoders.base import Encoder
from samekind.errors import CollectionError, StorageError, UsageError, WeightsMissing
from samekind.events import Event, Warned
from samekind.settings import Settings

FOLDER = Path("samekind-demo")
_MARK = ".samekind-demo"
_FALLBACK = "lite"


def claim(folder: Path) -> None:
    """Makes the demo's folder, or finds it as an earlier demo left it.

    Raises UsageError where something else is in the way, and StorageError.
    """
    try:
        if folder.exists() and not (folder / _MARK).exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder.absolute()} is there and not from a demo; move it away or run this elsewhere.")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).write_text("made by samekind demo; delete the whole folder when done\n", "utf-8")
    except OSError as problem:
        raise StorageError(f"The demo cannot write into {folder} ({problem.strerror}); run it elsewhere.") from None


def encoder_for(settings: Settings) -> Generator[Event, None, tuple[Encoder, str]]:
    """The wanted encoder, or "lite" where nobody asked for that one and its weights cannot be had; and why."""
    from samekind.encoders.load import fetch, load_encoder

    name, fallback = settings.encoder, ""
    if not name.startswith("onnx:"):
        try:
            yield from fetch(name, settings)
        except WeightsMissing as problem:
            if settings.sources.get("encoder", "default") != "default":
                raise
            fallback = f"The weights of {name!r} cannot be had, so this demo uses the weaker {_FALLBACK!r}: {problem}"
            yield Warned(fallback)
            name = _FALLBACK
    return load_encoder(name, settings), fallback


def collection_at(path: Path, encoder: Encoder) -> Collection:
    """The demo's collection for this encoder; one that another encoder or a broken run left is made anew."""
    try:
        if Collection.open(path).fingerprint == encoder.fingerprint:
            return Collection.open(path)
    except CollectionError:
        pass
    if path.exists():
        shutil.rmtree(path)
    return Collection.create(path, encoder)
