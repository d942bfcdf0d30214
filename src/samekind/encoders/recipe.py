"""An encoder as a recipe: networks, the view that each one sees, and how their vectors stand side by side."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Part, Pixels, Prepared, Vectors
from samekind.errors import EncoderError
from samekind.events import Chosen
from samekind.pictures.views import View

PREPROCESSING = 1
"""Raised whenever the same file would reach a network as other pixels; part of every fingerprint."""

Run = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""(n, side, side, 3) uint8 -> (n, dim) float32; in practice a ``runtime.Network``."""


@dataclass(frozen=True)
class Trunk:
    """One network of an encoder.

    ``digest`` is the sha256 of its weights, ``weight`` the length of its slice before the whole is normed, ``golden``
    the first 8 numbers of its unit slice for the test card (empty where none is pinned).
    """

    name: str
    digest: str
    view: View
    pooling: str
    dim: int
    weight: float = 1.0
    golden: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What decides about the vectors, JSON-ready."""
        view: dict[str, Any] = {"fit": self.view.fit, "side": self.view.side, "keep": self.view.keep}
        if self.view.resample != "bicubic":  # left out where it is, so that earlier fingerprints stay
            view["resample"] = self.view.resample
        return {"weights": self.digest, "view": view, "pooling": self.pooling, "weight": self.weight}


class RecipeEncoder:
    """An ``Encoder`` of one or more networks: each vector to unit length, weighted, side by side, unit length."""

    def __init__(self, name: str, trunks: Sequence[Trunk], networks: Sequence[Run]) -> None:
        self.name = name
        self.trunks = tuple(trunks)
        self._networks = tuple(networks)
        self.parts = _parts(self.trunks)
        self.dim = self.parts[-1].stop
        self.fingerprint = fingerprint(self.trunks)
        self.input_side = max(math.ceil(trunk.view.side / trunk.view.keep) for trunk in self.trunks)

    def __repr__(self) -> str:
        return f"RecipeEncoder({self.name!r}, dim={self.dim}, fingerprint={self.fingerprint!r})"

    @property
    def golden(self) -> tuple[tuple[float, ...], ...]:
        """For each part what the test card must give; empty where nothing is pinned."""
        return tuple(trunk.golden for trunk in self.trunks)

    @property
    def choices(self) -> tuple[Chosen, ...]:
        """What was chosen for this machine so far (precision, threads, a smaller batch), without repeats."""
        all_choices = [choice for network in self._networks for choice in getattr(network, "choices", ())]
        return tuple(dict.fromkeys(all_choices))

    def prepare(self, pixels: Pixels) -> Prepared:
        """One (h, w, 3) uint8 picture as each network sees it; EncoderError for any other array."""
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
            raise EncoderError(
                f"A picture must be a (height, width, 3) array of uint8, not {pixels.shape} of {pixels.dtype}."
            )
        seen = {view: view.apply(pixels) for view in dict.fromkeys(trunk.view for trunk in self.trunks)}
        return tuple(seen[trunk.view] for trunk in self.trunks)

    def encode(self, batch: Sequence[Prepared]) -> Vectors:
        """(n, dim) float32 unit rows for n prepared pictures; an empty batch gives (0, dim)."""
        if not batch:
            return np.zeros((0, self.dim), np.float32)
        total = math.hypot(*(trunk.weight for trunk in self.trunks))
        slices = [
            unit_rows(network(np.stack([prepared[place] for prepared in batch]))) * (trunk.weight / total)
            for place, (trunk, network) in enumerate(zip(self.trunks, self._networks, strict=True))
        ]
        return np.concatenate(slices, axis=1).astype(np.float32)


def fingerprint(trunks: Sequence[Trunk]) -> str:
    """16 hex digits of the sha256 over the trunks and the version of the preprocessing, as canonical JSON."""
    content = {"preprocessing": PREPROCESSING, "trunks": [trunk.to_dict() for trunk in trunks]}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to unit length; EncoderError where a row is zero or not finite."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths) & (lengths > 0)):
        raise EncoderError("The network gave a vector that is zero or not finite; its weights may be damaged.")
    return np.asarray(rows / lengths, np.float32)


def _parts(trunks: Sequence[Trunk]) -> tuple[Part, ...]:
    stops = np.cumsum([trunk.dim for trunk in trunks]).tolist()
    return tuple(
        Part(trunk.name, stop - trunk.dim, stop, trunk.weight) for trunk, stop in zip(trunks, stops, strict=True)
    )
