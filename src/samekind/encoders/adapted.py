"""An adapted encoder: a folder that says how a known encoder was fitted to a person's collections.

my-encoder/
  encoder.toml            base encoder and its fingerprint, method, verdict, versions, seeds
  adaptors.safetensors    what training put into the networks, where it was trained: NETWORK.KIND.POINT
  experts.safetensors     the mix of linear experts, for each part of the base's vectors; where something was trained,
                          which pictures are known; landmarks of the pictures that all was fitted to; the branches that
                          were added later
  words.safetensors       the map for texts of the base's own text tower, where it has one
  golden.json             the numbers that the test card must give
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from samekind.encoders.base import Encoder, Part, Pixels, Prepared, Vectors
from samekind.encoders.experts import Experts
from samekind.encoders.grown import Branch, packed_branch, unpacked_branch
from samekind.encoders.known import Known, packed_known, unpacked_known
from samekind.encoders.rows import Array, map_parts
from samekind.errors import EncoderError, NewerFormat
from samekind.events import Chosen

FILE, ADAPTORS, EXPERTS, GOLDEN = "encoder.toml", "adaptors.safetensors", "experts.safetensors", "golden.json"
WORDS = "words.safetensors"
FORMAT = 1
UNKNOWN = np.zeros((0, 0), np.float32)
"""The landmarks of an encoder that does not say what it was fitted to."""
_LANDMARKS, _BRANCH = "landmarks", "branch"


@dataclass(frozen=True, eq=False)
class AdaptedEncoder:
    """An ``Encoder``: vectors of ``base``, each part mapped by its mix of ``experts``, then by each of ``branches``.

    ``golden`` holds for each part what the test card must give, empty where nothing is pinned. ``landmarks`` (k, d) are
    unit rows of this encoder's space where the pictures lie that it was fitted to. What is not ``known`` has the plain
    vector in the place of the mix; None: everything is.
    """

    name: str
    base: Encoder
    experts: tuple[Experts, ...]
    fingerprint: str
    golden: tuple[tuple[float, ...], ...] = ()
    landmarks: Array = field(default_factory=lambda: UNKNOWN)
    branches: tuple[Branch, ...] = ()
    known: Known | None = None

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.base.dim

    @property
    def parts(self) -> tuple[Part, ...]:
        """The slices of a vector: those of the base."""
        return self.base.parts

    @property
    def input_side(self) -> int:
        """The largest side in pixels that the networks see."""
        return self.base.input_side

    @property
    def choices(self) -> tuple[Chosen, ...]:
        """What was chosen for this machine so far."""
        return tuple(getattr(self.base, "choices", ()))

    def prepare(self, pixels: Pixels) -> Prepared:
        """One (h, w, 3) uint8 picture as the base's networks see it."""
        return self.base.prepare(pixels)

    def encode(self, batch: Sequence[Prepared]) -> Vectors:
        """(n, dim) float32 unit rows for n prepared pictures."""
        mapped, known = map_parts(self.parts, self.experts, self.base.encode(batch)), self.known
        if known is not None:
            mapped = known.left(mapped, lambda rows: known.plain().encode([batch[row] for row in rows]))
        return self._grown(mapped)

    def adapt(self, vectors: Vectors) -> Vectors:
        """(n, dim) unit rows of the base -> (n, dim) unit rows of this encoder, as if all pictures were known."""
        return self._grown(map_parts(self.parts, self.experts, vectors))

    def knowing_everything(self) -> AdaptedEncoder:
        """The same without exceptions."""
        return replace(self, known=None)

    def _grown(self, mapped: Vectors) -> Vectors:
        for branch in self.branches:
            mapped = branch.apply(self.parts, mapped)
        return mapped


def is_adapted(name: str) -> bool:
    """Whether a name is the folder of an adapted encoder."""
    return (Path(name).expanduser() / FILE).is_file()


def looks_like_folder(name: str) -> bool:
    """Whether a name can only mean a folder: it has a separator in it."""
    return "/" in name or "\\" in name or name.startswith((".", "~"))


@dataclass(frozen=True)
class About:
    """What encoder.toml says: the ``base`` encoder's name and fingerprint, and everything else as it stands there."""

    base: str
    base_fingerprint: str
    fingerprint: str
    rest: Mapping[str, Any]


