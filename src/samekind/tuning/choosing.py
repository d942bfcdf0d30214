"""One map, a mix of several, or none: what a collection is tuned by, and why, without labels (ours).

The mix is tried where the collection is mixed (`mixed.py`), and taken unless the check says that it keeps fewer
neighbours than one map. The check alone cannot decide: its error is as large as what the mix gains (docs/tuning.md).
Where neither passes, hubs alone are corrected: what is left to do for vectors that were adapted already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samekind.encoders.base import Part
from samekind.encoders.rows import Array
from samekind.tuning.check import Check, Fit, check_fit, folds_of
from samekind.tuning.mixed import ALIKE, FEWEST, alike, fit_mixed_space
from samekind.tuning.nuisance import GENTLE, SHRINKAGE, Rows
from samekind.tuning.space import Space, fit_space, without_maps


@dataclass(frozen=True)
class Chosen:
    """How to fit, what the ``check`` found for that, ``why`` in words and the ``evidence`` in numbers."""

    fit: Fit
    check: Check
    why: str
    evidence: Mapping[str, float]


def choose(
    vectors: Array,
    parts: Sequence[Part],
    views: Array,
    view_rows: Rows,
    references: Rows,
    rng: np.random.Generator,
    seed: int,
) -> Chosen:
    """Checks one map, usual and then gentle, for a mixed collection the mix, then no map, all on the same folds.

    The arrays are those of ``fitting.fit``. The mix draws from ``seed``, so that one map does not depend on it.
    """
    folds = folds_of(len(vectors), view_rows, rng)

    def checked(fit: Fit) -> Check:
        return check_fit(vectors, views, view_rows, references, folds, fit)

    for shrinkage in (SHRINKAGE, GENTLE):
        fit = _bound(fit_space, parts, rng, shrinkage)
        check = checked(fit)
        if check.passed:
            break
    evidence, reason = {"one": check.tuned}, ""
    likeness = alike(vectors, parts, seed)
    if len(vectors) >= FEWEST:
        evidence["alike"] = likeness
        reason = ", since its groups of pictures differ little in what does not matter"
    if likeness < ALIKE:
        mix = _bound(fit_mixed_space, parts, np.random.default_rng(seed), SHRINKAGE)
        mixed = checked(mix)
        evidence["mix"] = mixed.tuned
        reason = f", since a mix of several keeps fewer ({mixed.tuned:.1%})"
        if mixed.passed and not (check.passed and mixed.worse_than(check)):
            said = "a mix of maps, since groups of pictures differ in what does not matter"
            chance = " (no more than chance apart)" if mixed.tuned < check.tuned else ""
            against = f"plain {mixed.plain:.1%}, one map {check.tuned:.1%}{chance}"
            return Chosen(mix, mixed, _words(said, mixed, against), evidence | _numbers(mixed, SHRINKAGE))
    if check.passed:
        why = _words(f"one map{reason}", check, f"plain {check.plain:.1%}")
        return Chosen(fit, check, why, evidence | _numbers(check, shrinkage))
    without = _bound(without_maps, parts)
    alone = checked(without)
    evidence["hubs"] = alone.tuned
    if alone.passed:
        against = f"plain {alone.plain:.1%}, with a map {check.tuned:.1%}"
        why = _words("hubs corrected, no map", alone, against)
        return Chosen(without, alone, why, evidence | _numbers(alone, shrinkage))
    why = (
        f"second views of held-out pictures keep fewer neighbours with it ({check.tuned:.1%}, plain {check.plain:.1%})"
    )
    return Chosen(fit, check, why, evidence | _numbers(check, shrinkage))


def _bound(make: Callable[..., Space], parts: Sequence[Part], *chosen: Any) -> Fit:
    def fit(vectors: Array, views: Array, view_rows: Rows, references: Rows) -> Space:
        return make(vectors, parts, views, view_rows, references, *chosen)

    return fit


def _words(taken: str, check: Check, against: str) -> str:
    return f"{taken}: second views of held-out pictures keep {check.tuned:.1%} of their neighbours, {against}"


def _numbers(check: Check, shrinkage: float) -> dict[str, float]:
    return {
        "plain": check.plain,
        "tuned": check.tuned,
        "error": check.error,
        "views": float(check.views),
        "shrinkage": shrinkage,
    }
