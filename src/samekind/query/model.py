"""A question in typed parts: pictures, stored items, raw vectors, each with a weight."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Pixels
from samekind.errors import UsageError
from samekind.pictures.views import Box


@dataclass(frozen=True, eq=False, init=False)
class Picture:
    """A picture from outside or inside the collection.

    ``source`` is a file (its path, kept as a Path), the bytes of a picture file, or (h, w, 3) uint8 upright sRGB
    pixels; ``crop`` a box in pixels of the upright picture. A negative ``weight`` asks for things unlike it.
    """

    source: Path | bytes | Pixels
    crop: Box | None
    weight: float

    def __init__(self, source: str | Path | bytes | Pixels, crop: Box | None = None, weight: float = 1.0) -> None:
        _check_weight(weight)
        if isinstance(source, np.ndarray):
            shape = source.shape
            if source.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
                raise UsageError(
                    f"Pixels must be (height, width, 3) uint8, not {shape} {source.dtype}; convert them to sRGB."
                )
        elif isinstance(source, str):
            source = Path(source)
        elif not isinstance(source, Path | bytes):
            raise UsageError(f"A picture is a path, bytes or an array of pixels, not {type(source).__name__}.")
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "crop", crop)
        object.__setattr__(self, "weight", weight)


@dataclass(frozen=True)
class Stored:
    """A picture that is in the collection: its id, its path below its root, or its absolute path.

    It is left out of the results.
    """

    item: str | Path
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_weight(self.weight)


@dataclass(frozen=True, eq=False)
class Vector:
    """A vector of the collection's encoder as it came out of the encoder (not tuned): (dim,) of any length but 0."""

    values: NDArray[np.floating]
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_weight(self.weight)
        values = np.asarray(self.values)
        if values.ndim != 1 or values.dtype.kind not in "fiu":
            raise UsageError(f"A query vector must be one row of numbers, not an array of shape {values.shape}.")
        if not np.isfinite(values).all() or not values.any():
            raise UsageError("A query vector must hold finite numbers that are not all zero.")


Part = Picture | Stored | Vector


@dataclass(frozen=True, init=False)
class Query:
    """What is asked for: the sum of the parts' unit vectors in the searched space, each times its weight."""

    parts: tuple[Part, ...]

    def __init__(self, *parts: Part) -> None:
        if not parts:
            raise UsageError("A query needs at least one part: a Picture, a Stored item or a Vector.")
        for part in parts:
            if not isinstance(part, Picture | Stored | Vector):
                raise UsageError(
                    f"A query is made of Picture, Stored and Vector parts, not {type(part).__name__}; wrap it in one."
                )
        if all(part.weight == 0 for part in parts):
            raise UsageError("All weights of the query are zero; give at least one part another weight.")
        object.__setattr__(self, "parts", parts)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The parts that an encoder must look at, in order."""
        return tuple(part for part in self.parts if isinstance(part, Picture))


def _check_weight(weight: float) -> None:
    if not math.isfinite(weight):
        raise UsageError(f"A weight must be a finite number, not {weight}.")