def read_about(folder: Path) -> About:
    """Reads encoder.toml. Raises EncoderError where it is damaged, NewerFormat where a later samekind wrote it."""
    try:
        about = tomllib.loads((folder / FILE).read_text("utf-8"))
        if int(about["format"]) > FORMAT:
            raise NewerFormat(f"{folder} was written by a later samekind; install a newer version to use it.")
        return About(about.pop("base"), about.pop("base_fingerprint"), about.pop("fingerprint"), about)
    except FileNotFoundError:
        raise EncoderError(
            f"{folder} is no encoder: there is no {FILE} in it; name a folder that samekind adapt made."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise EncoderError(
            f"{folder / FILE} cannot be read ({problem!r}); copy the folder again or run samekind adapt again."
        ) from None


def assemble(folder: Path, base: Encoder, plain: Callable[[], Encoder] | None = None) -> AdaptedEncoder:
    """The adapted encoder in ``folder`` on top of its ``base``, which must be the one that it was fitted to.

    ``plain`` loads the base without what was trained, where something was.
    """
    about = read_about(folder)
    if base.fingerprint != about.base_fingerprint:
        raise EncoderError(
            f"{folder} was fitted to another {about.base} ({about.base_fingerprint}) than the one here "
            f"({base.fingerprint}); run samekind adapt again."
        )
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(folder / EXPERTS)
        experts = unpacked(tensors, len(base.parts))
        landmarks, branches = unpacked_growth(tensors, len(base.parts))
        known = unpacked_known(tensors, plain)
        golden = tuple(map(tuple, json.loads((folder / GOLDEN).read_text("utf-8"))))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as problem:
        raise EncoderError(
            f"A part of {folder} cannot be read ({problem}); copy the folder again or run samekind adapt again."
        ) from None
    found = fingerprint(base.fingerprint, experts, landmarks, branches, known)
    if found != about.fingerprint:
        raise EncoderError(
            f"{folder} was changed after it was written; copy the folder again or run samekind adapt again."
        )
    return AdaptedEncoder(str(folder), base, experts, found, golden, landmarks, branches, known)


Adaptors = Mapping[str, Mapping[str, np.ndarray[Any, np.dtype[np.float32]]]]
"""The tensors of adaptors by network and by name, as ``graph.with_adaptors`` takes them."""


def packed_adaptors(adaptors: Adaptors) -> dict[str, np.ndarray[Any, Any]]:
    """All tensors in half precision, each named after its network first."""
    return {
        f"{network}.{name}": tensor.astype(np.float16)
        for network, tensors in adaptors.items()
        for name, tensor in tensors.items()
    }


def read_words(folder: Path) -> Array | None:
    """The map for texts, None where the encoder has none. Raises EncoderError where it cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not (folder / WORDS).exists():
        return None
    try:
        return np.asarray(load_file(folder / WORDS)["matrix"], np.float32)
    except (OSError, SafetensorError, KeyError) as problem:
        raise EncoderError(
            f"{folder / WORDS} cannot be read ({problem}); copy the folder again or run samekind adapt again."
        ) from None


def read_adaptors(folder: Path) -> Adaptors:
    """The trained adaptors as float32, by network and name. Raises EncoderError where they cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(folder / ADAPTORS)
    except (OSError, SafetensorError) as problem:
        raise EncoderError(
            f"{folder / ADAPTORS} cannot be read ({problem}); copy the folder again or run samekind adapt again."
        ) from None
    found: dict[str, dict[str, np.ndarray[Any, np.dtype[np.float32]]]] = {}
    for full, tensor in tensors.items():
        network, _, name = full.partition(".")
        found.setdefault(network, {})[name] = tensor.astype(np.float32)
    return found


def adaptors_digest(trunk: str, adaptors: Mapping[str, np.ndarray[Any, Any]]) -> str:
    """The sha256 over a network's digest and its adaptors, which are half-precision numbers."""
    return _digest(trunk, {name: tensor.astype(np.float16) for name, tensor in adaptors.items()})


def packed(experts: Sequence[Experts]) -> dict[str, np.ndarray[Any, Any]]:
    """Tensors by name, the matrices in half precision (``rounded`` experts lose nothing)."""
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    for number, mix in enumerate(experts):
        tensors[f"{number}.levels"] = np.array(mix.levels, np.int64)
        for name in ("mean", "frame", "centroids", "means"):
            tensors[f"{number}.{name}"] = np.ascontiguousarray(getattr(mix, name))
        tensors[f"{number}.matrices"] = mix.matrices.astype(np.float16)
    return tensors


def unpacked(tensors: Mapping[str, np.ndarray[Any, Any]], parts: int) -> tuple[Experts, ...]:
    """What ``packed`` packed."""
    return tuple(
        Experts(
            levels=tuple(tensors[f"{number}.levels"].tolist()),
            mean=tensors[f"{number}.mean"],
            frame=tensors[f"{number}.frame"],
            centroids=tensors[f"{number}.centroids"],
            means=tensors[f"{number}.means"],
            matrices=tensors[f"{number}.matrices"].astype(np.float32),
        )
        for number in range(parts)
    )


def packed_growth(landmarks: Array, branches: Sequence[Branch]) -> dict[str, np.ndarray[Any, Any]]:
    """The tensors of ``landmarks`` and ``branches`` by name."""
    tensors: dict[str, np.ndarray[Any, Any]] = {_LANDMARKS: landmarks} if landmarks.size else {}
    for number, branch in enumerate(branches):
        every = {**packed_branch(branch), **packed(branch.experts)}
        tensors |= {f"{_BRANCH}{number}.{name}": np.ascontiguousarray(tensor) for name, tensor in every.items()}
    return tensors


def unpacked_growth(tensors: Mapping[str, np.ndarray[Any, Any]], parts: int) -> tuple[Array, tuple[Branch, ...]]:
    """What ``packed_growth`` packed."""
    branches: list[Branch] = []
    while own := _below(f"{_BRANCH}{len(branches)}.", tensors):
        branches.append(unpacked_branch(own, unpacked(own, parts)))
    return tensors.get(_LANDMARKS, UNKNOWN), tuple(branches)


def _below(prefix: str, tensors: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def fingerprint(
    base: str,
    experts: Sequence[Experts],
    landmarks: Array = UNKNOWN,
    branches: Sequence[Branch] = (),
    known: Known | None = None,
) -> str:
    """16 hex digits of the sha256 over the base's fingerprint and all numbers."""
    return _digest(base, {**packed(experts), **packed_growth(landmarks, branches), **packed_known(known)})[:16]


def _digest(start: str, tensors: Mapping[str, np.ndarray[Any, Any]]) -> str:
    digest = hashlib.sha256(start.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()
