"""One set under one setting: tune as the protocol says, rank, score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samekind.encoders.base import Part, Vectors
from samekind.errors import UsageError
from samekind.evaluation.labels import LabelledSet
from samekind.evaluation.metrics import score
from samekind.evaluation.protocols import Task
from samekind.evaluation.ranking import Codes, rank
from samekind.evaluation.results import Asked, Scores
from samekind.evaluation.vectors import SetVectors
from samekind.query.wider import CANDIDATES, FINE, around, pulled


def measure(
    labelled: LabelledSet,
    vectors: SetVectors,
    task: Task,
    parts: Sequence[Part],
    tune: bool,
    depth: int,
    level: float = FINE,
) -> Scores:
    """Scores of a set whose rows are those of ``vectors``; ``depth`` of the best hits are kept for each query.

    ``level`` is the granularity that is searched at, as a search of a stored picture does.

    Raises UsageError where no query has a relevant picture to find.
    """
    asked, stored, why = _tuned(vectors, task, parts) if tune else _plain(vectors, task)
    if level > FINE:
        asked = _wider(asked, stored, vectors.look, task, level)
    fine, coarse = _codes(labelled.labels), _codes(labelled.coarse)
    kinds = {"label": (fine[task.queries], fine[task.gallery]), "coarse": (coarse[task.queries], coarse[task.gallery])}
    ranking = rank(asked, stored, task.own, kinds, depth)

    def scores(kind: str, names: tuple[str, ...]) -> Scores:
        rows = [int(row) for row in task.queries[ranking.scored[kind]]]
        return Scores(
            labelled.name,
            score(ranking.found[kind]),
            tuple(labelled.paths[row] for row in rows),
            tuple(names[row] for row in rows),
            unscored=len(task.queries) - len(rows),
            gallery=len(task.gallery),
            tuning=why,
            coarse=scores("coarse", labelled.coarse) if kind == "label" and len(ranking.scored["coarse"]) else None,
            asked=Asked(labelled, task, ranking) if kind == "label" else None,
        )

    found = scores("label", labelled.labels)
    if not found.queries:
        raise UsageError(
            f"Set {labelled.name}: no query has a picture of its own class to find; a class needs two pictures or more."
        )
    return found


def joined_labels(sets: Sequence[LabelledSet]) -> LabelledSet:
    """Several sets as one, with the set's name before every path, label and parent class."""
    return LabelledSet(
        "joint",
        sets[0].folder,
        tuple(f"{one.name}/{path}" for one in sets for path in one.paths),
        tuple(f"{one.name}/{label}" for one in sets for label in one.labels),
        tuple(f"{one.name}/{coarse}" if coarse else "" for one in sets for coarse in one.coarse),
        tuple(split for one in sets for split in one.splits),
    )


def _plain(vectors: SetVectors, task: Task) -> tuple[Vectors, Vectors, str]:
    return vectors.look[task.queries], vectors.look[task.gallery], "off"


def _tuned(vectors: SetVectors, task: Task, parts: Sequence[Part]) -> tuple[Vectors, Vectors, str]:
    from samekind.tuning import fit

    look, views, view_rows = vectors.take(task.fit)
    tuning = fit(look, parts, views, view_rows)
    return tuning.asked(vectors.look[task.queries]), tuning.stored(vectors.look[task.gallery]), tuning.why


def _wider(asked: Vectors, stored: Vectors, look: Vectors, task: Task, level: float) -> Vectors:
    """The query side (q, d or d + 1) with each query's vector pulled towards what lies around it."""
    dim = look.shape[1]
    wide = asked.copy()
    for query, found in enumerate(rank(asked, stored, task.own, {}, CANDIDATES).top):
        near = found[found >= 0]
        chosen = near[around(look[task.gallery[near]], look[task.queries[query]][None])]
        wide[query, :dim] = pulled(asked[query, :dim], stored[chosen, :dim], level)
    return wide


def _codes(names: tuple[str, ...]) -> Codes:
    _, codes = np.unique(np.array(names), return_inverse=True)
    return np.where(np.array(names) == "", -1, codes).astype(np.int64)
