"""Cards of kinds: a few pictures that stand for a kind, a few at its border, its words, and how well it holds together.

The figure is that of labelling instructions by example (LIG): the average precision of finding the kind's pictures,
in the whole collection, with its prototypes as the query.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from samekind.adapt.kinds import Kinds
from samekind.adapt.words import distinguishing
from samekind.encoders.rows import Array, unit_rows
from samekind.tuning.kmeans import Labels, row_blocks, sums_by_label, unit_or

PROTOTYPES, BORDERLINE = 3, 3


@dataclass(frozen=True)
class Card:
    """A kind at a glance; pictures are rows of the vectors that it was made from.

    ``prototypes``: the medoid, then members far from each other in the nearer half of the kind; ``borderline``: other
    members with the smallest margin to another kind of the same level, each with that kind's address; ``words`` that
    set it apart; ``quality`` 0..1.
    """

    address: str
    size: int
    prototypes: tuple[int, ...]
    borderline: tuple[tuple[int, str], ...]
    words: tuple[str, ...]
    quality: float


def cards(vectors: Array, kinds: Kinds, labels: Labels, depth: int, words: Sequence[frozenset[str]]) -> Iterator[Card]:
    """The cards of level ``depth``, in its order; kinds without a picture here have none.

    ``vectors`` (n, d) float32 unit rows, their kinds ``labels`` (n,) at that level and their ``words``, n of them.
    """
    level = kinds.levels[depth]
    k = len(level)
    centroids = unit_or(sums_by_label(vectors, labels, k), level.centroids)
    margins, nexts = _margins(vectors, labels, centroids)
    telling = distinguishing(words, labels, k, level.parents[labels] if depth else None)
    order = np.argsort(labels, kind="stable")
    groups = np.split(order, np.searchsorted(labels[order], np.arange(1, k)))
    queries = np.zeros_like(centroids)
    chosen: list[tuple[int, ...]] = []
    for n, rows in enumerate(groups):
        chosen.append(_prototypes(vectors, rows, centroids[n]))
        queries[n] = unit_rows(vectors[list(chosen[n])].sum(axis=0, dtype=np.float64)[None])[0]
    for block in row_blocks(k, len(vectors)):
        scores = queries[block] @ vectors.T
        for n, row in zip(range(k)[block], scores, strict=True):
            rows = groups[n]
            if not len(rows):
                continue
            others = rows[~np.isin(rows, chosen[n])]
            near = others[np.argsort(margins[others], kind="stable")][: BORDERLINE if k > 1 else 0]
            yield Card(
                address=level.addresses[n],
                size=len(rows),
                prototypes=chosen[n],
                borderline=tuple((int(one), level.addresses[nexts[one]]) for one in near),
                words=telling[n],
                quality=average_precision(row, rows),
            )


def average_precision(scores: Array, relevant: Labels) -> float:
    """Mean over the ``relevant`` rows (r,) of the precision among all rows with at least that row's score; 0..1.

    ``scores`` (n,). Equal scores count as found together, so their order does not matter.
    """
    wanted = np.sort(scores[relevant])
    among_wanted = len(wanted) - np.searchsorted(wanted, wanted, side="left")
    among_all = len(scores) - np.searchsorted(np.sort(scores), wanted, side="left")
    return float(np.mean(among_wanted / among_all))


def _prototypes(vectors: Array, rows: Labels, centroid: Array) -> tuple[int, ...]:
    """The row nearest to the centroid, then rows of the nearer half, each as far as can be from those before."""
    if not len(rows):
        return ()
    near = rows[np.argsort(-(vectors[rows] @ centroid), kind="stable")]
    near = near[: max(PROTOTYPES, len(near) // 2)]
    found = [int(near[0])]
    closest = vectors[near] @ vectors[found[0]]
    closest[0] = np.inf
    while len(found) < min(PROTOTYPES, len(near)):
        place = int(np.argmin(closest))
        found.append(int(near[place]))
        closest = np.maximum(closest, vectors[near] @ vectors[found[-1]])
        closest[place] = np.inf
    return tuple(found)


def _margins(vectors: Array, labels: Labels, centroids: Array) -> tuple[Array, Labels]:
    """How much nearer each row is to its own centroid than to the next one, (n,), and which one that is, (n,)."""
    margins, nexts = np.zeros(len(vectors), np.float32), np.zeros(len(vectors), np.intp)
    for rows in row_blocks(len(vectors), len(centroids)):
        scores = vectors[rows] @ centroids.T
        own = labels[rows][:, None]
        mine = np.take_along_axis(scores, own, 1)[:, 0].copy()
        np.put_along_axis(scores, own, -np.inf, 1)
        nexts[rows] = scores.argmax(axis=1)
        margins[rows] = mine - scores.max(axis=1)
    return margins, nexts
