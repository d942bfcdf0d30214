"""Image towers of the model hub and of local folders in its form: found, converted once, kept by content."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from samekind.encoders import hub_cache
from samekind.encoders.engine import core
from samekind.encoders.hub_files import (
    CONVERSION,
    PICKLED,
    PROCESSORS,
    TENSORS,
    TOKENIZERS,
    content_digest,
    weights_in,
)
from samekind.encoders.recipe import Trunk
from samekind.errors import EncoderError, UsageError, WeightsMissing
from samekind.events import Event, Progress
from samekind.pictures.views import View
from samekind.settings import Settings

HUB = "hub:"
_REPOSITORY = re.compile(r"([\w.-]+)/([\w.-]+)(?:@([\w./-]+))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Source:
    """What a name means: a ``folder``, or a ``repository`` (owner/name) at a ``revision`` (empty: its main one)."""

    folder: Path | None = None
    repository: str = ""
    revision: str = ""

    @property
    def name(self) -> str:
        """The name that means this from anywhere."""
        if self.folder is not None:
            return f"{HUB}{self.folder}"
        return f"{HUB}{self.repository}@{self.revision}" if self.revision else f"{HUB}{self.repository}"


@dataclass(frozen=True)
class Kept:
    """A converted tower in the cache: its ``source`` by full name, and what makes an encoder of it."""

    source: str
    kind: str
    digest: str
    view: View
    pooling: str
    dim: int
    size: int

    @property
    def graph(self) -> Path:
        """The graph's file."""
        return _folder_of(self.digest) / hub_cache.GRAPH

    @property
    def trunk(self) -> Trunk:
        """What decides about the vectors."""
        return Trunk(self.kind, self.digest, self.view, self.pooling, self.dim)

    def build(self) -> Any:
        """The graph; it needs neither torch nor transformers."""
        return core().read_model(self.graph)


def source_of(name: str) -> Source:
    """hub:owner/name, hub:owner/name@REVISION, or hub:FOLDER, where a folder begins with / or . or ~.

    Raises UsageError for anything else.
    """
    rest = name.removeprefix(HUB)
    if rest.startswith(("/", ".", "~")) or Path(rest).is_absolute():
        return Source(folder=Path(os.path.normpath(Path(rest).expanduser().absolute())))
    found = _REPOSITORY.fullmatch(rest)
    if not found:
        raise UsageError(
            f"{name!r} names no model; write hub:owner/name, hub:owner/name@REVISION, or hub:/path/to/folder."
        )
    return Source(repository=f"{found[1]}/{found[2]}", revision=found[3] or "")


def full_name(name: str) -> str:
    """The name that a collection remembers: a folder absolute, a repository at its commit where that is known here."""
    source = source_of(name)
    pin = pinned(source) if source.folder is None else None
    return Source(repository=source.repository, revision=pin["commit"]).name if pin else source.name


def make(name: str, settings: Settings) -> Generator[Event, None, Kept]:
    """The converted tower of a name: from the cache, else made now, fetched first where it has to be.

    A repository stays at the commit that it was first found at. Raises WeightsMissing where a repository is not here
    and cannot be had, EncoderError for a model that cannot be used, MissingExtra where there is something to convert
    and the extra is not installed.
    """
    source = source_of(name)
    if source.folder is not None:
        return (yield from _converted(source.folder, content_digest(source.folder), source))
    pin = pinned(source)
    kept = read_kept(pin["digest"]) if pin else None
    if kept:
        return kept
    wanted = Source(repository=source.repository, revision=pin["commit"] if pin else source.revision)
    folder = yield from snapshot(wanted, settings)
    exact = Source(repository=source.repository, revision=folder.name)
    digest = content_digest(folder)
    kept = yield from _converted(folder, digest, exact)
    for each in (source, exact):
        pin_down(each, {"commit": folder.name, "digest": digest})
    return kept


def kept_here() -> list[Kept]:
    """Every converted tower in the cache, by name."""
    found = (read_kept(folder.name) for folder in hub_cache.hub_folder("graphs").glob("*"))
    return sorted((kept for kept in found if kept), key=lambda kept: kept.source)


def read_kept(digest: str) -> Kept | None:
    """A converted tower by its digest; None where it is not here, not whole, or of another version."""
    about = hub_cache.about(_folder_of(digest), CONVERSION)
    try:
        return Kept(**{**about, "view": View(**about["view"])}) if about else None
    except (KeyError, TypeError, UsageError):
        return None


def pinned(source: Source) -> dict[str, Any] | None:
    """The commit of a repository's name and the digests of what was made of it; None where it was never here."""
    return hub_cache.read(_pin_file(source))


def pin_down(source: Source, pin: dict[str, Any]) -> None:
    """Keeps what ``pinned`` gives from now on."""
    hub_cache.write(_pin_file(source), pin)


def snapshot(source: Source, settings: Settings) -> Generator[Event, None, Path]:
    """The folder of a repository's files, named by its commit: from huggingface_hub's own cache, else fetched."""
    from samekind.encoders.hub_tools import quiet, tools

    fetch = tools().huggingface_hub.snapshot_download
    stage = f"fetch {source.repository}"
    yield Progress(stage, 0)
    folder = Path()
    for patterns in (["config.json", *PROCESSORS, *TOKENIZERS, *TENSORS], [PICKLED]):
        try:
            with quiet():
                folder = Path(
                    fetch(
                        source.repository,
                        revision=source.revision or None,
                        allow_patterns=patterns,
                        local_files_only=settings.offline,
                    )
                )
        except Exception as problem:  # huggingface_hub's errors have no common root
            raise _missing(source, settings, problem) from problem
        if weights_in(folder):
            break
    if not _COMMIT.fullmatch(folder.name):
        raise EncoderError(f"{source.name} was fetched without its commit; download it and name its folder instead.")
    yield Progress(stage, 1, 1)
    return folder


def _missing(source: Source, settings: Settings, problem: Exception) -> WeightsMissing:
    first = (str(problem).strip().splitlines() or [""])[0].removeprefix("Got: ").rstrip(".") or type(problem).__name__
    why = "samekind is set to work offline" if settings.offline else f"model hub: {first}"
    return WeightsMissing(
        f"{source.name} is not on this machine ({why}); fetch it on a connected machine and bring its folder here, "
        "then name it as hub:/path/to/folder."
    )


def _converted(folder: Path, digest: str, source: Source) -> Generator[Event, None, Kept]:
    """The kept tower of these files, made now where there is none."""
    kept = read_kept(digest)
    if kept:
        return kept
    from samekind.encoders.tower import convert

    stage = f"convert {source.name.removeprefix(HUB)}"
    yield Progress(stage, 0, 1)
    tower = convert(folder, source.name)

    def fill(whole: Path) -> dict[str, Any]:
        size = hub_cache.save_graph(tower.model, whole)
        made = Kept(source.name, tower.kind, digest, tower.seen.view, tower.pooling, tower.dim, size)
        return {"conversion": CONVERSION, **asdict(made)}

    kept = hub_cache.keep(_folder_of(digest), fill, lambda: read_kept(digest))
    yield Progress(stage, 1, 1)
    return kept


def _folder_of(digest: str) -> Path:
    return hub_cache.hub_folder("graphs", digest)


def _pin_file(source: Source) -> Path:
    name = f"{source.repository}@{source.revision}" if source.revision else source.repository
    return hub_cache.hub_folder("pins", f"{name.replace('/', '--')}.json")
