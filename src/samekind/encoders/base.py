"""The Encoder seam: pixels in, unit vectors out. The TextTower seam: words in, unit vectors beside them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(height, width, 3) uint8, upright sRGB."""

Prepared = tuple[NDArray[np.uint8], ...]
"""One picture as the encoder's networks take it: one (side, side, 3) uint8 array for each network."""

Vectors = NDArray[np.float32]
"""(n, dim) float32, rows of unit length."""


@dataclass(frozen=True)
class Part:
    """A slice of an encoder's vector that one network made.

    Within a vector the slice ``start:stop`` has length ``weight`` / sqrt(sum of squared weights).
    """

    name: str
    start: int
    stop: int
    weight: float = 1.0


class Encoder(Protocol):
    """Turns pictures into unit vectors.

    ``prepare`` resizes one picture (thread-safe, releases the interpreter lock where it can); ``encode`` runs the
    networks on a batch. Two steps, so that many threads can prepare while one encodes.
    """

    @property
    def name(self) -> str:
        """The name it can be loaded by."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The slices of a vector, in order; together they cover it."""

    @property
    def fingerprint(self) -> str:
        """16 hex digits of a hash of weights, recipe and preprocessing: equal prints, comparable vectors."""

    @property
    def input_side(self) -> int:
        """The largest side in pixels that the networks see: what decoding may shrink a picture to."""

    def prepare(self, pixels: Pixels) -> Prepared:
        """One picture of any size, (h, w, 3) uint8, as the networks take it."""

    def encode(self, batch: Sequence[Prepared]) -> Vectors:
        """(n, dim) float32 unit rows for n prepared pictures; an empty batch gives (0, dim)."""


@dataclass(frozen=True, eq=False)
class TextVectors:
    """Texts as ``vectors`` (n, dim) float32 unit rows; those in ``cut`` were too long and lost their end."""

    vectors: Vectors
    cut: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"vectors": self.vectors.tolist(), "cut": list(self.cut)}


class TextTower(Protocol):
    """Turns texts into unit vectors that are compared with the vectors of the encoder of the same name."""

    @property
    def name(self) -> str:
        """The name of the encoder that it belongs to."""

    @property
    def dim(self) -> int:
        """Length of a vector: the encoder's."""

    @property
    def fingerprint(self) -> str:
        """16 hex digits of a hash of weights and tokenizer: equal prints, equal vectors of a text."""

    @property
    def limit(self) -> int:
        """The most tokens of a text that are read, those that mark its ends included."""

    def encode(self, texts: Sequence[str]) -> TextVectors:
        """The texts as they are, (n, dim); no texts give (0, dim). Raises UsageError for one without any word."""


def encode_pictures(encoder: Encoder, pictures: Sequence[Pixels], batch: int = 16) -> Vectors:
    """Prepares and encodes pictures one batch after the other: (n, dim) float32 unit rows."""
    rows = [
        encoder.encode([encoder.prepare(pixels) for pixels in pictures[start : start + batch]])
        for start in range(0, len(pictures), batch)
    ]
    return np.concatenate(rows) if rows else np.zeros((0, encoder.dim), np.float32)
