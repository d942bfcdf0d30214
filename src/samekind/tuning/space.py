"""The tuned space: a map for each part of an encoder's vector, and a correction for hubs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from samekind.encoders.base import Part
from samekind.encoders.rows import Array, RowMap, fit_parts, map_parts
from samekind.tuning.nuisance import SHRINKAGE, Rows, fit_nuisance_map

HUB_WEIGHT = 0.3
HUB_NEIGHBOURS = 5
_SAME = 0.999
_BLOCK = 512


@dataclass(frozen=True)
class Space:
    """Maps an encoder's vectors into the tuned space.

    A score is ``asked(query) @ stored(picture)`` = cosine in the tuned space - HUB_WEIGHT * r(picture), where r is the
    picture's mean cosine to its HUB_NEIGHBOURS nearest ``references`` (the gallery half of CSLS, Conneau et al., 2018;
    one number a picture). Pictures that are near to everything no longer crowd the results. ``references`` (r, d) are
    pictures of the collection, already mapped; they are fixed with the space, so that scores do not drift. The maps are
    nuisance maps, or mixes of them (``mixed.py``); with none, vectors stay as they are and hubs alone are corrected.
    """

    parts: tuple[Part, ...]
    maps: tuple[RowMap, ...]
    references: Array

    def apply(self, vectors: Array) -> Array:
        """(n, d) float32 of the encoder -> (n, d) float32 unit rows of the tuned space."""
        return map_parts(self.parts, self.maps, vectors) if self.maps else vectors

    def asked(self, vectors: Array) -> Array:
        """(q, d) of the encoder -> (q, d + 1): the query side of a score."""
        return self.asking(self.apply(vectors))

    def asking(self, mapped: Array) -> Array:
        """(q, d) unit rows of the tuned space, such as sums of mapped vectors -> (q, d + 1): the query side."""
        return np.hstack([mapped, np.ones((len(mapped), 1), np.float32)])

    def stored(self, vectors: Array) -> Array:
        """(n, d) of the encoder -> (n, d + 1): the side of a score that is kept in the table."""
        mapped = self.apply(vectors)
        return np.hstack([mapped, -HUB_WEIGHT * self.crowding(mapped)[:, None]])

    def crowding(self, mapped: Array) -> Array:
        """(n, d) mapped unit rows -> (n,) r: mean cosine to the nearest references, the picture itself left out."""
        k = min(HUB_NEIGHBOURS, len(self.references) - 1)
        crowding = np.zeros(len(mapped), np.float32)
        if k < 1:
            return crowding
        for start in range(0, len(mapped), _BLOCK):
            scores = mapped[start : start + _BLOCK] @ self.references.T
            nearest = np.sort(np.partition(scores, -k - 1, axis=1)[:, -k - 1 :], axis=1)
            itself = nearest[:, -1] >= _SAME
            crowding[start : start + _BLOCK] = np.where(
                itself, nearest[:, :-1].mean(axis=1), nearest[:, 1:].mean(axis=1)
            )
        return crowding


def fit_space(
    vectors: Array,
    parts: Sequence[Part],
    views: Array,
    view_rows: Rows,
    references: Rows,
    rng: np.random.Generator,
    shrinkage: float = SHRINKAGE,
) -> Space:
    """Fits a map for each part of ``vectors`` (n, d); crowding is measured by ``vectors[references]``."""
    maps = fit_parts(parts, vectors, views, lambda one, seen: fit_nuisance_map(one, seen, view_rows, rng, shrinkage))
    return space_of(parts, maps, vectors[references])


def space_of(parts: Sequence[Part], maps: Sequence[RowMap], references: Array) -> Space:
    """The space that these maps make; crowding is measured by ``references`` (r, d), which are not mapped yet."""
    mapped = Space(tuple(parts), tuple(maps), references).apply(references)
    return Space(tuple(parts), tuple(maps), mapped.astype(np.float16).astype(np.float32))  # as the file will hold them


def without_maps(vectors: Array, parts: Sequence[Part], views: Array, view_rows: Rows, references: Rows) -> Space:
    """The encoder's own space, hubs corrected; arguments as for ``fit_space``, crowding by ``vectors[references]``."""
    return space_of(parts, (), vectors[references])
