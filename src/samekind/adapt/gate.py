"""The gate: is the adapted encoder as good as each collection tuned by itself, on pictures that it has not seen?

Without labels. A second view of a held-out picture must find its own picture among all others of all collections, which
guards against spaces in which everything has collapsed. And a picture must have the right neighbours: to a second
network, the witness, its nearest ones must look as much alike as before. Where no witness is asked, its views must stay
among its neighbours as before, which is blind to kinds that come apart while each picture stays with its views. How
often each is right stands in docs/adapting.md. (ours)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.rows import Array
from samekind.tuning.check import common_neighbours
from samekind.tuning.nuisance import Rows, nearest_rows

LIKELY = 0.95
"""How sure the intervals are, all collections of one verdict together (Bonferroni)."""
LEAST_MARGIN = 0.003
TUNED_ALONE = "collections tuned one by one"
NEAREST = 3
"""Neighbours of a picture that the witness is asked about."""
WITNESS_ERRORS = 0.5
"""Standard errors that likeness to the witness may fall: fewer than for views, since it sees losses only dimly."""
SPARED_ERRORS = 2.0
"""The same for a spared collection, which is to stay as it was: that it did is not news, so only a clear fall is."""


@dataclass(frozen=True, eq=False)
class Space:
    """Pictures of one collection in one space: ``vectors`` (n, d), ``views`` (m, v, d) of ``rows`` (m,), held out."""

    vectors: Array
    views: Array
    rows: Rows


@dataclass(frozen=True)
class Judged:
    """Shares before (each collection tuned by itself) and after, with the margin that a fall is allowed.

    ``alike``: mean cosine, by the witness, of all pictures to their NEAREST neighbours; None where none was asked.
    """

    views: int
    neighbours_before: float
    neighbours: float
    neighbours_margin: float
    found_before: float
    found: float
    found_margin: float
    alike_before: float | None = None
    alike: float | None = None
    alike_margin: float | None = None

    @property
    def passed(self) -> bool:
        """Whether views find their pictures, and neighbours are as good: to the witness, or without one by views."""
        found = self.found >= self.found_before - self.found_margin
        if self.alike is None or self.alike_before is None or self.alike_margin is None:
            return found and self.neighbours >= self.neighbours_before - self.neighbours_margin
        return found and self.alike >= self.alike_before - self.alike_margin

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "passed": self.passed}


@dataclass(frozen=True)
class Verdict:
    """``overall`` and by collection; ``why`` in words, in which before is ``against``."""

    overall: Judged
    collections: dict[str, Judged]
    against: str = TUNED_ALONE

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
            f"picture; {self.against}: {one.neighbours_before:.1%} and {one.found_before:.1%}"
        )
        if one.alike is not None and one.alike_before is not None:
            shares += f"; to a second network neighbours are alike by {one.alike:.3f} ({one.alike_before:.3f})"
        if self.accepted:
            return shares
        return f"{shares}; worse in {', '.join(worst) or 'all of them together'}"

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


def judge(
    names: Sequence[str],
    folds: Iterable[Fold],
    witnesses: Sequence[Array | None] = (),
    beside: Sequence[Array] = (),
    against: str = TUNED_ALONE,
) -> Verdict:
    """Compares two spaces of the same collections (``names``, in their order) on the same held-out views.

    Before may be a space of its own for each collection: there a view looks for its picture among its own collection
    only, which is the easier task. ``witnesses``: for each collection (n, d) unit rows of its pictures by a network
    that had no part in either space, None where it is not asked. ``beside`` (n, d) are more pictures that views may be
    mistaken for afterwards; ``against`` says what before is.
    """
    shares: list[list[tuple[Array, ...]]] = [[] for _ in names]
    likeness: list[list[tuple[Array, Array]]] = [[] for _ in names]
    for before, after in folds:
        everything = [*(one.vectors for one in after), *beside]
        for at, (old, new) in enumerate(zip(before, after, strict=True)):
            found = found_by_views(old, [old.vectors], 0), found_by_views(new, everything, at)
            shares[at].append((kept_by_views(old), kept_by_views(new), *found))
            if witnesses and (witness := witnesses[at]) is not None:
                likeness[at].append((alike(old.vectors, witness), alike(new.vectors, witness)))
    joined = [tuple(map(np.concatenate, zip(*each, strict=True))) for each in shares]
    means = [tuple(np.mean(side, axis=0) for side in zip(*each, strict=True)) for each in likeness]
    collections = {
        name: _judged(*each, compared=len(names), alike=mean)
        for name, each, mean in zip(names, joined, means, strict=True)
    }
    all_alike = tuple(map(np.concatenate, zip(*filter(None, means), strict=True)))
    overall = _judged(*map(np.concatenate, zip(*joined, strict=True)), compared=1, alike=all_alike)
    return Verdict(overall, collections, against)


def kept_by_views(space: Space) -> NDArray[np.float32]:
    """(m * v,) for each view the share of its picture's neighbours that it keeps."""
    return common_neighbours(space.vectors, space.vectors[space.rows], space.views, space.rows)


def alike(vectors: Array, witness: Array) -> Array:
    """(n,) mean cosine by the ``witness`` (n, d) of each picture to its NEAREST neighbours among ``vectors`` (n, e)."""
    near = nearest_rows(vectors, np.arange(len(witness)), min(NEAREST, len(witness) - 1))
    found: Array = np.mean([np.einsum("nd,nd->n", witness, witness[rows]) for rows in near.T], axis=0)
    return found


def less_alike(before: Array, after: Array, witness: Array, errors: float = WITNESS_ERRORS) -> bool:
    """Whether the ``witness`` (n, d) finds neighbours after (n, e) less alike than before (n, f), by so many errors."""
    fall = alike(before, witness) - alike(after, witness)
    return float(fall.mean()) > errors * _error(fall)


def found_by_views(space: Space, galleries: Sequence[Array], own: int) -> NDArray[np.float32]:
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


def _judged(
    kept_before: Array,
    kept: Array,
    found_before: Array,
    found: Array,
    *,
    compared: int,
    alike: tuple[Array, ...] = (),
) -> Judged:
    """``alike``: before and after, or nothing."""
    shares = Judged(
        len(kept),
        float(kept_before.mean()),
        float(kept.mean()),
        _margin(kept - kept_before, compared),
        float(found_before.mean()),
        float(found.mean()),
        _margin(found - found_before, compared),
    )
    if not alike:
        return shares
    before, after = alike
    return replace(
        shares,
        alike_before=float(before.mean()),
        alike=float(after.mean()),
        alike_margin=WITNESS_ERRORS * _error(after - before),
    )


def _error(differences: Array) -> float:
    """Standard error of a mean."""
    error: float = float(differences.std()) / max(len(differences), 1) ** 0.5
    return error


def _margin(differences: Array, compared: int) -> float:
    """Half of the interval of a mean difference, one of so many that are looked at."""
    errors = NormalDist().inv_cdf(1 - (1 - LIKELY) / 2 / compared)
    margin: float = max(LEAST_MARGIN, errors * _error(differences))
    return margin
