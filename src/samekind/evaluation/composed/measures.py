"""Exact figures of composed retrieval, one value a query, each as its benchmark's own scoring defines it.

recall@k is 1 where the target (of several the written one, ``targets[0]``) is among the first k, else 0. map@k and map
count all targets. Values are fractions in 0..1; their means and intervals are those of ``Scores``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError
from samekind.evaluation.composed.circo import ASPECTS
from samekind.evaluation.composed.rankings import Rankings
from samekind.evaluation.metrics import RelevantRanks, score
from samekind.evaluation.results import Evaluation, Scores

CIRR_DEPTHS, CIRR_SUBSET_DEPTHS = (1, 5, 10, 50), (1, 2, 3)
CIRCO_DEPTHS = (5, 10, 25, 50)
ASPECT_DEPTH = 10
FASHION_IQ_DEPTHS = (10, 50)
GENECIS_DEPTHS = (1, 2, 3)
OWN_METRICS = ("recall@1", "recall@5", "recall@10", "map")
APART = ("size",)
"""Rules that no picture alone can answer; they stay out of the main figure."""

Values = dict[str, NDArray[np.float64]]
Ranks = Sequence[NDArray[np.int64]]
"""For each query the ranks of its targets, the written one first; 0 for one that was not ranked."""


@dataclass(frozen=True)
class ByRule:
    """What a file of ruled queries scored: ``main`` over all queries but those of the rules that stand ``apart``.

    ``rules`` and ``apart``: rule -> its own queries' scores; the former are those that ``main`` is made of.
    """

    main: Scores
    rules: Mapping[str, Scores]
    apart: Mapping[str, Scores]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; fractions in 0..1."""
        return {
            "main": self.main.to_dict(),
            "rules": {rule: one.to_dict() for rule, one in self.rules.items()},
            "apart": {rule: one.to_dict() for rule, one in self.apart.items()},
        }


def cirr(rankings: Rankings) -> Scores:
    """recall@1, 5, 10, 50 without the reference, and "subset recall"@1, 2, 3 within the reference's group.

    The subset is the whole ranking masked to the group; rankings must reach down to three of its members.
    """
    values = recall_at(rankings.target_ranks(max(CIRR_DEPTHS)), CIRR_DEPTHS)
    within = recall_at(rankings.subsets().target_ranks(max(CIRR_SUBSET_DEPTHS)), CIRR_SUBSET_DEPTHS)
    return _scores(rankings, values | {f"subset {name}": value for name, value in within.items()})


def circo(rankings: Rankings, without_reference: bool = False) -> Scores:
    """map@5, 10, 25, 50 over all targets and recall@5, 10, 25, 50 of the written one.

    The official figures keep the reference in the ranking, where it is never right but often first;
    ``without_reference`` gives the figures with it taken out, and the name says which they are.
    """
    if without_reference:
        rankings = rankings.excluding_references()
    ranks = rankings.target_ranks(max(CIRCO_DEPTHS))
    name = rankings.benchmark.name if without_reference else f"{rankings.benchmark.name}, official"
    return _scores(rankings, average_precision_at(ranks, CIRCO_DEPTHS) | recall_at(ranks, CIRCO_DEPTHS), name)


def circo_aspects(rankings: Rankings) -> dict[str, Scores]:
    """map@10 over the queries of each semantic aspect that occurs, the reference as ``rankings`` have it.

    A query counts for every aspect that it has, so the parts overlap.
    """
    values = average_precision_at(rankings.target_ranks(ASPECT_DEPTH), (ASPECT_DEPTH,))
    queries = rankings.benchmark.queries
    rows = {aspect: [at for at, query in enumerate(queries) if aspect in query.aspects] for aspect in ASPECTS}
    return {aspect: _part(rankings, values, some, aspect) for aspect, some in rows.items() if some}


def fashion_iq(setting: str, categories: Sequence[Rankings]) -> Evaluation:
    """recall@10, 50 of each category; ``mean`` is the plain mean over categories, whatever their sizes.

    Raises UsageError for categories of different galleries, which have no mean, and for one that is named twice.
    """
    _one_convention(categories)
    sets = tuple(
        _scores(one, recall_at(one.target_ranks(max(FASHION_IQ_DEPTHS)), FASHION_IQ_DEPTHS)) for one in categories
    )
    return Evaluation(setting, {"conventions": list(categories[0].benchmark.conventions)}, sets)


