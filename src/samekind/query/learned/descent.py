"""How a head is trained: the query's side alone, against every stored picture at once, which never changes.

The loss is the cross-entropy of the target among the whole bank (ADORE, Zhan et al., 2021; SPN4CIR's second stage, Feng
et al., 2024), in which the unedited reference stands as a hard negative. It is convex, so any start leads to one head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.query.learned.evidence import PARTS
from samekind.query.learned.head import Head, features

RANK, DIRECTIONS = 16, 64
"""Numbers that are read from a text, and principal directions of the bank in which it can move a picture."""
STEPS, RATE = 150, 0.05
DECAY = 1e-2
"""Weight of the squared length of what is learned of moves."""
REFERENCE = 0.1
"""How much the unedited reference counts among the negatives: a search leaves it out, so it must not rule."""
_BETAS = 0.9, 0.999


@dataclass(frozen=True, eq=False)
class Lesson:
    """Queries to learn from: ``parts`` (q, PARTS, n), the ``texts``, and rows of ``references`` and ``targets`` (q,)."""

    parts: NDArray[np.float32]
    texts: Sequence[str]
    references: NDArray[np.intp]
    targets: NDArray[np.intp]


def trained(lesson: Lesson, stored: Vectors, spread: float, moving: bool = True) -> Head:
    """The head that puts targets first. ``stored`` (n, d) in the mapped space, ``spread`` of a picture's scores there."""
    read = features(lesson.texts)
    reading = _principal(read, RANK)
    told = read @ reading.T
    told_scale = max(float(told.std()), 1e-6)
    told = told / told_scale
    centred = stored - stored.mean(axis=0)
    directions = _principal(centred, DIRECTIONS)
    bank = centred @ directions.T
    scale = max(float(bank.std()), 1e-6)
    bank = bank / scale
    bias = np.zeros(lesson.parts.shape[::2], np.float32)
    bias[np.arange(len(bias)), lesson.references] = np.log(REFERENCE)
    weights = np.zeros(len(PARTS), np.float32)
    weights[:2] = 0.5
    core = np.zeros((told.shape[1], bank.shape[1]), np.float32)
    values = [weights, core]
    means, squares = [np.zeros_like(one) for one in values], [np.zeros_like(one) for one in values]
    rows = np.arange(len(told))
    for step in range(1, STEPS + 1):
        scores = np.einsum("p,qpn->qn", weights, lesson.parts) + (told @ core) @ bank.T + bias
        scores -= scores.max(axis=1, keepdims=True)
        wrong = np.exp(scores)
        wrong /= wrong.sum(axis=1, keepdims=True)
        wrong[rows, lesson.targets] -= 1
        wrong /= len(rows)
        slopes = [np.einsum("qn,qpn->p", wrong, lesson.parts), told.T @ (wrong @ bank) + DECAY * core]
        if not moving: slopes[1][:] = 0
        for value, slope, mean, square in zip(values, slopes, means, squares, strict=True):
            mean += (1 - _BETAS[0]) * (slope - mean)
            square += (1 - _BETAS[1]) * (slope**2 - square)
            pace = RATE * (1 - step / (STEPS + 1))
            value -= pace * (mean / (1 - _BETAS[0] ** step)) / (np.sqrt(square / (1 - _BETAS[1] ** step)) + 1e-8)
    matrix = (core / told_scale / scale) @ directions
    return Head(np.asarray(reading, np.float32), np.asarray(matrix, np.float32), weights)


def _principal(rows: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """(k, d) principal directions of rows (n, d), uncentred, at most ``most``."""
    values, vectors = np.linalg.eigh(rows.T.astype(np.float64) @ rows)
    kept = values[::-1][:most] > 1e-9 * max(float(values[-1]), 1e-12)
    return np.asarray(vectors[:, ::-1][:, :most][:, kept].T, np.float32)
