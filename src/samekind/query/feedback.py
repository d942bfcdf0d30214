"""Marks on hits, liked or disliked, and the query vector that follows from them; no stored vector changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.errors import UsageError

QUERY_WEIGHT = 0.5
"""What the query counts beside a liked picture: people see their hits, the query is one picture among several."""

PUSH = 0.6
"""What disliked pictures count against the mean of liked ones; at .8 they undo what the liked ones gain."""

FURTHEST = 0.5
"""The least cosine of a refined vector to its query: sixty degrees."""

MOST_CROWDING = 2.0
"""Where marks nearly cancel out, what hubs lose must not decide alone."""

_SAME = 0.999
_VANISHED = 1e-6

Exact = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Refined:
    """What is asked for after marks: ``vector`` (d,) float32, of unit length, in the searched space.

    ``crowding``, 1 to MOST_CROWDING, is how much a picture's loss for being near to everything counts. A mean of
    several looks lies nearer to the middle of the collection than any one, and so do hubs; it is 1 / length^2 of that
    mean before it is brought to unit length. Ours.
    """

    vector: NDArray[np.float32]
    crowding: float

    @property
    def asked(self) -> NDArray[np.float32]:
        """(d + 1,): the query side of a score in a tuned space, in place of a row of ``Space.asking``."""
        return np.append(self.vector, np.float32(self.crowding))


def refined(query: NDArray[np.float32], liked: Vectors, disliked: Vectors) -> Refined:
    """What a search asks with after marks: ``query`` (d,), ``liked`` (k, d) and ``disliked`` (m, d), mapped rows.

    The vector is L2(mean of query and liked - PUSH x mean of w x disliked), after Rocchio (1971), with three guards,
    which are ours. w, from 0 to 1, is how near a disliked picture is to that mean, over how near query and liked ones
    are to it on average: one that is far away anyway does not push. A picture that is marked both ways counts neither
    way. The result's cosine to the query is never less than FURTHEST: beyond it, the vector stops on the way there.

    Hits are ordered by ``refined(...).asked @ stored`` where the collection is tuned (``stored`` rows of d + 1 numbers)
    and by ``refined(...).vector @ stored`` where it is not. Such scores are on another scale than a picture query's:
    what is shown, and what thresholds are held against, stays the score of the query itself, as with a wider look.
    Without marks, or where marks contradict each other, the query comes back bit for bit with a ``crowding`` of 1.
    Raises UsageError for shapes that do not fit and for numbers that are not finite.
    """
    query, liked, disliked = _checked(query, liked, disliked)
    towards, off = _undisputed(liked, disliked)
    if not len(towards) and not len(off):
        return Refined(query, 1.0)
    start = _unit(query.astype(np.float64))
    middle = (QUERY_WEIGHT * start + towards.sum(axis=0)) / (QUERY_WEIGHT + len(towards))
    length = float(np.linalg.norm(middle))
    if length <= _VANISHED:
        return Refined(query, 1.0)
    pushed = middle - PUSH * _away(middle / length, length, off)
    length = float(np.linalg.norm(pushed))
    if length <= _VANISHED:
        return Refined(query, 1.0)
    vector = held(pushed / length, start)
    return Refined(vector.astype(np.float32), min(max(length**-2, 1.0), MOST_CROWDING))


def _away(middle: Exact, nearness: float, disliked: Exact) -> Exact:
    """(d,): the mean of disliked rows, each as far as it is as near to the unit vector ``middle`` as liked ones."""
    if not len(disliked):
        return np.zeros_like(middle)
    weights = np.clip(disliked @ middle / nearness, 0, 1)
    away: Exact = weights @ disliked / len(disliked)
    return away


def held(vector: Exact, start: Exact) -> Exact:
    """``vector``, or the furthest that one may go from ``start`` towards it, both (d,) of unit length."""
    cosine = float(vector @ start)
    if cosine >= FURTHEST:
        return vector
    aside = vector - cosine * start
    length = float(np.linalg.norm(aside))
    if length <= _VANISHED:  # straight behind the query: no way there is shorter than another
        return start
    held: Exact = FURTHEST * start + np.sqrt(1 - FURTHEST**2) * aside / length
    return held


def _undisputed(liked: Vectors, disliked: Vectors) -> tuple[Exact, Exact]:
    """Unit rows, without those that are marked both ways."""
    ours, theirs = _unit(liked.astype(np.float64)), _unit(disliked.astype(np.float64))
    both = ours @ theirs.T >= _SAME
    return ours[~both.any(axis=1)], theirs[~both.any(axis=0)]


def _unit(rows: Exact) -> Exact:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: Exact = rows / np.maximum(lengths, 1e-12)
    return unit


def _checked(query: Any, liked: Any, disliked: Any) -> tuple[NDArray[np.float32], Vectors, Vectors]:
    """As arrays that fit together; no rows may be given as any empty array."""
    vector = np.asarray(query, np.float32)
    if vector.ndim != 1 or not np.isfinite(vector).all() or not vector.any():
        raise UsageError("A query vector must be one row of finite numbers that are not all zero.")
    marks = []
    for name, given in (("liked", liked), ("disliked", disliked)):
        rows = np.asarray(given, np.float32)
        rows = rows if rows.size else np.zeros((0, len(vector)), np.float32)
        if rows.ndim != 2 or rows.shape[1] != len(vector) or not np.isfinite(rows).all():
            raise UsageError(
                f"Vectors of {name} pictures must be rows of {len(vector)} finite numbers, as the query has, not an "
                f"array of shape {rows.shape}; take them from the space that is searched."
            )
        marks.append(rows)
    return vector, marks[0], marks[1]
