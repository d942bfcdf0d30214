"""Example queries for a report: where the other setting did worse, where better, plain successes and failures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.results import Scores

HITS = 6
_EACH = 2


@dataclass(frozen=True)
class Shown:
    """One picture in an example: its file, its label, and whether it is right (None for the query itself)."""

    file: Path
    label: str
    right: bool | None = None


@dataclass(frozen=True)
class Example:
    """A query, its best hits, and its best hits under the other setting (empty without one)."""

    kind: str
    query: Shown
    hits: tuple[Shown, ...]
    other_hits: tuple[Shown, ...] = ()


def choose(ours: Scores, theirs: Scores | None) -> list[Example]:
    """Up to two queries of each kind, all of different classes: gained, lost, wrong (the surest mistakes), right.

    Gained and lost go by average precision within R against the other setting; right are those in the middle of the
    successes, not the best.
    """
    if ours.asked is None:
        return []
    value, first = ours.values["map@r"], ours.values["recall@1"]
    gain = value - theirs.values["map@r"] if theirs else np.zeros(len(value))
    surest = ours.asked.ranking.top_scores[ours.asked.ranking.scored["label"], 0]
    middling = np.abs(value - np.median(value[first == 1])) if np.any(first == 1) else value
    orders = {
        "gained": np.argsort(-gain, kind="stable")[: int(np.sum(gain > 0))],
        "lost": np.argsort(gain, kind="stable")[: int(np.sum(gain < 0))],
        "wrong": _within(np.argsort(-surest, kind="stable"), first == 0),
        "right": _within(np.argsort(middling, kind="stable"), first == 1),
    }
    each = _EACH if theirs else 2 * _EACH
    used: set[str] = set()
    examples = []
    for kind, order in orders.items():
        taken = 0
        for query in order:
            if taken == each:
                break
            if ours.classes[query] not in used:
                used.add(ours.classes[query])
                taken += 1
                examples.append(_example(kind, int(query), ours, theirs))
    return examples


def _within(order: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    return order[mask[order]]


def _example(kind: str, query: int, ours: Scores, theirs: Scores | None) -> Example:
    shown, hits = _hits(query, ours)
    return Example(kind, shown, hits, _hits(query, theirs)[1] if theirs else ())


def _hits(query: int, scores: Scores) -> tuple[Shown, tuple[Shown, ...]]:
    asked = scores.asked
    if asked is None:
        raise ValueError("scores of a foreign run have no pictures")
    labelled, ranking = asked.labelled, asked.ranking
    at = ranking.scored["label"][query]
    row = asked.task.queries[at]
    best = [asked.task.gallery[hit] for hit in ranking.top[at, :HITS] if hit >= 0]

    def shown(one: int, right: bool | None) -> Shown:
        return Shown(labelled.folder / labelled.paths[one], labelled.labels[one], right)

    return shown(row, None), tuple(shown(one, labelled.labels[one] == labelled.labels[row]) for one in best)
