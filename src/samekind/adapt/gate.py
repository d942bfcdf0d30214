"""The gate: is the adapted encoder as good as each collection tuned by itself, on pictures that it has not seen?

Without labels, from second views of held-out pictures. A view must find its own picture among all others of all
collections, and must stay among the neighbours that its picture has in its collection. The second half is what predicts
search (docs/tuning.md); the first guards against spaces in which everything has collapsed. (ours)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.rows import Array
from samekind.tuning.check import common_neighbours
from samekind.tuning.nuisance import Rows

LIKELY = 0.95
"""How sure the intervals are, all collections of one verdict together (Bonferroni)."""
LEAST_MARGIN = 0.003


@dataclass(frozen=True, eq=False)
class Space:
    """Pictures of one collection in one space: ``vectors`` (n, d), ``views`` (m, v, d) of ``rows`` (m,), held out."""

    vectors: Array
    views: Array
    rows: Rows


@dataclass(frozen=True)
class Judged:
    """Shares before (each collection tuned by itself) and after, with the margin that a fall is allowed."""

    views: int
    neighbours_before: float
    neighbours: float
    neighbours_margin: float
    found_before: float
    found: float
    found_margin: float

    @property
    def passed(self) -> bool:
        """Whether neither share falls by more than its margin."""
        return (
            self.neighbours >= self.neighbours_before - self.neighbours_margin
            and self.found >= self.found_before - self.found_margin
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "passed": self.passed}


@dataclass(frozen=True)
class Verdict:
    """``overall`` and by collection; ``why`` in words."""

    overall: Judged
    collections: dict[str, Judged]

    @property
    def accepted(self) -> bool:
        """Whether all passed."""
        return self.overall.passed and all(judged.passed for judged in self.collections.values())

    @property
    def why(self) -> str:
        """One sentence."""
        worst = [name for name, judged in self.collections.items() if not judged.passed]
        one = self.overall
        shares = (
            f"views of held-out pictures keep {one.neighbours:.1%} of their neighbours and {one.found:.1%} find their "
            f"picture; collections tuned one by one: {one.neighbours_before:.1%} and {one.found_before:.1%}"
        )
        if self.accepted:
            return shares
        return f"{shares}; worse by more than chance in {', '.join(worst) or 'all of them together'}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "accepted": self.accepted,
            "why": self.why,
            "overall": self.overall.to_dict(),
            "collections": {name: judged.to_dict() for name, judged in self.collections.items()},
        }


Fold = tuple[Sequence[Space], Sequence[Space]]
"""Each collection before and after, with the pictures that this fold held out."""


def judge(names: Sequence[str], folds: Iterable[Fold]) -> Verdict:
    """Compares two spaces of the same collections (``names``, in their order) on the same held-out views.

    Before may be a space of its own for each collection: there a view looks for its picture among its own collection
    only, which is the easier task.
    """
    shares: list[list[tuple[Array, ...]]] = [[] for _ in names]
    for before, after in folds:
        everything = [one.vectors for one in after]
        for at, (old, new) in enumerate(zip(before, after, strict=True)):
            found = _found(old, [old.vectors], 0), _found(new, everything, at)
            shares[at].append((_neighbours(old), _neighbours(new), *found))
    joined = [tuple(map(np.concatenate, zip(*each, strict=True))) for each in shares]
    collections = {name: _judged(*each, compared=len(names)) for name, each in zip(names, joined, strict=True)}
    return Verdict(_judged(*map(np.concatenate, zip(*joined, strict=True)), compared=1), collections)


def _neighbours(space: Space) -> NDArray[np.float32]:
    return common_neighbours(space.vectors, space.vectors[space.rows], space.views, space.rows)


def _found(space: Space, galleries: Sequence[Array], own: int) -> NDArray[np.float32]:
    """(m * v,) 1 where a view's nearest picture of all ``galleries`` is its own one."""
    hits = []
    for view in range(space.views.shape[1]):
        asked = space.views[:, view]
        right = np.einsum("md,md->m", asked, space.vectors[space.rows])
        best = np.full(len(asked), -np.inf, np.float32)
        for at, gallery in enumerate(galleries):
            scores = asked @ gallery.T
            if at == own:
                scores[np.arange(len(asked)), space.rows] = -np.inf
            best = np.maximum(best, scores.max(axis=1))
        hits.append((right >= best).astype(np.float32))
    return np.concatenate(hits) if hits else np.zeros(0, np.float32)


def _judged(kept_before: Array, kept: Array, found_before: Array, found: Array, *, compared: int) -> Judged:
    return Judged(
        len(kept),
        float(kept_before.mean()),
        float(kept.mean()),
        _margin(kept - kept_before, compared),
        float(found_before.mean()),
        float(found.mean()),
        _margin(found - found_before, compared),
    )


def _margin(differences: Array, compared: int) -> float:
    """Half of the interval of a mean difference, one of so many that are looked at."""
    error = float(differences.std()) / max(len(differences), 1) ** 0.5
    margin: float = max(LEAST_MARGIN, NormalDist().inv_cdf(1 - (1 - LIKELY) / 2 / compared) * error)
    return margin
