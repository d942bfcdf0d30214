"""Fitting: vectors and second views of a collection in, a Tuning out, in seconds and without labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samekind.encoders.base import Part
from samekind.encoders.rows import Array
from samekind.tuning.calibration import Calibration, random_pair_median
from samekind.tuning.choosing import choose
from samekind.tuning.nuisance import Rows, nearest_rows
from samekind.tuning.tuning import Tuning

FEWEST = 50
FIT_AT_MOST = 20_000
REFERENCES = 2_000
_CALIBRATED_ON = 2_000


def fit(vectors: Array, parts: Sequence[Part], views: Array, view_rows: Rows, seed: int = 0) -> Tuning:
    """Fits a collection's tuning, checks it on held-out pictures, and calibrates scores.

    ``vectors`` (n, d) float32 unit rows of one encoder with ``parts``; ``views`` (m, v, d) second views of
    ``vectors[view_rows]``. Above FIT_AT_MOST pictures a seeded sample is fitted on. A mixed collection gets a mix of
    maps, any other one map; where the check says that neither helps, usual or gentle, hubs alone are corrected. Below
    FEWEST, without views to check by, or where that does not help either, the result has no space: stay plain.
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
    chosen = choose(vectors, parts, views, view_rows, references, rng, seed)
    if not chosen.check.passed:
        return Tuning(None, plain, plain, False, chosen.why, n, seed, chosen.evidence)
    space = chosen.fit(vectors, views, view_rows, references)
    some = rng.permutation(len(vectors))[:_CALIBRATED_ON]
    chance = random_pair_median(space.asked(vectors[some]), space.stored(vectors[some]), rng)
    tuned = Calibration(chance, float(np.median(chosen.check.nearest)))
    return Tuning(space, plain, tuned, True, chosen.why, n, seed, chosen.evidence)


def _calibrate_plain(vectors: Array, rng: np.random.Generator) -> Calibration:
    if len(vectors) < 2:
        return Calibration(0.0, 1.0)
    some = rng.permutation(len(vectors))[:_CALIBRATED_ON]
    nearest = nearest_rows(vectors, some, 1)[:, 0]
    scores = np.einsum("nd,nd->n", vectors[some], vectors[nearest])
    return Calibration(random_pair_median(vectors, vectors, rng), float(np.median(scores)))
