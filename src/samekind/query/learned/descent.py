"""How a head is trained: the query's side alone, against every stored picture at once, none of which changes.

The loss is the cross-entropy of the target among the whole bank (ADORE, Zhan et al., 2021; SPN4CIR's second stage, Feng
et al., 2024), in which the unedited reference stands as a hard negative. It is convex in all that is learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.query.learned.evidence import PARTS
from samekind.query.learned.head import Head, meant

RANK, DIRECTIONS = 16, 64
"""Numbers that are read from a text, and principal directions of the bank in which it can move a picture."""
DECAY = 1.0
"""Weight of the squared length of moves; of .1, 1, 3 and 10 chosen on triplets of birds, flowers, grocery, clothing."""
REFERENCE = 0.1
"""How much the unedited reference counts among the negatives. A search leaves it out, so it must not rule."""
STEPS, RATE = 120, 0.05
_START = 0.5
_LEAST = 0.05
_BETAS = 0.9, 0.999


@dataclass(frozen=True, eq=False)
class Lesson:
    """Queries to learn from: ``parts`` (q, PARTS, n), ``texts``, and (q,) rows of ``references`` and ``targets``.

    ``spread``: what the pictures' own scores vary by.
    """

    parts: NDArray[np.float32]
    texts: Sequence[str]
    references: NDArray[np.intp]
    targets: NDArray[np.intp]
    spread: float


def trained(lesson: Lesson, mapped: Vectors) -> Head:
    """The head that puts targets first; ``mapped`` (n, d) are the stored rows without what is taken off for crowding.

    Adam (Kingma and Ba, 2015) from the sum of picture and words without moves; the same for the same lesson.
    """
    read = meant(lesson.texts)
    reading = _principal(read, RANK)
    told, told_scale = _scaled(read @ reading.T)
    centred = mapped - mapped.mean(axis=0)
    directions = _principal(centred, DIRECTIONS)
    bank, bank_scale = _scaled(centred @ directions.T)
    rows = np.arange(len(told))
    flat = np.ascontiguousarray(lesson.parts.transpose(1, 0, 2)).reshape(len(PARTS), -1)
    bias = np.zeros((len(told), len(bank)), np.float32)
    bias[rows, lesson.references] = np.log(REFERENCE)
    weights = np.zeros(len(PARTS), np.float32)
    weights[:2] = _START
    core = np.zeros((told.shape[1], bank.shape[1]), np.float32)
    walked = [_Walk(weights), _Walk(core)]
    for step in range(1, STEPS + 1):
        scores = (weights @ flat).reshape(bias.shape) + (told @ core) @ bank.T + bias
        wrong = np.exp(scores - scores.max(axis=1, keepdims=True))
        wrong /= wrong.sum(axis=1, keepdims=True)
        wrong[rows, lesson.targets] -= 1
        wrong /= len(rows)
        slopes = flat @ wrong.ravel(), told.T @ (wrong @ bank) + DECAY * core
        for one, slope in zip(walked, slopes, strict=True):
            one.go(slope, step)
        weights[0] = max(weights[0], _LEAST)
    matrix = (core / told_scale / bank_scale) @ directions
    return Head(reading, np.asarray(matrix, np.float32), weights, lesson.spread)


class _Walk:
    """Adam on one array, in place; its pace falls to 0 in STEPS."""

    def __init__(self, value: NDArray[np.float32]) -> None:
        self.value = value
        self.mean, self.square = np.zeros_like(value), np.zeros_like(value)

    def go(self, slope: NDArray[np.float32], step: int) -> None:
        first, second = _BETAS
        self.mean += (1 - first) * (slope - self.mean)
        self.square += (1 - second) * (slope**2 - self.square)
        pace = RATE * (1 - step / (STEPS + 1))
        self.value -= pace * self.mean / (1 - first**step) / (np.sqrt(self.square / (1 - second**step)) + 1e-8)


def _scaled(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Rows of standard deviation 1 over all, and what they were divided by."""
    scale = max(float(rows.std()), 1e-6)
    return np.asarray(rows / scale, np.float32), scale


def _principal(rows: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """(k, d) principal directions of rows (n, d) as they are, at most ``most``."""
    values, vectors = np.linalg.eigh(rows.T.astype(np.float64) @ rows)
    kept = values[::-1][:most] > 1e-9 * max(float(values[-1]), 1e-12)
    return np.ascontiguousarray(vectors[:, ::-1][:, :most][:, kept].T, np.float32)
