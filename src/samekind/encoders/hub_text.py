"""Text towers of hub models: found beside the image tower, converted once, kept by content."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from samekind.encoders import hub, hub_cache
from samekind.encoders.engine import core
from samekind.encoders.hub_files import TEXT_CONVERSION, TOKENIZER, text_digest
from samekind.encoders.runtime import Network
from samekind.encoders.text_encoder import HubText
from samekind.encoders.tokenizer import Filling, read_tokenizer
from samekind.encoders.tower import KINDS
from samekind.errors import EncoderError
from samekind.events import Event, Progress
from samekind.settings import Settings

_PIN = "words"


@dataclass(frozen=True)
class KeptText:
    """A converted text tower in the cache: its ``source`` by full name, and what makes a ``TextTower`` of it."""

    source: str
    digest: str
    filling: Filling
    dim: int
    size: int

    @property
    def folder(self) -> Path:
        """Where its graph and its tokenizer are."""
        return _folder_of(self.digest)

    def build(self) -> Any:
        """The graph; it needs neither torch nor transformers."""
        return core().read_model(self.folder / hub_cache.GRAPH)


def make_text(name: str, settings: Settings) -> Generator[Event, None, KeptText | None]:
    """The converted text tower of a hub model's name: from the cache, else made now; None where it has no words.

    The image tower is made first where it is not there yet, and says at which commit a repository stays. Raises what
    ``hub.make`` raises, and EncoderError for a text tower or a tokenizer that is absent or cannot be used.
    """
    source = hub.source_of(name)
    image = yield from hub.make(name, settings)
    if not KINDS[image.kind].words:
        return None
    if source.folder is not None:
        return (yield from _converted(source.folder, text_digest(source.folder), source, image.dim))
    pin = hub.pinned(source) or {}
    kept = read_kept_text(pin[_PIN]) if _PIN in pin else None
    if kept:
        return kept
    exact = hub.Source(repository=source.repository, revision=pin["commit"])
    folder = yield from hub.snapshot(exact, settings)
    kept = yield from _converted(folder, text_digest(folder), exact, image.dim)
    for each in (source, exact):
        hub.pin_down(each, {**pin, _PIN: kept.digest})
    return kept


def text_tower(kept: KeptText, name: str, settings: Settings) -> HubText:
    """The tower ready to use under the encoder's full ``name``."""
    tokenizer = read_tokenizer(kept.folder / TOKENIZER)
    network = Network(kept.build, settings)  # no key: compiling takes half the time of reading a kept form
    return HubText(name, kept.digest, kept.dim, tokenizer, kept.filling, network)


def read_kept_text(digest: str) -> KeptText | None:
    """A converted text tower by its digest; None where it is not here, not whole, or of another version."""
    about = hub_cache.about(_folder_of(digest), TEXT_CONVERSION)
    try:
        return KeptText(**{**about, "filling": Filling(**about["filling"])}) if about else None
    except (KeyError, TypeError):
        return None


def _converted(folder: Path, digest: str, source: hub.Source, image_dim: int) -> Generator[Event, None, KeptText]:
    """The kept text tower of these files, made now where there is none."""
    kept = read_kept_text(digest)
    if kept:
        return kept
    from samekind.encoders.text_tower import convert_text

    stage = f"convert the words of {source.name.removeprefix(hub.HUB)}"
    yield Progress(stage, 0, 1)
    made = convert_text(folder, source.name)
    if made.dim != image_dim:
        raise EncoderError(
            f"{source.name} gives {image_dim} numbers for a picture and {made.dim} for words, which do not compare; "
            "take another model."
        )

    def fill(whole: Path) -> dict[str, Any]:
        (whole / TOKENIZER).write_text(made.tokenizer, "utf-8")
        size = hub_cache.save_graph(made.model, whole)
        return {"conversion": TEXT_CONVERSION, **asdict(KeptText(source.name, digest, made.filling, made.dim, size))}

    kept = hub_cache.keep(_folder_of(digest), fill, lambda: read_kept_text(digest))
    yield Progress(stage, 1, 1)
    return kept


def _folder_of(digest: str) -> Path:
    return hub_cache.hub_folder("words", digest)
