"""A composition at work: a weighted sum of what a Given holds, so that every score is the sum of its terms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from samekind.query.composing.given import Given, Scores, Weights


@dataclass(frozen=True, eq=False)
class Mix:
    """What each row of ``given`` counts, by ``weights``."""

    given: Given
    weights: Weights

    @cached_property
    def terms(self) -> dict[str, NDArray[np.float32]]:
        """What each row that was asked for gives to every picture, by its name: (n,), or (m, n) for m texts."""
        rows = {name: getattr(self.given, name) for name in self.weights}
        there = {name: row for name, row in rows.items() if row is not None and len(row)}
        return {name: np.asarray(self.weights[name] * row, np.float32) for name, row in there.items()}

    @property
    def scores(self) -> Scores:
        """(n,) the sum of the terms."""
        return np.asarray(sum(np.atleast_2d(term).sum(axis=0) for term in self.terms.values()), np.float32)