def genecis(setting: str, tasks: Sequence[Rankings]) -> Evaluation:
    """recall@1, 2, 3 of each task; ``mean`` is the plain mean over tasks, of which recall@1 is the headline."""
    _one_convention(tasks)
    sets = tuple(_scores(one, recall_at(one.target_ranks(max(GENECIS_DEPTHS)), GENECIS_DEPTHS)) for one in tasks)
    return Evaluation(setting, {"conventions": list(tasks[0].benchmark.conventions)}, sets)


def own(rankings: Rankings, apart: Sequence[str] = APART) -> ByRule:
    """recall@1, 5, 10 and map of ruled queries: of all but those of the rules ``apart``, and of each rule.

    Any target counts for recall here, since none is the written one. Rankings must hold the whole gallery. Raises
    UsageError where no rule is left for the main figure.
    """
    queries = rankings.benchmark.queries
    found = score(relevant_ranks(rankings.target_ranks(None)))
    values = {name: found[name] for name in OWN_METRICS}
    rows: dict[str, list[int]] = {}
    for at, query in enumerate(queries):
        rows.setdefault(query.aspects[0] if query.aspects else "", []).append(at)
    main = sorted(at for rule, some in rows.items() if rule not in apart for at in some)
    if not main:
        raise UsageError(f"{rankings.benchmark.name} has no rule but {', '.join(apart)}; nothing is left to average.")
    each = {rule: _part(rankings, values, some, rule) for rule, some in sorted(rows.items())}
    return ByRule(
        _part(rankings, values, main, "main"),
        {rule: one for rule, one in each.items() if rule not in apart},
        {rule: one for rule, one in each.items() if rule in apart},
    )


def recall_at(ranks: Ranks, depths: Sequence[int]) -> Values:
    """recall@k for each depth k, (q,): 1 where the first-named target has a rank of at most k."""
    first = np.array([one[0] for one in ranks], np.int64)
    return {f"recall@{k}": ((first > 0) & (first <= k)).astype(np.float64) for k in depths}


def average_precision_at(ranks: Ranks, depths: Sequence[int]) -> Values:
    """map@k for each depth k, (q,): of G targets at ranks r_1 < r_2 < ..., 1 / min(G, k) * sum of i / r_i, r_i <= k.

    That is the sum of the precision at each rank that holds a target, over the most that could be found, so that a
    perfect ranking has 1 also where G > k (Baldrati et al. 2023, the CIRCO benchmark).
    """
    found = relevant_ranks(ranks)
    counts = np.bincount(found.owner, minlength=len(ranks))
    nth = np.arange(len(found.ranks)) - (np.cumsum(counts) - counts)[found.owner] + 1
    precision = nth / found.ranks

    def at(k: int) -> NDArray[np.float64]:
        summed = np.bincount(found.owner, weights=precision * (found.ranks <= k), minlength=len(ranks))
        return (summed / np.minimum(found.relevant, k)).astype(np.float64)

    return {f"map@{k}": at(k) for k in depths}


def relevant_ranks(ranks: Ranks) -> RelevantRanks:
    """The same ranks for ``evaluation.metrics``: those that were found, and how many there are."""
    return RelevantRanks.of([one[one > 0] for one in ranks], np.array([len(one) for one in ranks], np.int64))


def _scores(rankings: Rankings, values: Values, name: str = "") -> Scores:
    benchmark = rankings.benchmark
    ids = tuple(query.id for query in benchmark.queries)
    return Scores(name or benchmark.name, values, ids, gallery=len(benchmark.gallery) or None)


def _part(rankings: Rankings, values: Values, rows: Sequence[int], name: str) -> Scores:
    benchmark = rankings.benchmark
    ids = tuple(benchmark.queries[at].id for at in rows)
    some = {metric: value[list(rows)] for metric, value in values.items()}
    return Scores(f"{benchmark.name}, {name}", some, ids, gallery=len(benchmark.gallery) or None)


def _one_convention(parts: Sequence[Rankings]) -> None:
    if not parts:
        raise UsageError("There is nothing to measure; give the rankings of one part or more.")
    names = [one.benchmark.name for one in parts]
    if len(set(names)) < len(names):
        raise UsageError(f"A part is there twice among {'; '.join(names)}; give each once.")
    if len({one.benchmark.conventions for one in parts}) > 1:
        raise UsageError(f"{'; '.join(names)} follow different conventions and have no mean; read all by one of them.")
