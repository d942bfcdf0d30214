"""Vectors as rows: unit length, and the slices that an encoder's parts made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Part

Array = NDArray[np.float32]
T = TypeVar("T")


class RowMap(Protocol):
    """Something that maps vectors of one length: (n, d) -> (n, d) unit rows."""

    def apply(self, vectors: Array) -> Array:
        """(n, d) float32 -> (n, d) float32 unit rows."""


def unit_rows(vectors: NDArray[np.floating[Any]]) -> Array:
    """Each vector along the last axis at length 1; a zero vector stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Array = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32, copy=False)
    return unit


def split_parts(parts: Sequence[Part], vectors: Array) -> list[Array]:
    """The slices of (..., d) vectors that each part made, at unit length."""
    return [unit_rows(vectors[..., part.start : part.stop]) for part in parts]


def join_parts(parts: Sequence[Part], pieces: Sequence[Array]) -> Array:
    """Unit slices, each times its part's weight, side by side, at unit length: (..., d)."""
    weighted = [part.weight * piece for part, piece in zip(parts, pieces, strict=True)]
    return unit_rows(np.concatenate(weighted, axis=-1))


def map_parts(parts: Sequence[Part], maps: Sequence[RowMap], vectors: Array) -> Array:
    """(n, d) vectors, each part mapped by its own map and all put together again: (n, d) unit rows."""
    pieces = split_parts(parts, vectors)
    return join_parts(parts, [one.apply(piece) for one, piece in zip(maps, pieces, strict=True)])


def fit_parts(parts: Sequence[Part], vectors: Array, views: Array, fit: Callable[[Array, Array], T]) -> tuple[T, ...]:
    """What ``fit`` makes of each part of vectors (n, d) and of second views (m, v, d)."""
    return tuple(map(fit, split_parts(parts, vectors), split_parts(parts, views)))


def map_views(mapped: Callable[[Array], Array], views: Array) -> Array:
    """Views (m, v, d), each through a map of rows (n, d) -> (n, e): (m, v, e)."""
    flat = mapped(views.reshape(-1, views.shape[-1]))
    return flat.reshape(*views.shape[:2], flat.shape[-1])
