"""The gate: does a head find more than the best training-free composition, for references that it has not seen? (ours)

Without labels, on triplets that the collection made of itself. Nobody knows how far people's own questions lead from
their picture, so a head must not lose in either window of ranks: one that wins far from the reference by trusting words
more, and loses near it, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.query.learned.triplets import WINDOWS

LIKELY = 0.95
FEWEST = 60
"""Held-out triplets below which nothing is judged, and half as many in each window."""
ALL = "all"
_RESAMPLES = 2_000
_DEPTH = 10


@dataclass(frozen=True)
class Compared:
    """recall@1 and @10 of ``queries`` before and after, and the interval (low, high) of their paired differences."""

    queries: int
    before: tuple[float, float]
    after: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]

    @property
    def better(self) -> bool:
        """Whether recall@1 is clearly more."""
        return self.low[0] > 0

    @property
    def worse(self) -> bool:
        """Whether recall@1 is less at all, or recall@10 clearly."""
        return self.after[0] < self.before[0] or self.high[1] < 0


@dataclass(frozen=True)
class LearnedComposition:
    """The verdict on a head: ``accepted`` and one sentence ``why``.

    ``against``: the training-free method that was best on the ``learned_from`` triplets; ``windows``: "all", "near",
    "far" -> what held-out triplets showed. ``encoder`` and ``tuning``: the fingerprint and the stamp (None: not tuned)
    of what it was learned for; it holds for nothing else.
    """

    accepted: bool
    why: str
    against: str
    pictures: int
    learned_from: int
    windows: Mapping[str, Compared]
    encoder: str
    tuning: str | None
    seed: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; fractions in 0..1."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> LearnedComposition:
        """What ``to_dict`` made."""
        windows = {
            name: Compared(one["queries"], *(tuple(one[side]) for side in ("before", "after", "low", "high")))
            for name, one in found["windows"].items()
        }
        return cls(**{**found, "windows": windows})


def compared(before: NDArray[np.int64], after: NDArray[np.int64], seed: int = 0) -> Compared:
    """Ranks (q,) of the same targets by two ways, with their paired bootstrap over queries (Efron, 1993)."""
    hits = [np.stack([ranks <= 1, ranks <= _DEPTH]).astype(np.float64) for ranks in (before, after)]
    gain = hits[1] - hits[0]
    drawn = np.random.default_rng(seed).integers(0, len(before), (_RESAMPLES, len(before)))
    low, high = np.quantile(gain[:, drawn].mean(axis=2), [(1 - LIKELY) / 2, (1 + LIKELY) / 2], axis=1)
    means = [(float(one[0].mean()), float(one[1].mean())) for one in hits]
    return Compared(len(before), means[0], means[1], (float(low[0]), float(low[1])), (float(high[0]), float(high[1])))


def judged(
    before: NDArray[np.int64], after: NDArray[np.int64], windows: Sequence[str], against: str
) -> tuple[bool, str, dict[str, Compared]]:
    """Whether it is accepted, why, and what was compared; ``windows`` (q,) says in which each target lies."""
    where = np.array(windows, object)
    rows = {ALL: np.ones(len(before), np.bool_)} | {name: where == name for name in WINDOWS}
    few = int(rows[ALL].sum()) < FEWEST or any(int(rows[name].sum()) < FEWEST // 2 for name in WINDOWS)
    if few:
        return False, f"the pictures make only {len(before)} queries to judge by, fewer than {FEWEST}", {}
    found = {name: compared(before[some], after[some]) for name, some in rows.items()}
    one = found[ALL]
    said = (
        f"on {one.queries} held-out queries that the collection made of itself {one.after[0]:.1%} find their picture "
        f"first, with {against} {one.before[0]:.1%}"
    )
    worse = [name for name in (*WINDOWS, ALL) if found[name].worse]
    if not one.better:
        return False, f"{said}: not clearly better", found
    if worse:
        return False, f"{said}, but {_fewer(worse[0], found[worse[0]])}", found
    return True, said, found


def _fewer(window: str, one: Compared) -> str:
    """What is lost in a window: among the first, or else among the first ten."""
    at, place = (0, "first") if one.after[0] < one.before[0] else (1, f"among the first {_DEPTH}")
    where = "" if window == ALL else f" where it is {window}"
    return f"{one.after[at]:.1%} instead of {one.before[at]:.1%} have it {place}{where}"
