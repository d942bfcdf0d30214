"""The label-free check: does a fit help pictures that it has not seen? Cross-fitted, on second views (ours).

Pictures are held out in folds. A space is fitted on the others; then a second view of a held picture must have the same
nearest neighbours as the picture itself. That share falls for every map that was known to hurt, where the share of
views that find their own original stays near one whatever is done (docs/tuning.md has the table).

The same folds tell what score a held picture's nearest neighbour reaches, which calibrates confidence honestly:
pictures that took part in a fit are too near to their neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from samekind.encoders.rows import Array, map_views
from samekind.tuning.nuisance import Rows
from samekind.tuning.space import Space

FOLDS = 4
HELD_AT_MOST = 500
DEPTHS = (5, 10)
TOLERANCE = 0.003
"""How much smaller the share may be: a third of its usual standard error."""

Fit = Callable[[Array, Array, Rows, Rows], Space]
"""Vectors (n, d), views of some of them, the rows of those, rows of the references -> a space."""


@dataclass(frozen=True)
class Check:
    """What held-out pictures showed.

    ``plain`` and ``tuned``: mean share of neighbours that a held picture and its second view have in common, in the
    encoder's own space and in the tuned one; ``error``: standard error of their difference; ``views``: how many were
    tried; ``nearest``: scores of held pictures' nearest neighbours in the tuned space; ``kept``: each view's share.
    """

    plain: float
    tuned: float
    error: float
    views: int
    nearest: Array
    kept: Array

    @property
    def passed(self) -> bool:
        """Whether neighbours are kept as well as without tuning."""
        return self.tuned >= self.plain - TOLERANCE

    def worse_than(self, other: Check) -> bool:
        """Whether another fit, with the same folds, keeps more neighbours by more than two standard errors."""
        more = other.kept - self.kept
        return bool(more.mean() > 2 * more.std() / len(more) ** 0.5)


def check_fit(
    vectors: Array, views: Array, view_rows: Rows, references: Rows, folds: Sequence[Rows], fit: Fit
) -> Check:
    """Fits without each of ``folds``, rows of ``vectors`` (n, d), and looks at what was held out."""
    n = len(vectors)
    plain: list[Array] = []
    tuned: list[Array] = []
    nearest: list[Array] = []
    for held in folds:
        out = np.zeros(n, bool)
        out[held] = True
        rest = np.flatnonzero(~out)
        position = np.full(n, -1)
        position[rest] = np.arange(len(rest))
        fitted = ~out[view_rows]
        kept_references = position[references[~out[references]]]
        space = fit(vectors[rest], views[fitted], position[view_rows[fitted]], kept_references)
        stored = space.stored(vectors)
        scores = space.asked(vectors[held]) @ stored.T
        scores[np.arange(len(held)), held] = -np.inf
        nearest.append(scores.max(axis=1))
        rows, second = view_rows[~fitted], views[~fitted]
        plain.append(common_neighbours(vectors, vectors[rows], second, rows))
        tuned.append(common_neighbours(stored, space.asked(vectors[rows]), map_views(space.asked, second), rows))
    before, after = np.concatenate(plain), np.concatenate(tuned)
    error = float((after - before).std() / max(len(before), 1) ** 0.5)
    return Check(float(before.mean()), float(after.mean()), error, len(before), np.concatenate(nearest), after)


def common_neighbours(stored: Array, pictures: Array, views: Array, rows: Rows) -> Array:
    """(m * v,) share of neighbours that ``pictures`` (m, d) and their ``views`` (m, v, d) have in common.

    Neighbours are sought among ``stored`` (n, d), the picture itself (``rows``) left out; the share is averaged over
    DEPTHS, fewer where there are fewer pictures.
    """
    depths = [min(depth, max(len(stored) // 4, 1)) for depth in DEPTHS]
    wanted = _ranked(pictures @ stored.T, rows, max(depths))
    shares = []
    for view in range(views.shape[1]):
        found = _ranked(views[:, view] @ stored.T, rows, max(depths))
        same = [
            (wanted[:, :depth, None] == found[:, None, :depth]).any(axis=2).mean(axis=1, dtype=np.float32)
            for depth in depths
        ]
        shares.append(np.mean(same, axis=0))
    return np.concatenate(shares) if shares else np.zeros(0, np.float32)


def _ranked(scores: Array, left_out: Rows, depth: int) -> Rows:
    scores[np.arange(len(scores)), left_out] = -np.inf
    found = np.argpartition(scores, -depth, axis=1)[:, -depth:]
    order = np.argsort(-np.take_along_axis(scores, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)


def folds_of(n: int, view_rows: Rows, rng: np.random.Generator) -> list[Rows]:
    """Rows to hold out in turn: FOLDS parts of n, or where n is large one of HELD_AT_MOST with half of the views."""
    order = rng.permutation(n)
    if n <= FOLDS * HELD_AT_MOST:
        return list(np.array_split(order, FOLDS))
    viewed = np.isin(order, view_rows)
    half = np.flatnonzero(viewed)[: max(int(viewed.sum()) // 2, 1)]
    rest = np.flatnonzero(~viewed)[: HELD_AT_MOST - len(half)]
    return [order[np.concatenate([half, rest])]]
