"""The parts of a question: what to look for, what to stay near to or away from, and which pictures count at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.collection import where as filters
from samekind.collection.written import parse_where, written
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
        if crop is not None and not (isinstance(crop, Box) and all(map(_finite, crop.to_dict().values()))):
            raise UsageError(f"A crop is a Box of finite numbers, not {crop!r}.")
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "crop", crop)
        object.__setattr__(self, "weight", _weight(weight))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Picture):
            return NotImplemented
        if (self.crop, self.weight) != (other.crop, other.weight):
            return False
        if isinstance(self.source, np.ndarray) or isinstance(other.source, np.ndarray):
            both = isinstance(self.source, np.ndarray) and isinstance(other.source, np.ndarray)
            return both and np.array_equal(np.asarray(self.source), np.asarray(other.source))
        return self.source == other.source

    def __hash__(self) -> int:
        source = self.source.shape if isinstance(self.source, np.ndarray) else self.source
        return hash((source, self.crop, self.weight))


@dataclass(frozen=True)
class Words:
    """What the picture is to show, in words."""

    text: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_text(self.text)
        object.__setattr__(self, "weight", _weight(self.weight))
        if self.weight < 0:
            raise UsageError(
                f"Words cannot have the negative weight {self.weight:g}; say Drop({self.text!r}) for what must not be"
                " there."
            )


@dataclass(frozen=True)
class Keep:
    """What must stay of the reference, in words."""

    text: str

    def __post_init__(self) -> None:
        _check_text(self.text)


@dataclass(frozen=True)
class Drop:
    """What must not be there, in words."""

    text: str

    def __post_init__(self) -> None:
        _check_text(self.text)


@dataclass(frozen=True)
class Like:
    """A picture that is in the collection: its id, its path below its root, or its absolute path (kept as text).

    It is left out of the results.
    """

    item: str | Path
    weight: float = 1.0

    def __post_init__(self) -> None:
        _settle_item(self)


@dataclass(frozen=True)
class Unlike:
    """A picture of the collection to keep away from, named as in ``Like``. It is left out of the results, too."""

    item: str | Path
    weight: float = 1.0

    def __post_init__(self) -> None:
        _settle_item(self)


@dataclass(frozen=True, eq=False)
class Vector:
    """A vector of the collection's encoder as it came out of the encoder (not tuned): (dim,) of any length but 0."""

    values: NDArray[np.floating]
    weight: float = 1.0

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if values.ndim != 1 or values.dtype.kind not in "fiu":
            raise UsageError(f"A query vector must be one row of numbers, not an array of shape {values.shape}.")
        if not np.isfinite(values).all() or not values.any():
            raise UsageError("A query vector must hold finite numbers that are not all zero.")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "weight", _weight(self.weight))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vector):
            return NotImplemented
        return self.weight == other.weight and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((len(self.values), self.weight))


@dataclass(frozen=True)
class Where:
    """Only pictures that pass a filter: a tree of ``collection/where.py``, or its written form.

    The tree is kept as the written form has it, with all values but None as text. Raises UsageError for what is no
    filter; its columns are looked for when it is asked.
    """

    filter: filters.Where

    def __init__(self, filter: filters.Where | str) -> None:  # noqa: A002
        tree = parse_where(filter) if isinstance(filter, str) else _checked(filter)
        object.__setattr__(self, "filter", parse_where(f"({written(tree)})"))


Part = Picture | Words | Keep | Drop | Like | Unlike | Vector | Where

SHOWN = (Picture, Like, Unlike, Vector)
"""The parts that are a vector each without a word being understood."""

KINDS: Mapping[str, type[Part]] = {
    "picture": Picture,
    "words": Words,
    "keep": Keep,
    "drop": Drop,
    "like": Like,
    "unlike": Unlike,
    "vector": Vector,
    "where": Where,
}
"""All parts by the names that forms use."""


def pull(part: Part) -> float:
    """How strongly a part draws the results towards it; negative: away. Keep and Where do neither."""
    match part:
        case Picture() | Words() | Like() | Vector():
            return part.weight
        case Unlike():
            return -part.weight
        case Drop():
            return -1.0
        case Keep() | Where():
            return 0.0


def _checked(tree: object) -> filters.Where:
    """The same tree, of lists as of tuples; UsageError where it is none."""
    if not isinstance(tree, filters.Where):
        raise UsageError(f"A filter is a tree of samekind.collection.where or its written form, not {tree!r:.80}.")
    try:
        return filters.from_dict(filters.to_dict(tree))
    except (TypeError, RecursionError):
        raise UsageError(
            f"This is no filter: {tree!r:.80}; make it of Eq, In, Range, Starts, And, Or and Not."
        ) from None


def _settle_item(part: Like | Unlike) -> None:
    if not isinstance(part.item, str | Path) or not str(part.item).strip():
        raise UsageError(f"A picture of the collection is named by its id or path, not {part.item!r}.")
    weight = _weight(part.weight)
    if weight <= 0:
        other = "Unlike" if isinstance(part, Like) else "Like"
        raise UsageError(
            f"The weight of {type(part).__name__} must be positive, not {weight:g}; the opposite is {other}."
        )
    object.__setattr__(part, "item", str(part.item))
    object.__setattr__(part, "weight", weight)


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise UsageError(f"Words are a text, not {type(text).__name__}.")
    if not text.strip():
        raise UsageError(f"Words must say something, and {text!r} says nothing; write what the picture shows.")


def _weight(weight: float) -> float:
    if not _finite(weight):
        raise UsageError(f"A weight must be a finite number, not {weight!r:.80}.")
    return float(weight)


def _finite(number: object) -> bool:
    try:
        return isinstance(number, Real) and math.isfinite(number)
    except OverflowError:
        return False
