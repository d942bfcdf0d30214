"""What a score means in one collection: how far above chance, measured by the collection itself (ours)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.rows import Array

MIDDLE = 0.6
SLOPE = 12.0
"""Chosen on birds, flowers, grocery and clothing, where pictures of other collections reach .25-.4 of the way from
chance to the nearest pairs and pictures of the collection's own kinds .8-1."""


@dataclass(frozen=True)
class Calibration:
    """Two anchors of a collection's scores.

    ``chance``: the median score of two random pictures. ``nearest``: the median score of a picture's nearest
    neighbour, found with the picture left out of the fit, so that it is what a new picture of a known kind reaches.
    """

    chance: float
    nearest: float

    def confidence(self, scores: Array) -> NDArray[np.float64]:
        """Scores of any shape -> 0..1, rising: .5 at 60 % of the way from chance to the nearest pairs.

        Below one half a hit is no more like the query than pictures of foreign things usually are.
        """
        span = max(self.nearest - self.chance, 1e-6)
        way = (np.asarray(scores, np.float64) - self.chance) / span
        return 1.0 / (1.0 + np.exp(-SLOPE * np.clip(way - MIDDLE, -4, 4)))


def random_pair_median(asked: Array, stored: Array, rng: np.random.Generator, pairs: int = 5_000) -> float:
    """The median score of random pairs of different pictures; row i of both is the same picture."""
    n = len(asked)
    if n < 2:
        return 0.0
    left = rng.integers(0, n, pairs)
    right = (left + rng.integers(1, n, pairs)) % n
    return float(np.median(np.einsum("nd,nd->n", asked[left], stored[right])))
