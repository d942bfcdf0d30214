"""Spherical k-means (Dhillon and Modha 2001) with k-means++ seeding (Arthur and Vassilvitskii 2007), in NumPy.

Memory stays bounded: similarities are computed for some rows at a time, never for all rows and all centroids.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.rows import Array, unit_rows

Labels = NDArray[np.intp]

DIRECT_UP_TO = 2_000
"""Above so many clusters they are sought in two levels."""

_SEEDED_FROM = 50
_SCORES = 1 << 24
_LEAST_ROWS, _MOST_ROWS = 64, 1 << 14
_SAME = 1e-6


def spherical_kmeans(vectors: Array, k: int, seed: int, iterations: int = 25) -> tuple[Array, Labels]:
    """Clusters ``vectors`` (n, d) float32, unit rows, by cosine into at most ``k``, and no more than there are rows.

    Returns centroids (min(k, n), d) float32, unit rows, and labels (n,) in 0..k-1. Up to ``DIRECT_UP_TO`` clusters each
    row has the label of its nearest centroid (the first of equals). Above, the square root of k are sought, and each is
    divided by its share of pictures; then the label is the nearest centroid within that part. A cluster may
    stay empty where rows are equal. The same seed gives the same bytes. Raises ValueError for k < 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    k = min(k, len(vectors))
    if k == 0:
        return np.zeros((0, vectors.shape[1]), np.float32), np.zeros(0, np.intp)
    if k > DIRECT_UP_TO:
        return _in_two_levels(vectors, k, seed, iterations)
    centroids = _seeds(vectors, k, np.random.default_rng(seed))
    before: Labels | None = None
    for _ in range(iterations):
        labels, cosines = nearest_centroid(vectors, centroids)
        if before is not None and np.array_equal(labels, before):
            return centroids, labels
        centroids, before = _moved(vectors, labels, cosines, centroids), labels
    return centroids, nearest_centroid(vectors, centroids)[0]


def nearest_centroid(vectors: Array, centroids: Array) -> tuple[Labels, Array]:
    """For each row of ``vectors`` (n, d) the nearest of ``centroids`` (k, d), (n,), and its cosine, (n,)."""
    labels = np.zeros(len(vectors), np.intp)
    cosines = np.zeros(len(vectors), np.float32)
    for rows in row_blocks(len(vectors), len(centroids)):
        scores = vectors[rows] @ centroids.T
        labels[rows] = scores.argmax(axis=1)
        cosines[rows] = np.take_along_axis(scores, labels[rows][:, None], 1)[:, 0]
    return labels, cosines


def row_blocks(rows: int, columns: int) -> list[slice]:
    """Slices of rows such that a block of scores stays near 64 MB."""
    size = min(max(_LEAST_ROWS, _SCORES // max(1, columns)), _MOST_ROWS)
    return [slice(start, start + size) for start in range(0, rows, size)]


def sums_by_label(vectors: Array, labels: Labels, k: int) -> NDArray[np.float64]:
    """The sum of the rows of each label, (k, d)."""
    sums = np.zeros((k, vectors.shape[1]))
    for rows in row_blocks(len(vectors), vectors.shape[1]):
        order = np.argsort(labels[rows], kind="stable")
        held, starts = np.unique(labels[rows][order], return_index=True)
        sums[held] += np.add.reduceat(vectors[rows][order], starts, axis=0)
    return sums


def unit_or(sums: NDArray[np.float64], instead: Array) -> Array:
    """Rows at unit length, (k, d); those that vanish are taken from ``instead``."""
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(lengths > _SAME, unit_rows(sums), instead).astype(np.float32)


def shares(sizes: Sequence[int] | Labels, total: int) -> list[int]:
    """``total`` divided among parts in proportion to their sizes: each at least 1 and at most its size, 0 if empty.

    The sum is ``total`` wherever that can be: it lies between the number of parts and the sum of sizes.
    """
    held = np.asarray(sizes, np.int64)
    exact = total * held / max(1, held.sum())
    given = np.clip(np.floor(exact).astype(np.int64), np.minimum(1, held), held)
    while given.sum() < min(total, held.sum()):
        open_ = given < held
        given[np.argmax(np.where(open_, exact - given, -np.inf))] += 1
    while given.sum() > max(total, int((held > 0).sum())):
        given[np.argmin(np.where(given > 1, exact - given, np.inf))] -= 1
    return [int(one) for one in given]


def _seeds(vectors: Array, k: int, rng: np.random.Generator) -> Array:
    """k-means++ on a sample: each next seed by chance in proportion to its distance from those chosen."""
    count = min(len(vectors), _SEEDED_FROM * k)
    sample = vectors[np.sort(rng.choice(len(vectors), count, replace=False))]
    chosen = np.zeros(k, np.intp)
    distance = np.full(count, 2.0)
    left = np.ones(count, bool)
    for n in range(k):
        weights = np.where(left & (distance > _SAME), distance, 0.0)
        if not weights.any():
            weights = left.astype(float)  # only copies of the chosen are left
        sums = np.cumsum(weights)
        chosen[n] = min(int(np.searchsorted(sums, rng.random() * sums[-1], side="right")), count - 1)
        left[chosen[n]] = False
        distance = np.minimum(distance, 1 - sample @ sample[chosen[n]])
    return sample[chosen].copy()


def _moved(vectors: Array, labels: Labels, cosines: Array, centroids: Array) -> Array:
    """Centroids at the means of their rows; empty ones on the rows farthest out in the largest cluster."""
    sizes = np.bincount(labels, minlength=len(centroids))
    moved = unit_or(sums_by_label(vectors, labels, len(centroids)), centroids)
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        rows = np.flatnonzero(labels == sizes.argmax())
        rows = rows[np.argsort(cosines[rows], kind="stable")][: len(empty)]
        rows = rows[cosines[rows] < 1 - _SAME]
        moved[empty[: len(rows)]] = vectors[rows]
    return moved


def _in_two_levels(vectors: Array, k: int, seed: int, iterations: int) -> tuple[Array, Labels]:
    coarse, parts = spherical_kmeans(vectors, round(k**0.5), seed, iterations)
    centroids, labels = [], np.zeros(len(vectors), np.intp)
    start = 0
    for part, share in enumerate(shares(np.bincount(parts, minlength=len(coarse)), k)):
        rows = np.flatnonzero(parts == part)
        if not share:
            continue
        inner, inside = spherical_kmeans(vectors[rows], share, seed + 1 + part, iterations)
        centroids.append(inner)
        labels[rows] = start + inside
        start += share
    return np.concatenate(centroids), labels
