"""What an evaluation found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation import compare
from samekind.evaluation.compare import Difference, Interval
from samekind.evaluation.labels import LabelledSet
from samekind.evaluation.protocols import Task
from samekind.evaluation.ranking import Ranking


@dataclass(frozen=True)
class Asked:
    """The pictures behind a set's scores: row numbers of ``labelled`` in ``task``, and how they were ranked."""

    labelled: LabelledSet
    task: Task
    ranking: Ranking


@dataclass(frozen=True)
class Scores:
    """One set (or the joint gallery) under one setting.

    ``values``: metric -> (q,) float64, one a scored query; ``queries``: the ids of those queries; ``classes``: their
    labels (empty for foreign runs); ``unscored``: queries without a relevant picture in the gallery, which no metric
    counts; ``gallery``: pictures searched; ``unanswered``: scored queries for which a foreign run had nothing.
    ``coarse``: the same with the parent class as relevance, where there are any. ``tuning``: why the vectors were tuned
    or not.
    """

    name: str
    values: Mapping[str, NDArray[np.float64]]
    queries: tuple[str, ...]
    classes: tuple[str, ...] = ()
    unscored: int = 0
    gallery: int | None = None
    unanswered: int = 0
    tuning: str = ""
    coarse: Scores | None = None
    asked: Asked | None = field(default=None, repr=False, compare=False)

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """Each metric's mean over queries, with its interval."""
        return compare.intervals([self.values])

    def to_dict(self, per_class: bool = False) -> dict[str, Any]:
        """JSON-ready: each metric as a fraction, ``queries``, counts, ``intervals``."""
        found = _summary(self.intervals)
        found |= {"queries": len(self.queries), "unscored": self.unscored}
        found |= {"unanswered": self.unanswered} if self.unanswered else {}
        found |= {} if self.gallery is None else {"gallery": self.gallery}
        found |= {"tuning": self.tuning} if self.tuning else {}
        found |= {"coarse": self.coarse.to_dict()} if self.coarse else {}
        if per_class and self.classes:
            found["per_class"] = [one.to_dict() for one in self.per_class()]
        return found

    def per_class(self) -> list[ClassScores]:
        """The means of each class's queries, classes in alphabetical order."""
        labels = np.array(self.classes)
        each = ((label, labels == label) for label in sorted(set(self.classes)))
        return [
            ClassScores(
                label, int(rows.sum()), {name: float(value[rows].mean()) for name, value in self.values.items()}
            )
            for label, rows in each
        ]


@dataclass(frozen=True)
class ClassScores:
    """One class: its queries and their mean for each metric."""

    label: str
    queries: int
    means: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"label": self.label, "queries": self.queries, **self.means}


@dataclass(frozen=True)
class Evaluation:
    """Scores of several sets under one setting, their mean, and all of them in one gallery.

    ``setting`` names it in a few words ("dino, tuned"); ``details`` holds what it consisted of (encoder, fingerprint,
    protocol, split, tuned). ``joint`` averages over all queries; it is None for foreign runs. ``skipped``: pictures
    that could not be used. ``against``: the same sets under another setting, if asked for.
    """

    setting: str
    details: Mapping[str, Any]
    sets: tuple[Scores, ...]
    joint: Scores | None = None
    skipped: tuple[str, ...] = ()
    against: Evaluation | None = None

    @cached_property
    def mean(self) -> dict[str, Interval]:
        """The mean over sets of each metric, with its interval."""
        return compare.intervals([one.values for one in self.sets])

    @cached_property
    def differences(self) -> dict[str, dict[str, Difference]]:
        """This setting less the other one: rows "SET", "mean" and "joint", then metrics; empty without another."""
        if self.against is None:
            return {}
        return {
            name: compare.differences([one.values for one in mine], [one.values for one in other])
            for name, mine, other in _rows(self, self.against)
        }

    def to_dict(self, per_class: bool = False) -> dict[str, Any]:
        """JSON-ready; fractions in 0..1. ``per_class`` adds every class's means to each set."""
        found: dict[str, Any] = {
            "setting": self.setting,
            **self.details,
            "sets": {one.name: one.to_dict(per_class) for one in self.sets},
            "mean": {**_summary(self.mean), "queries": sum(len(one.queries) for one in self.sets)},
        }
        if self.joint is not None:
            found["joint"] = self.joint.to_dict()
        found["skipped"] = list(self.skipped)
        if self.against is not None:
            found["against"] = self.against.to_dict(per_class)
            found["differences"] = {
                row: {metric: one.to_dict() for metric, one in each.items()} for row, each in self.differences.items()
            }
        return found


def _rows(ours: Evaluation, theirs: Evaluation) -> list[tuple[str, Sequence[Scores], Sequence[Scores]]]:
    rows: list[tuple[str, Sequence[Scores], Sequence[Scores]]] = [
        (mine.name, [mine], [other]) for mine, other in zip(ours.sets, theirs.sets, strict=True)
    ]
    rows.append(("mean", ours.sets, theirs.sets))
    if ours.joint is not None and theirs.joint is not None:
        rows.append(("joint", [ours.joint], [theirs.joint]))
    return rows


def _summary(found: Mapping[str, Interval]) -> dict[str, Any]:
    return {
        **{name: one.mean for name, one in found.items()},
        "intervals": {name: [one.low, one.high] for name, one in found.items()},
    }
