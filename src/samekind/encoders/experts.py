"""A mix of linear experts: one map for each group of pictures, weighted for each picture by what it shows (ours).

    z -> L2( sum_g a_g(z) W_g L2(z - m_g) ),   a(z) = softmax( cosine(z, centroid_g) / temperature )

Nothing says which collection a picture is from; it speaks for itself. All maps are symmetric, so they share a frame and
vectors of different groups stay comparable. Fitted by ``samekind.tuning.experts``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samekind.encoders.rows import Array, unit_rows

TEMPERATURE = 0.1


@dataclass(frozen=True, eq=False)
class Experts:
    """Groups of one or more granularities, ``levels`` of them in each; M = sum(levels) groups in all.

    ``mean`` (d,) and ``frame`` (d, d) make the space in which ``centroids`` (M, d) unit rows lie; ``means`` (M, d) and
    ``matrices`` (M, d, d) are the groups' maps. All float32.
    """

    levels: tuple[int, ...]
    mean: Array
    frame: Array
    centroids: Array
    means: Array
    matrices: Array

    def attention(self, vectors: Array) -> Array:
        """(n, d) -> (n, M): the share of each group's expert; each granularity has the same sum, all of them 1."""
        nearness = unit_rows(unit_rows(vectors - self.mean) @ self.frame) @ self.centroids.T / np.float32(TEMPERATURE)
        start, shares = 0, []
        for groups in self.levels:
            some = nearness[:, start : start + groups]
            weights = np.exp(some - some.max(axis=1, keepdims=True))
            shares.append(weights / weights.sum(axis=1, keepdims=True) / np.float32(len(self.levels)))
            start += groups
        return np.hstack(shares)

    def apply(self, vectors: Array) -> Array:
        """(n, d) float32 -> (n, d) float32 unit rows."""
        attention = self.attention(vectors)
        mixed = np.zeros_like(vectors)
        for group, (mean, matrix) in enumerate(zip(self.means, self.matrices, strict=True)):
            mixed += attention[:, group : group + 1] * (unit_rows(vectors - mean) @ matrix)
        return unit_rows(mixed)
