"""Words for an adapted encoder: the base's text tower, its vectors moved to where the pictures now are.

Where a network of pictures and words is adapted to pictures, its words stay behind (Schall et al., 2024). The map here
gives texts the scores that they had: for all pictures, in the least squares. (ours; card 3.8 with squares for the
divergence, so that it is in closed form and wants no texts)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from samekind.encoders.base import TextTower, TextVectors
from samekind.encoders.recipe import unit_rows
from samekind.encoders.rows import Array


def realignment(before: Array, after: Array, ridge: float) -> Array:
    """(d, e): texts t (n, d) of the base -> ``t @ map`` (n, e), whose scores with adapted pictures are the old ones.

    ``before`` (m, d) and ``after`` (m, e) are unit rows of the same pictures; scores are those with pictures less their
    mean, as words are searched with. The map is drawn to leaving texts as they are (where d is e, else to nothing) by
    ``ridge`` mean eigenvalues: pictures say little about where words lie. Where nothing was adapted it leaves them.
    """
    old, new = (np.asarray(rows - rows.mean(axis=0), np.float64) for rows in (before, after))
    gram = new.T @ new
    gram[np.diag_indices_from(gram)] += ridge * np.trace(gram) / len(gram)
    if old.shape == new.shape:
        return np.asarray((np.eye(len(gram)) + np.linalg.solve(gram, new.T @ (old - new))).T, np.float32)
    return np.asarray(np.linalg.solve(gram, new.T @ old).T, np.float32)


def agreement(texts: Array, before: Array, asked: Array, after: Array, k: int = 10) -> float:
    """The share of the k first pictures that texts (t, d) find among ``before`` (m, d), and find again otherwise.

    Otherwise: asked by (t, e) among ``after`` (m, e). Both sides less their mean.
    """
    found = []
    for rows, pictures in ((texts, before), (asked, after)):
        scores = rows @ (pictures - pictures.mean(axis=0)).T
        found.append(np.argpartition(-scores, min(k, scores.shape[1] - 1), axis=1)[:, :k])
    return float(np.mean([len(set(a) & set(b)) / k for a, b in zip(*map(np.ndarray.tolist, found), strict=True)]))


class Realigned:
    """The ``TextTower`` of an adapted encoder."""

    def __init__(self, tower: TextTower, matrix: Array, name: str) -> None:
        """``matrix`` (d, e) as ``realignment`` gives it."""
        self.name = name
        self.dim = matrix.shape[1]
        self.limit = tower.limit
        self.fingerprint = hashlib.sha256(tower.fingerprint.encode() + matrix.tobytes()).hexdigest()[:16]
        self._tower, self._matrix = tower, matrix

    def encode(self, texts: Sequence[str]) -> TextVectors:
        """As the base's tower does, moved: (n, e) float32 unit rows."""
        found = self._tower.encode(texts)
        moved = found.vectors @ self._matrix
        return TextVectors(unit_rows(moved) if len(moved) else moved, found.cut)
