"""From vectors to ranks: every query against the whole gallery, block by block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.metrics import RelevantRanks

Codes = NDArray[np.int64]
"""One whole number a picture; equal numbers mean the same class, a negative one no class."""


@dataclass(frozen=True)
class Ranking:
    """What came of ranking q queries.

    ``found``: for each kind of relevance the ranks of the relevant pictures of the scored queries; ``scored``: for each
    kind the (s,) query numbers that have at least one relevant picture, in order; ``top`` (q, depth) int64 gallery
    numbers, best first, -1 past the end of a gallery; ``top_scores`` (q, depth) float32 scores.
    """

    found: dict[str, RelevantRanks]
    scored: dict[str, NDArray[np.int64]]
    top: NDArray[np.int64]
    top_scores: NDArray[np.float32]


def rank(
    queries: NDArray[np.float32],
    gallery: NDArray[np.float32],
    own: NDArray[np.int64],
    kinds: Mapping[str, tuple[Codes, Codes]],
    depth: int = 10,
    block: int = 256,
) -> Ranking:
    """Ranks the gallery for every query by inner product, best first; ties in gallery order.

    ``queries`` (q, d) and ``gallery`` (g, d): unit rows, or what a tuning makes of them. ``own`` (q,): the gallery
    number of the query itself, which is left out of its own ranking, or -1. ``kinds``: name -> class codes of the
    queries and of the gallery; a gallery picture is relevant where the codes are equal and not negative. ``depth``: how
    many of the best to keep for each query. Memory is block x g scores, not q x g.
    """
    members = {name: _members(codes) for name, (_, codes) in kinds.items()}
    ranks: dict[str, list[NDArray[np.int64]]] = {name: [] for name in kinds}
    scored: dict[str, list[int]] = {name: [] for name in kinds}
    top = np.full((len(queries), depth), -1, np.int64)
    top_scores = np.full((len(queries), depth), -np.inf, np.float32)
    for start in range(0, len(queries), block):
        scores = queries[start : start + block] @ gallery.T
        rows = np.arange(len(scores))
        mine = own[start : start + block]
        scores[rows[mine >= 0], mine[mine >= 0]] = -np.inf
        ascending = np.sort(scores, axis=1)
        for row, query in enumerate(range(start, start + len(scores))):
            best = _best(scores[row], ascending[row], min(depth, len(gallery) - (own[query] >= 0)))
            top[query, : len(best)] = best
            top_scores[query, : len(best)] = scores[row, best]
            for name, (codes, _) in kinds.items():
                right = members[name].get(int(codes[query]))
                if right is None:
                    continue
                right = right[right != own[query]]
                if len(right):
                    ranks[name].append(_ranks(scores[row], ascending[row], right))
                    scored[name].append(query)
    found = {
        name: RelevantRanks.of(each, np.array([len(one) for one in each], np.int64)) for name, each in ranks.items()
    }
    return Ranking(found, {name: np.array(each, np.int64) for name, each in scored.items()}, top, top_scores)


def _members(codes: Codes) -> dict[int, NDArray[np.int64]]:
    order = np.argsort(codes, kind="stable")
    values, starts = np.unique(codes[order], return_index=True)
    groups = np.split(order, starts[1:])
    return {int(value): group for value, group in zip(values, groups, strict=False) if value >= 0}


def _ranks(scores: NDArray[np.float32], ascending: NDArray[np.float32], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """1-based ranks of the gallery numbers ``right``: the better ones, plus equal ones that stand before it."""
    wanted = scores[right]
    not_better = np.searchsorted(ascending, wanted, side="right")
    ranks = len(scores) - not_better + 1
    tied = not_better - np.searchsorted(ascending, wanted, side="left") > 1
    for at in np.flatnonzero(tied):
        ranks[at] += np.count_nonzero(scores[: right[at]] == wanted[at])
    return ranks


def _best(scores: NDArray[np.float32], ascending: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
    if depth < 1:
        return np.zeros(0, np.int64)
    weakest = ascending[len(scores) - depth]
    better = np.flatnonzero(scores > weakest)
    equal = np.flatnonzero(scores == weakest)[: depth - len(better)]
    chosen = np.concatenate([better, equal])
    return chosen[np.lexsort((chosen, -scores[chosen]))]
