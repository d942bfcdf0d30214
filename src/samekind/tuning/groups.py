"""Spherical k-means: groups of unit vectors by cosine."""

from __future__ import annotations

import numpy as np

from samekind.encoders.rows import Array, unit_rows

_BLOCK = 4_096
_SEEDS_FROM = 50
ITERATIONS = 25


def spherical_kmeans(
    vectors: Array, k: int, rng: np.random.Generator, iterations: int = ITERATIONS
) -> tuple[Array, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Centroids (k, d) unit rows and labels (n,) of ``vectors`` (n, d) unit rows, 1 <= k <= n.

    k-means++ seeds from a sample of 50 k vectors, at most 25 rounds; a group that runs empty starts anew at the vector
    farthest from its centroid. The same generator state gives the same groups.
    """
    centroids = _seeds(vectors, k, rng)
    labels = np.full(len(vectors), -1, np.intp)
    for _ in range(iterations):
        before = labels
        labels, nearness = _assigned(vectors, centroids)
        empty = np.flatnonzero(np.bincount(labels, minlength=k) == 0)
        for group, row in zip(empty, np.argsort(nearness, kind="stable"), strict=False):
            labels[row] = group
        if (labels == before).all():
            break
        sums = np.zeros_like(centroids)
        np.add.at(sums, labels, vectors)
        centroids = unit_rows(sums)
    return centroids, labels


def _seeds(vectors: Array, k: int, rng: np.random.Generator) -> Array:
    sample = vectors
    if len(vectors) > _SEEDS_FROM * k:
        sample = vectors[np.sort(rng.choice(len(vectors), _SEEDS_FROM * k, replace=False))]
    chosen = [int(rng.integers(len(sample)))]
    distance = np.maximum(1 - sample @ sample[chosen[0]], 0).astype(np.float64)
    for _ in range(k - 1):
        distance[chosen] = 0
        total = distance.sum()
        if total <= 0:  # identical vectors: any other will do
            chosen.append(next(row for row in range(len(sample)) if row not in set(chosen)))
            continue
        chosen.append(int(rng.choice(len(sample), p=distance / total)))
        distance = np.minimum(distance, np.maximum(1 - sample @ sample[chosen[-1]], 0))
    return sample[chosen].copy()


def _assigned(
    vectors: Array, centroids: Array
) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], np.ndarray[tuple[int], np.dtype[np.float32]]]:
    labels = np.empty(len(vectors), np.intp)
    nearness = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        scores = vectors[start : start + _BLOCK] @ centroids.T
        labels[start : start + _BLOCK] = scores.argmax(axis=1)
        nearness[start : start + _BLOCK] = scores.max(axis=1)
    return labels, nearness
