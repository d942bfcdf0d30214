"""Adaptation in closed form: one encoder for all collections, seconds, no training.

The mix of experts (`tuning/experts.py`) is fitted to all pictures together. It is judged cross-fitted: in each fold
some pictures are held out of the fit, and of the tuning of each collection that it is compared with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from samekind.adapt.gate import Fold, Space, Verdict, judge
from samekind.adapt.gather import Gathered
from samekind.encoders.base import Part
from samekind.encoders.experts import Experts
from samekind.encoders.rows import Array, fit_parts, map_parts, map_views
from samekind.tuning.experts import fit_experts, rounded
from samekind.tuning.nuisance import Rows
from samekind.tuning.space import fit_space

FOLDS = 2
FIT_AT_MOST = 20_000

Map = Callable[[Array], Array]
"""(n, d) unit rows -> (n, d) unit rows."""


def fit_mix(gathered: Sequence[Gathered], parts: Sequence[Part], seed: int) -> tuple[Experts, ...]:
    """One mix for each part, fitted to all collections, on a sample with an equal share of each above FIT_AT_MOST."""
    each = sampled(gathered, seed)
    starts = np.cumsum([0, *(len(one) for one in each[:-1])])
    vectors = np.concatenate([one.vectors for one in each])
    views = np.concatenate([one.views for one in each])
    view_rows = np.concatenate([one.view_rows + start for one, start in zip(each, starts, strict=True)])
    return fit_parts(
        parts,
        vectors,
        views,
        lambda one, seen: rounded(fit_experts(one, seen, view_rows, np.random.default_rng(seed))),
    )


def sampled(gathered: Sequence[Gathered], seed: int) -> list[Gathered]:
    """What is fitted to: FIT_AT_MOST pictures in all, the same number of each collection where there are more."""
    rng = np.random.default_rng(seed)
    return [one.sample(FIT_AT_MOST // len(gathered), rng) for one in gathered]


def judge_mix(gathered: Sequence[Gathered], parts: Sequence[Part], seed: int) -> tuple[Verdict, Fold]:
    """The gate's verdict on the mix, all pictures held out in turn, and the last fold, to look at."""
    return cross_fitted(gathered, parts, seed, lambda rest: partial(map_parts, parts, fit_mix(rest, parts, seed)))


def cross_fitted(
    gathered: Sequence[Gathered],
    parts: Sequence[Part],
    seed: int,
    fit: Callable[[Sequence[Gathered]], Map],
    beside: Sequence[Array] = (),
) -> tuple[Verdict, Fold]:
    """The gate's verdict on what ``fit`` makes of the collections, all pictures held out in turn, and the last fold.

    ``beside`` (n, d) are more pictures that views may be mistaken for.
    """
    last: deque[Fold] = deque(maxlen=1)

    def folds() -> Iterator[Fold]:
        for parted in _halves(gathered, seed):
            rest = [one.without(held) for one, held in zip(gathered, parted, strict=True)]
            mapped = fit(rest)
            before, after = [], []
            for one, others, held in zip(gathered, rest, parted, strict=True):
                before.append(seen_by(tuned_alone(others, parts), one, held))
                after.append(seen_by(mapped, one, held))
            last.append((before, after))
            yield last[0]

    return judge([one.name for one in gathered], folds(), beside=beside), last[0]


def _halves(gathered: Sequence[Gathered], seed: int) -> Iterator[list[Rows]]:
    """For each fold the rows of each collection that are held out."""
    rng = np.random.default_rng(seed)
    parted = [np.array_split(rng.permutation(len(one)), FOLDS) for one in gathered]
    yield from map(list, zip(*parted, strict=True))


def tuned_alone(one: Gathered, parts: Sequence[Part]) -> Map:
    """The map that tuning would give to this collection, without the correction for hubs."""
    nothing = np.zeros(0, np.intp)
    return fit_space(one.vectors, parts, one.views, one.view_rows, nothing, np.random.default_rng(0)).apply


def seen_by(mapped: Map, one: Gathered, held: Rows) -> Space:
    """A collection in a space, with the views of its ``held`` pictures."""
    kept = np.isin(one.view_rows, held)
    views = one.views[kept]
    return Space(
        mapped(one.vectors),
        map_views(mapped, views),
        one.view_rows[kept],
    )
