"""A collection of several kinds of things: how it is told from a uniform one, and its tuned space (ours).

Two groups of pictures want maps of their own where what does not matter differs between them: the light in one, the
wrapping in the other. So the pictures are grouped as for a mix of experts, and the groups' nuisance covariances are
compared. Whether the mix is then better than one map is left to the check. Measurements: docs/tuning.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samekind.encoders.base import Part
from samekind.encoders.rows import Array, fit_parts, split_parts, unit_rows
from samekind.tuning.experts import PICTURES_A_GROUP, SMALLEST_GROUP, finest, fit_experts, rounded
from samekind.tuning.kmeans import spherical_kmeans
from samekind.tuning.nuisance import (
    NEIGHBOURS,
    SHRINKAGE,
    Rows,
    nearest_rows,
    nuisance_covariance,
    symmetric_whitening,
)
from samekind.tuning.space import Space, space_of

FEWEST = 2 * PICTURES_A_GROUP
"""With fewer pictures a mix would have one group."""
FIT_AT_MOST = 3_000
ALIKE = 0.55
"""Groups less alike than this make a collection mixed: of birds, flowers, grocery and clothing thrown together .3-.5,
birds alone .6."""


def alike(vectors: Array, parts: Sequence[Part], seed: int) -> float:
    """How alike the nuisances of a collection's groups are: 1 as alike as those of random groups, 0 not at all.

    The mean over pairs of groups of the cosine of their nuisance covariances, divided by the same for random groups of
    the same sizes, so that the number of pictures cancels out. ``vectors`` (n, d); parts are averaged; 1 below FEWEST.
    """
    if len(vectors) < FEWEST:
        return 1.0
    rng = np.random.default_rng(seed)
    if len(vectors) > FIT_AT_MOST:
        vectors = vectors[np.sort(rng.choice(len(vectors), FIT_AT_MOST, replace=False))]
    return float(np.mean([_alike(piece, rng) for piece in split_parts(parts, vectors)]))


def fit_mixed_space(
    vectors: Array,
    parts: Sequence[Part],
    views: Array,
    view_rows: Rows,
    references: Rows,
    rng: np.random.Generator,
    shrinkage: float = SHRINKAGE,
) -> Space:
    """As ``fit_space``, with a mix of experts for each part; fitted on a sample of FIT_AT_MOST, viewed ones first."""
    fitted, fitted_rows = vectors, view_rows
    if len(vectors) > FIT_AT_MOST:
        others = np.setdiff1d(np.arange(len(vectors)), view_rows)
        some = rng.choice(others, max(FIT_AT_MOST - len(view_rows), 0), replace=False)
        kept = np.sort(np.concatenate([view_rows, some]))
        fitted, fitted_rows = vectors[kept], np.searchsorted(kept, view_rows)
    maps = fit_parts(
        parts, fitted, views, lambda one, seen: rounded(fit_experts(one, seen, fitted_rows, rng, shrinkage))
    )
    return space_of(parts, maps, vectors[references])


def _alike(vectors: Array, rng: np.random.Generator) -> float:
    centred = unit_rows(vectors - vectors.mean(axis=0))
    everything = np.arange(len(vectors))
    first = nuisance_covariance(centred, everything, nearest_rows(centred, everything, NEIGHBOURS), None)
    mapped = unit_rows(centred @ symmetric_whitening(first, SHRINKAGE))
    _, labels = spherical_kmeans(mapped, finest(len(mapped)), int(rng.integers(1 << 31)))
    neighbours = nearest_rows(mapped, everything, NEIGHBOURS)
    return _likeness(centred, neighbours, labels) / max(_likeness(centred, neighbours, rng.permutation(labels)), 1e-6)


def _likeness(centred: Array, neighbours: Rows, labels: Rows) -> float:
    """The mean cosine of two groups' nuisance covariances, pairs weighted by sizes."""
    found, sizes = [], []
    for group in np.unique(labels):
        members = np.flatnonzero(labels == group)
        if len(members) < SMALLEST_GROUP:
            continue
        covariance = nuisance_covariance(centred, members, neighbours[members], None)
        found.append((covariance / np.linalg.norm(covariance)).ravel())
        sizes.append(len(members))
    if len(found) < 2:
        return 1.0
    cosines = np.stack(found) @ np.stack(found).T
    weights = np.outer(sizes, sizes) * (1 - np.eye(len(sizes)))
    return float((weights * cosines).sum() / weights.sum())
