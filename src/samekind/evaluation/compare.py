"""How far a figure can be trusted, and whether two settings differ.

Both resample queries within each set and average the sets' means, so one set and the mean over several are one case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError

RESAMPLES = 1_000
FLIPS = 10_000
LEVEL = 0.95
_BLOCK = 100

Values = Mapping[str, NDArray[np.float64]]
"""Metric -> (q,) one value a query."""


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % percentile bootstrap interval over queries."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A paired difference of means, its 95 % bootstrap interval, and the p-value of a sign-flip permutation test."""

    mean: float
    low: float
    high: float
    p: float

    @property
    def significant(self) -> bool:
        """Whether the difference would be rare if the two settings were alike: p below .05."""
        return self.p < 1 - LEVEL

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"difference": self.mean, "interval": [self.low, self.high], "p": self.p}


def intervals(sets: Sequence[Values], seed: int = 0) -> dict[str, Interval]:
    """For each metric the mean over sets of the mean over queries, with its interval.

    Percentile bootstrap (Efron and Tibshirani 1993) of RESAMPLES draws: queries are drawn with replacement within each
    set; the sets stay. All metrics share the draws. Every set needs at least one query.
    """
    names, tables = _tables(sets)
    means = np.mean([table.mean(axis=0) for table in tables], axis=0)
    low, high = _bootstrap(tables, np.random.default_rng(seed))
    return {name: Interval(float(means[at]), float(low[at]), float(high[at])) for at, name in enumerate(names)}


def differences(sets: Sequence[Values], against: Sequence[Values], seed: int = 0) -> dict[str, Difference]:
    """For each metric ``sets`` less ``against``: the same queries in the same order under two settings.

    The interval is the paired bootstrap. The p-value is two-sided, by FLIPS random sign flips of each query's
    difference (Fisher's randomisation test), each query weighing as it does in the mean over sets; the observed
    assignment counts as one, so the smallest possible p is 1 / (FLIPS + 1). Raises UsageError where the queries differ
    in number.
    """
    names, ours = _tables(sets)
    _, theirs = _tables(against)
    if [len(table) for table in ours] != [len(table) for table in theirs]:
        raise UsageError("Two settings can be compared only on the same queries of the same sets.")
    tables = [mine - other for mine, other in zip(ours, theirs, strict=True)]
    means = np.mean([table.mean(axis=0) for table in tables], axis=0)
    rng = np.random.default_rng(seed)
    low, high = _bootstrap(tables, rng)
    p = _sign_flips(np.concatenate([table / (len(table) * len(tables)) for table in tables]), rng)
    return {
        name: Difference(float(means[at]), float(low[at]), float(high[at]), float(p[at]))
        for at, name in enumerate(names)
    }


def _tables(sets: Sequence[Values]) -> tuple[list[str], list[NDArray[np.float64]]]:
    names = list(sets[0])
    return names, [np.stack([values[name] for name in names], axis=1) for values in sets]


def _bootstrap(
    tables: list[NDArray[np.float64]], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper ends, (metrics,) each, from (queries, metrics) tables."""
    resampled = np.zeros((RESAMPLES, tables[0].shape[1]))
    for table in tables:
        queries = len(table)
        for start in range(0, RESAMPLES, _BLOCK):
            drawn = rng.integers(0, queries, (_BLOCK, queries)) + np.arange(_BLOCK)[:, None] * queries
            times = np.bincount(drawn.ravel(), minlength=_BLOCK * queries).reshape(_BLOCK, queries)
            resampled[start : start + _BLOCK] += times @ table / queries / len(tables)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def _sign_flips(weighted: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """(metrics,) p-values from (queries, metrics) weighted differences."""
    total = weighted.sum(axis=0)
    as_far = np.zeros(weighted.shape[1])
    for _ in range(0, FLIPS, _BLOCK):
        kept = rng.integers(0, 2, (_BLOCK, len(weighted)), dtype=np.uint8).astype(np.float64)
        # sums of the same terms in another order differ in the last digits; they must count as equally far
        as_far += (np.abs(2 * (kept @ weighted) - total) >= np.abs(total) - 1e-12).sum(axis=0)
    return (as_far + 1) / (FLIPS + 1)
