"""Nuisance whitening: shrink the directions in which pictures of the same kind differ.

A picture's nearest neighbours in its own collection, and second views of the same picture (mirrored, cropped), are
taken as pairs of the same kind. With C the mean outer product of their differences, the map is

    z -> L2(W' L2(z - mean)),  W W' = (C + s * mean eigenvalue of C * I)^-1

The form is that of learned whitening from matching pairs (Mikolajczyk & Matas, 2007; Radenovic et al., 2018) and of
within-class covariance normalisation (Hatch et al., 2006); that the pairs are found instead of given, in rounds and
together with views, is ours. Measurements: docs/tuning.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.rows import Array, unit_rows

Rows = NDArray[np.intp]

NEIGHBOURS = 3
ROUNDS = 3
SHRINKAGE, GENTLE = 0.3, 3.0
"""Shares of C's mean eigenvalue: the usual one, and one that changes less where the usual one does not help."""
FEW = 1.5
"""Below FEW x d pictures the covariance of d numbers is uncertain, and shrinkage grows as their number falls."""
NEIGHBOUR_SHARE = 0.5
QUERIES = 2_000
"""Pictures whose neighbours are sought in each round: 6,000 pairs estimate a covariance of some 400 dimensions."""
_BLOCK = 256


@dataclass(frozen=True)
class NuisanceMap:
    """z -> L2(W' L2(z - mean)): ``mean`` (d,) and the ``matrix`` W (d, d), float32."""

    mean: Array
    matrix: Array

    def apply(self, vectors: Array) -> Array:
        """(n, d) float32 -> (n, d) float32 unit rows."""
        return unit_rows(unit_rows(vectors - self.mean) @ self.matrix)


def fit_nuisance_map(
    vectors: Array, views: Array, view_rows: Rows, rng: np.random.Generator, shrinkage: float = SHRINKAGE
) -> NuisanceMap:
    """Fits the map on pictures and on second views of some of them.

    ``vectors`` (n, d) float32 unit rows, n > NEIGHBOURS; ``views`` (m, v, d) the second views of ``vectors[view_rows]``
    (m may be 0: neighbours alone are used). Neighbours are found again in each round in the space of the round
    before. A fitted matrix is finite for any input, identical pictures included.
    """
    mean = vectors.mean(axis=0)
    centred = unit_rows(vectors - mean)
    from_views = None
    if len(views):
        differences = unit_rows(views - mean) - centred[view_rows][:, None, :]
        from_views = unit_trace(second_moment(differences.reshape(-1, vectors.shape[1])))
    asked = np.arange(len(vectors))
    if len(asked) > QUERIES:
        asked = np.sort(rng.choice(asked, QUERIES, replace=False))
    shrinkage *= max(1.0, FEW * vectors.shape[1] / len(vectors))
    mapped = centred
    matrix = np.eye(vectors.shape[1], dtype=np.float32)
    for _ in range(ROUNDS):
        neighbours = nearest_rows(mapped, asked, NEIGHBOURS)
        matrix = _whitening(nuisance_covariance(centred, asked, neighbours, from_views), shrinkage)
        mapped = unit_rows(centred @ matrix)
    return NuisanceMap(mean, matrix)


def nuisance_covariance(
    centred: Array, asked: Rows, neighbours: Rows, from_views: Array | None, weights: Array | None = None
) -> Array:
    """(d, d): mean outer product of differences between ``centred[asked]`` and their ``neighbours`` (q, k), mixed.

    ``weights`` (q,) say how much each of ``asked`` counts (None: all the same); ``from_views`` (d, d) is the part that
    second views give, of mean eigenvalue 1, None where there are none.
    """
    moment = np.zeros((centred.shape[1],) * 2, np.float32)
    root = None if weights is None else np.sqrt(weights)[:, None]
    for rank in range(neighbours.shape[1]):
        differences = centred[asked] - centred[neighbours[:, rank]]
        moment += second_moment(differences if root is None else root * differences)
    covariance = unit_trace(moment)
    if from_views is None:
        return covariance
    mixed: Array = NEIGHBOUR_SHARE * covariance + (1 - NEIGHBOUR_SHARE) * from_views
    return mixed


def nearest_rows(vectors: Array, asked: Rows, k: int) -> Rows:
    """(q, k) rows of ``vectors`` (n, d) nearest to each of ``vectors[asked]``, itself left out, nearest first.

    k passes for the maximum: for few neighbours several times as fast as partitioning.
    """
    found = np.empty((len(asked), k), np.intp)
    for start in range(0, len(asked), _BLOCK):
        rows = asked[start : start + _BLOCK]
        scores = vectors[rows] @ vectors.T
        scores[np.arange(len(rows)), rows] = -np.inf
        for rank in range(k):
            best = scores.argmax(axis=1)
            found[start : start + _BLOCK, rank] = best
            scores[np.arange(len(rows)), best] = -np.inf
    return found


def second_moment(differences: Array) -> Array:
    """(n, d) -> (d, d) sum of outer products."""
    moment: Array = differences.T @ differences
    return moment


def unit_trace(moment: Array) -> Array:
    """Scaled to mean eigenvalue 1; the identity where there is no variance at all (identical pictures)."""
    size = float(np.trace(moment)) / len(moment)
    if size <= 1e-12:
        return np.eye(len(moment), dtype=np.float32)
    scaled: Array = moment / np.float32(size)
    return scaled


def _whitening(covariance: Array, shrinkage: float) -> Array:
    """W with W W' = R^-1, R = covariance + shrinkage x its mean eigenvalue: z W has the inner products of z R^(-1/2).

    By Cholesky, many times as fast as by eigenvalues; the two differ by a rotation, which no cosine sees.
    """
    root = np.linalg.cholesky(_ridged(covariance, shrinkage))
    whitening: Array = np.ascontiguousarray(np.linalg.inv(root).T)
    return whitening


def symmetric_whitening(covariance: Array, shrinkage: float) -> Array:
    """R^(-1/2), R as above: of all matrices with these inner products the one that turns nothing."""
    values, vectors = np.linalg.eigh(_ridged(covariance, shrinkage))
    root: Array = ((vectors * values**-0.5) @ vectors.T).astype(np.float32, copy=False)
    return root


def _ridged(covariance: Array, shrinkage: float) -> Array:
    size = len(covariance)
    ridge = shrinkage * max(float(np.trace(covariance)) / size, 1e-12)
    return covariance + np.float32(ridge) * np.eye(size, dtype=np.float32)
