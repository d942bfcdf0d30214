"""How far landmarks reach: what is known after training, and what is left to the plain encoder. (ours)

Pictures of a kind that nobody showed are known where they are as near to the kinds that were shown as those are to each
other. So each small group of landmarks is left out in turn: how alike its pictures are to the nearest of the others
says how alike pictures of another kind are to that one. It holds all but the STRANGEST tenth of such.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.router import LOOKED_AT, landmarks
from samekind.encoders.base import Encoder
from samekind.encoders.known import Known, Reach
from samekind.encoders.rows import Array, unit_rows
from samekind.tuning.kmeans import spherical_kmeans

LANDMARKS_A_GROUP = 2
STRANGEST = 0.1
DOUBTED = 0.01
"""So many of the pictures that were learned from are looked at by the plain network, too."""
_SHRUNK = 8


def known_of(adapted: Array, plain: Array, encoder: Encoder, seed: int) -> Known:
    """From the pictures that were learned from, (n, d) unit rows each: what they are like to either encoder."""
    return Known(reach_of_pictures(adapted, seed), reach_of_kinds(plain, seed), lambda: encoder)


def reach_of_kinds(vectors: Array, seed: int) -> Reach:
    """(n, d) unit rows -> landmarks that hold pictures of kinds like theirs."""
    mean, some, marks = _landmarks(vectors, seed)
    groups = spherical_kmeans(marks, max(len(marks) // LANDMARKS_A_GROUP, 2), seed)[1]
    cosines = some @ marks.T
    own = groups[cosines.argmax(axis=1)]
    return Reach(mean, marks, _least(np.where(own[:, None] == groups, -1, cosines), STRANGEST))


def reach_of_pictures(vectors: Array, seed: int) -> Reach:
    """(n, d) unit rows -> landmarks that hold all but a share DOUBTED of these pictures themselves."""
    mean, some, marks = _landmarks(vectors, seed)
    return Reach(mean, marks, _least(some @ marks.T, DOUBTED))


def _landmarks(vectors: Array, seed: int) -> tuple[Array, Array, Array]:
    """The mean (d,), some of the vectors less it (m, d), their landmarks (k, d)."""
    mean = vectors.mean(axis=0)
    some = unit_rows(vectors[:: -(-len(vectors) // LOOKED_AT)] - mean)
    return mean, some, landmarks(some, seed)


def _least(cosines: Array, share: float) -> NDArray[np.float32]:
    """(n, k) -> (k,): for each landmark, what all but a ``share`` of the rows have that are nearest to it.

    Few rows say little: as if _SHRUNK more had said what all rows say.
    """
    nearest, best = cosines.argmax(axis=1), cosines.max(axis=1)
    of_all = np.quantile(best, share)
    found = np.full(cosines.shape[1], of_all, np.float32)
    for landmark in np.unique(nearest):
        mine = best[nearest == landmark]
        found[landmark] = (len(mine) * np.quantile(mine, share) + _SHRUNK * of_all) / (len(mine) + _SHRUNK)
    return found
