"""Image towers of the model hub and of local folders in its form: found, converted once, kept by content.

What is kept in the cache folder's ``hub``:
  graphs/<digest>/   graph.xml and graph.bin, which OpenVINO reads without torch, and about.json
  pins/              for each name that was asked for, the commit and the digest that it stands for
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from samekind.encoders.download import file_sha256
from samekind.encoders.engine import core, openvino
from samekind.encoders.recipe import Trunk
from samekind.errors import EncoderError, StorageError, UsageError, WeightsMissing
from samekind.events import Event, Progress
from samekind.pictures.views import View
from samekind.settings import Settings, cache_folder

HUB = "hub:"
CONVERSION = 1
"""Raised whenever the same files would become another graph."""

_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_TENSORS = ("model.safetensors", "model.safetensors.index.json", "model-*.safetensors")
_PICKLED = "pytorch_model.bin"
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
        return _folder_of(self.digest) / "graph.xml"

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
    pin = _read(_pin_file(source)) if source.folder is None else None
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
    pin = _read(_pin_file(source))
    kept = read_kept(pin["digest"]) if pin else None
    if kept:
        return kept
    wanted = Source(repository=source.repository, revision=pin["commit"] if pin else source.revision)
    folder = yield from _snapshot(wanted, settings)
    pinned = Source(repository=source.repository, revision=folder.name)
    digest = content_digest(folder)
    kept = yield from _converted(folder, digest, pinned)
    for each in (source, pinned):
        _write(_pin_file(each), {"commit": folder.name, "digest": digest})
    return kept


def kept_here() -> list[Kept]:
    """Every converted tower in the cache, by name."""
    found = (read_kept(folder.name) for folder in (_root() / "graphs").glob("*"))
    return sorted((kept for kept in found if kept), key=lambda kept: kept.source)


def read_kept(digest: str) -> Kept | None:
    """A converted tower by its digest; None where it is not here, not whole, or of another version."""
    folder = _folder_of(digest)
    about = _read(folder / "about.json")
    try:
        if about is None or about.pop("conversion") != CONVERSION:
            return None
        kept = Kept(**{**about, "view": View(**about["view"])})
        return kept if (folder / "graph.bin").stat().st_size == kept.size and kept.graph.exists() else None
    except (OSError, KeyError, TypeError, UsageError):
        return None


def content_digest(folder: Path) -> str:
    """The sha256 over the weights, the configuration and the image processor's in a folder; EncoderError without."""
    if not folder.is_dir():
        raise EncoderError(f"There is no folder {folder}; give one that a hub model was saved to.")
    processors = [file for name in _PROCESSORS if (file := folder / name).is_file()]
    weights = _weights(folder)
    absent = [
        what
        for what, there in (
            ("config.json", (folder / "config.json").is_file()),
            (_PROCESSORS[0], processors),
            (_TENSORS[0], weights),
        )
        if not there
    ]
    if absent:
        raise EncoderError(f"There is no {absent[0]} in {folder}; save or download the whole model there.")
    digest = hashlib.sha256(f"conversion {CONVERSION}\n".encode())
    for file in [folder / "config.json", *processors, *weights]:
        status = file.stat()
        digest.update(f"{file.name} {_hashed(file, status.st_size, status.st_mtime_ns)}\n".encode())
    return digest.hexdigest()


def _weights(folder: Path) -> list[Path]:
    """The files of the weights: one of tensors, else all pieces of one, else a pickle, which torch reads guardedly."""
    if (folder / _TENSORS[0]).is_file():
        return [folder / _TENSORS[0]]
    if (folder / _TENSORS[1]).is_file():
        return [folder / _TENSORS[1], *sorted(folder.glob(_TENSORS[2]))]
    return [folder / _PICKLED] if (folder / _PICKLED).is_file() else []


@functools.lru_cache(maxsize=64)
def _hashed(file: Path, size: int, changed: int) -> str:
    """The file's hash, once for each state that it is in while this process runs."""
    return file_sha256(file)


def _snapshot(source: Source, settings: Settings) -> Generator[Event, None, Path]:
    """The folder of a repository's files, named by its commit: from huggingface_hub's own cache, else fetched."""
    from samekind.encoders.hub_tools import quiet, tools

    fetch = tools().huggingface_hub.snapshot_download
    stage = f"fetch {source.repository}"
    yield Progress(stage, 0)
    folder = Path()
    for patterns in (["config.json", *_PROCESSORS, *_TENSORS], [_PICKLED]):
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
        if _weights(folder):
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
    place = _folder_of(digest)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".") as ready:
            whole = Path(ready) / place.name
            whole.mkdir()
            openvino().save_model(tower.model, whole / "graph.xml", compress_to_fp16=False)
            size = (whole / "graph.bin").stat().st_size
            kept = Kept(source.name, tower.kind, digest, tower.seen.view, tower.pooling, tower.dim, size)
            _write(whole / "about.json", {"conversion": CONVERSION, **asdict(kept)})
            shutil.rmtree(place, ignore_errors=True)  # one that was not whole
            whole.replace(place)
    except (OSError, RuntimeError) as problem:
        kept = read_kept(digest)  # another process may have put it there
        if not kept:
            raise StorageError(
                f"The converted graph cannot be kept in {place.parent} ({problem}); make room there or set "
                "SAMEKIND_CACHE."
            ) from None
    yield Progress(stage, 1, 1)
    return kept


def _root() -> Path:
    return cache_folder() / "hub"


def _folder_of(digest: str) -> Path:
    return _root() / "graphs" / digest


def _pin_file(source: Source) -> Path:
    name = f"{source.repository}@{source.revision}" if source.revision else source.repository
    return _root() / "pins" / f"{name.replace('/', '--')}.json"


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(file: Path, content: dict[str, Any]) -> None:
    ready = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        ready.write_text(json.dumps(content, indent=1), "utf-8")
        ready.replace(file)
    except OSError as problem:
        raise StorageError(f"{file} cannot be written ({problem}); make room there or set SAMEKIND_CACHE.") from None
