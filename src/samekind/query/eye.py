"""The eye of a person: what marks on hits of earlier searches make of a later query; no stored vector changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.encoders.rows import unit_rows
from samekind.query.feedback import held

LIVE = 3
"""A liked picture is near where it is as near as the third best hit that nobody marked.

Chosen on birds, flowers, grocery and clothing: at 5 queries for kinds that are easily taken for the marked ones lose
twice as much, for a quarter more gained."""

MARGIN = 0.1
"""How much nearer (cosine) it must be to count in full, and how much further not to count at all."""

_SAME = 0.999

Exact = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Marked:
    """One search with marks, as unit rows of the searched space.

    ``looks`` (k, dim), at least one, is what was asked for and what was liked, ``disliked`` (m, dim) what was not.
    """

    looks: Vectors
    disliked: Vectors


def seen(query: NDArray[np.float32], marked: Sequence[Marked], live: Vectors) -> NDArray[np.float32]:
    """The unit vector ``query`` (dim,) as it is asked with such an eye, (dim,) float32 of unit length.

    It is L2(q + U V^T q), a residual of rank ``len(marked)`` (Khatry et al., 2023, learn such ones): a column of V is
    the middle m of the looks of one search, that of U is w x m. The weight w, from 0 to 1, is ours: the nearest look
    has to compete with ``live`` (n, dim), the hits of this very query that nobody marked (live negatives as in ADORE,
    Zhan et al., 2021), and with the nearest disliked picture. So w is 0, and the query comes back bit for bit, far from
    what was marked and without marks. The result's cosine to the query is never less than ``feedback.FURTHEST``.
    """
    start = query.astype(np.float64)
    rival = _rival(start, live.astype(np.float64))
    made = start.copy()
    for one in marked:
        looks = one.looks.astype(np.float64)
        best = max([rival, *(one.disliked.astype(np.float64) @ start)])
        weight = np.clip(((looks @ start).max() - best) / (2 * MARGIN) + 0.5, 0, 1)
        middle = unit_rows(looks.sum(axis=0)[None])[0].astype(np.float64)
        made += weight * max(float(middle @ start), 0.0) * middle
    if (made == start).all():
        return query
    return held(made / np.linalg.norm(made), start).astype(np.float32)


def _rival(query: Exact, live: Exact) -> float:
    """The cosine of the LIVE-th nearest (of fewer: the last) that is not the query itself; -1 without any."""
    near = np.sort(live @ query)[::-1]
    near = near[near < _SAME][:LIVE]
    return float(near[-1]) if len(near) else -1.0
