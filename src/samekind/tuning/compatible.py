"""How well vectors of one encoder stand in for those of another: a linear map between them, in closed form.

If queries by the former encoder, mapped, find the right pictures among new vectors, both encoders order a collection
alike. The question is that of backward-compatible training (Shen and others 2020), asked here without training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samekind.encoders.rows import Array

FEWEST = 50
FOLDS = 4
RIDGE = 0.1
"""Of .03 to 10 about the best on five pairs of encoders with 600 and 1,100 pictures; means matter little."""
_SEED = 0


@dataclass(frozen=True, eq=False)
class Compatible:
    """``matrix`` (d1, d2) maps the old encoder's unit rows to the new one's; ``found`` is its cross-fitted score.

    That is the share of pictures, held out of the fit, whose mapped old vector is nearer to their own new vector than
    to that of any other picture (recall@1). It is a lower bound: with fewer pictures than two or three times d1 the map
    is not well known, and most of what is missing is due to that.
    """

    matrix: Array
    found: float


def compatible_map(old: Array, new: Array) -> Compatible:
    """Ridge regression from ``old`` (n, d1) to ``new`` (n, d2), unit rows of the same n pictures, float32.

    Scored in FOLDS folds, each mapped by a fit of the others and sought among all n. Raises ValueError below FEWEST.
    """
    n = len(old)
    if n < FEWEST:
        raise ValueError(f"{n} pictures are too few to compare, {FEWEST} are wanted")
    found = 0
    for held in np.array_split(np.random.default_rng(_SEED).permutation(n), FOLDS):
        rest = np.setdiff1d(np.arange(n), held)
        mapped = old[held] @ _ridge(old[rest], new[rest])
        scores = mapped @ new.T
        own = scores[np.arange(len(held)), held]
        found += int((own >= scores.max(axis=1)).sum())
    return Compatible(_ridge(old, new), found / n)


def _ridge(old: Array, new: Array) -> Array:
    """(old'old + RIDGE x its mean eigenvalue)^-1 old'new, (d1, d2)."""
    gram = (old.T @ old).astype(np.float64)
    gram[np.diag_indices_from(gram)] += RIDGE * np.trace(gram) / len(gram)
    return np.asarray(np.linalg.solve(gram, old.T @ new), np.float32)
