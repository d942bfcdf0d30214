"""Fitting: vectors and second views of a collection in, a Tuning out, in seconds and without labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samekind.encoders.base import Part
from samekind.encoders.rows import Array
from samekind.tuning.calibration import Calibration, random_pair_median
from samekind.tuning.check import check_fit
from samekind.tuning.nuisance import GENTLE, SHRINKAGE, Rows, nearest_rows
from samekind.tuning.space import fit_space
from samekind.tuning.tuning import Tuning

FEWEST = 50
FIT_AT_MOST = 20_000
REFERENCES = 2_000
_CALIBRATED_ON = 2_000


def fit(vectors: Array, parts: Sequence[Part], views: Array, view_rows: Rows, seed: int = 0) -> Tuning:
    """Fits a collection's tuning, checks it on held-out pictures, and calibrates scores.

    ``vectors`` (n, d) float32 unit rows of one encoder with ``parts``; ``views`` (m, v, d) second views of
    ``vectors[view_rows]``. Above FIT_AT_MOST pictures a seeded sample is fitted on. Below FEWEST, without views to
    check by, or where the check says that it does not help, usual or gentle, the result has no space: stay plain.
    """
    rng = np.random.default_rng(seed)
    n = len(vectors)
    if n > FIT_AT_MOST:
        kept = np.sort(np.union1d(rng.choice(n, FIT_AT_MOST - len(view_rows), replace=False), view_rows))
        view_rows = np.searchsorted(kept, view_rows)
        vectors = vectors[kept]
    plain = _calibrate_plain(vectors, rng)
    if n < FEWEST or not len(views):
        why = f"only {n} pictures, tuning wants {FEWEST}" if n < FEWEST else "no second views to check it by"
        return Tuning(None, plain, plain, False, why, n, seed, {})
    references = np.arange(len(vectors))
    if len(references) > REFERENCES:
        references = np.sort(rng.choice(references, REFERENCES, replace=False))
    for shrinkage in (SHRINKAGE, GENTLE):
        check = check_fit(vectors, parts, views, view_rows, references, rng, shrinkage)
        if check.passed:
            break
    evidence = {
        "plain": check.plain,
        "tuned": check.tuned,
        "error": check.error,
        "views": float(check.views),
        "shrinkage": shrinkage,
    }
    if not check.passed:
        why = (
            f"second views of held-out pictures keep fewer neighbours with it ({check.tuned:.1%}, "
            f"plain {check.plain:.1%})"
        )
        return Tuning(None, plain, plain, False, why, n, seed, evidence)
    space = fit_space(vectors, parts, views, view_rows, references, rng, shrinkage)
    some = rng.permutation(len(vectors))[:_CALIBRATED_ON]
    chance = random_pair_median(space.asked(vectors[some]), space.stored(vectors[some]), rng)
    tuned = Calibration(chance, float(np.median(check.nearest)))
    why = f"second views of held-out pictures keep {check.tuned:.1%} of their neighbours, plain {check.plain:.1%}"
    return Tuning(space, plain, tuned, True, why, n, seed, evidence)


def _calibrate_plain(vectors: Array, rng: np.random.Generator) -> Calibration:
    if len(vectors) < 2:
        return Calibration(0.0, 1.0)
    some = rng.permutation(len(vectors))[:_CALIBRATED_ON]
    nearest = nearest_rows(vectors, some, 1)[:, 0]
    scores = np.einsum("nd,nd->n", vectors[some], vectors[nearest])
    return Calibration(random_pair_median(vectors, vectors, rng), float(np.median(scores)))
