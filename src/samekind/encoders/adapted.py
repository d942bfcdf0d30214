"""An adapted encoder: a folder that says how a known encoder was fitted to a person's collections.

my-encoder/
  encoder.toml            base encoder and its fingerprint, method, verdict, versions, seeds
  adaptors.safetensors    what training put into the networks, where it was trained: NETWORK.KIND.POINT
  experts.safetensors     the mix of linear experts, for each part of the base's vectors
  golden.json             the numbers that the test card must give
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samekind.encoders.base import Encoder, Part, Pixels, Prepared, Vectors
from samekind.encoders.experts import Experts
from samekind.encoders.rows import map_parts
from samekind.errors import EncoderError, NewerFormat
from samekind.events import Chosen

FILE, ADAPTORS, EXPERTS, GOLDEN = "encoder.toml", "adaptors.safetensors", "experts.safetensors", "golden.json"
FORMAT = 1


@dataclass(frozen=True, eq=False)
class AdaptedEncoder:
    """An ``Encoder``: the vectors of ``base``, each part mapped by its mix of ``experts``.

    ``golden`` holds for each part what the test card must give, empty where nothing is pinned.
    """

    name: str
    base: Encoder
    experts: tuple[Experts, ...]
    fingerprint: str
    golden: tuple[tuple[float, ...], ...] = ()

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
        return self.adapt(self.base.encode(batch))

    def adapt(self, vectors: Vectors) -> Vectors:
        """(n, dim) unit rows of the base -> (n, dim) unit rows of this encoder."""
        return map_parts(self.parts, self.experts, vectors)


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


def assemble(folder: Path, base: Encoder) -> AdaptedEncoder:
    """The adapted encoder in ``folder`` on top of its ``base``, which must be the one that it was fitted to."""
    about = read_about(folder)
    if base.fingerprint != about.base_fingerprint:
        raise EncoderError(
            f"{folder} was fitted to another {about.base} ({about.base_fingerprint}) than the one here "
            f"({base.fingerprint}); run samekind adapt again."
        )
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        experts = unpacked(load_file(folder / EXPERTS), len(base.parts))
        golden = tuple(map(tuple, json.loads((folder / GOLDEN).read_text("utf-8"))))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as problem:
        raise EncoderError(
            f"A part of {folder} cannot be read ({problem}); copy the folder again or run samekind adapt again."
        ) from None
    found = fingerprint(base.fingerprint, experts)
    if found != about.fingerprint:
        raise EncoderError(
            f"{folder} was changed after it was written; copy the folder again or run samekind adapt again."
        )
    return AdaptedEncoder(str(folder), base, experts, found, golden)


Adaptors = Mapping[str, Mapping[str, np.ndarray[Any, np.dtype[np.float32]]]]
"""The tensors of adaptors by network and by name, as ``graph.with_adaptors`` takes them."""


def packed_adaptors(adaptors: Adaptors) -> dict[str, np.ndarray[Any, Any]]:
    """All tensors in half precision, each named after its network first."""
    return {
        f"{network}.{name}": tensor.astype(np.float16)
        for network, tensors in adaptors.items()
        for name, tensor in tensors.items()
    }


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


def fingerprint(base: str, experts: Sequence[Experts]) -> str:
    """16 hex digits of the sha256 over the base's fingerprint and all numbers."""
    return _digest(base, packed(experts))[:16]


def _digest(start: str, tensors: Mapping[str, np.ndarray[Any, Any]]) -> str:
    digest = hashlib.sha256(start.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()
