"""Fits a mix of experts: nuisance whitening for each group of pictures, the groups found without labels (ours).

One map for everything gains little where collections differ, and one map a collection has to be told which is which.
Here the pictures are grouped by k-means at two granularities in the space of the one map; each group gets its
own mean and its own nuisance map, both weighted by how much each picture belongs to it; what is nuisance is found as
in `nuisance.py`, from neighbours in rounds and from second views. Measurements: docs/adapting.md.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from samekind.encoders.experts import Experts
from samekind.encoders.rows import Array, unit_rows
from samekind.tuning.kmeans import spherical_kmeans
from samekind.tuning.nuisance import (
    FEW,
    NEIGHBOURS,
    SHRINKAGE,
    Rows,
    nearest_rows,
    nuisance_covariance,
    second_moment,
    symmetric_whitening,
    unit_trace,
)

PICTURES_A_GROUP = 300
MOST_GROUPS = 12
SMALLEST_GROUP = 20
COARSER = 3
ROUNDS = 3
_BELONGS = 1e-3


def fit_experts(
    vectors: Array, views: Array, view_rows: Rows, rng: np.random.Generator, shrinkage: float = SHRINKAGE
) -> Experts:
    """Fits the mix on pictures and on second views of some of them.

    ``vectors`` (n, d) float32 unit rows, n > NEIGHBOURS; ``views`` (m, v, d) the second views of ``vectors[view_rows]``
    (m may be 0). With fewer than 2 * PICTURES_A_GROUP pictures there is one group: the nuisance map,
    with the shrinkage of few pictures as it has.
    """
    shrinkage *= max(1.0, FEW * vectors.shape[1] / len(vectors))
    mean = vectors.mean(axis=0)
    centred = unit_rows(vectors - mean)
    everything = np.arange(len(vectors))
    neighbours = nearest_rows(centred, everything, NEIGHBOURS)
    frame = symmetric_whitening(nuisance_covariance(centred, everything, neighbours, None), shrinkage)
    mapped = unit_rows(centred @ frame)
    levels, centroids = _groups(mapped, rng)
    start = np.zeros((len(centroids), vectors.shape[1]), np.float32)
    experts = Experts(levels, mean, frame, centroids, start, start)
    shares = experts.attention(vectors) * len(levels)
    means = (shares.T @ vectors / shares.sum(axis=0)[:, None]).astype(np.float32)
    for _ in range(ROUNDS - 1):
        neighbours = nearest_rows(mapped, everything, NEIGHBOURS)
        matrices = np.stack(
            [
                _expert(vectors, own, share, neighbours, views, view_rows, shrinkage)
                for own, share in zip(means, shares.T, strict=True)
            ]
        )
        experts = Experts(levels, mean, frame, centroids, means, matrices)
        mapped = experts.apply(vectors)
    return experts


def rounded(mix: Experts) -> Experts:
    """The mix as a file will hold it, its matrices in half precision."""
    return replace(mix, matrices=mix.matrices.astype(np.float16).astype(np.float32))


def finest(pictures: int) -> int:
    """How many groups are sought among so many pictures."""
    return min(max(pictures // PICTURES_A_GROUP, 1), MOST_GROUPS)


def _groups(mapped: Array, rng: np.random.Generator) -> tuple[tuple[int, ...], Array]:
    """Sizes of the granularities, and the centroids of their groups, those that are not too small."""
    most = finest(len(mapped))
    levels, found = [], []
    for wanted in dict.fromkeys((most, max(most // COARSER, 1))):
        centroids, labels = spherical_kmeans(mapped, wanted, int(rng.integers(1 << 31)))
        large = np.bincount(labels, minlength=wanted) >= min(SMALLEST_GROUP, len(mapped))
        levels.append(int(large.sum()))
        found.append(centroids[large])
    return tuple(levels), np.concatenate(found)


def _expert(
    vectors: Array, mean: Array, share: Array, neighbours: Rows, views: Array, view_rows: Rows, shrinkage: float
) -> Array:
    """One group's matrix, of mean square size 1 so that no expert is louder than another."""
    members = np.flatnonzero(share > _BELONGS)
    centred = unit_rows(vectors - mean)
    seen = np.flatnonzero(share[view_rows] > _BELONGS) if len(views) else np.zeros(0, np.intp)
    from_views = None
    if len(seen):
        differences = unit_rows(views[seen] - mean) - centred[view_rows[seen]][:, None, :]
        differences *= np.sqrt(share[view_rows[seen]])[:, None, None]
        from_views = unit_trace(second_moment(differences.reshape(-1, vectors.shape[1])))
    covariance = nuisance_covariance(centred, members, neighbours[members], from_views, share[members])
    matrix = symmetric_whitening(covariance, shrinkage)
    scaled: Array = matrix / np.sqrt((matrix * matrix).sum() / len(matrix))
    return scaled
