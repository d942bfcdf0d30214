"""What benchmarks of one encoder for several sets share: sets in one protocol, the spaces compared, their scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import CONFIRMING_SETS, SHARED, TUNING_SETS
from numpy.typing import NDArray

from samekind import Encoder
from samekind.adapt.gather import Gathered
from samekind.encoders.rows import Array, map_views
from samekind.evaluation import protocols
from samekind.evaluation.compare import Difference
from samekind.evaluation.labels import LabelledSet, read_labels
from samekind.evaluation.measure import joined_labels
from samekind.evaluation.metrics import score
from samekind.evaluation.ranking import rank
from samekind.evaluation.vectors import SetVectors, vectors_of
from samekind.events import Job
from samekind.settings import resolve
from samekind.tuning.fitting import REFERENCES, fit
from samekind.tuning.space import HUB_WEIGHT, Space, fit_space
from samekind.tuning.tuning import Tuning

METRICS = ("recall@1", "map@r")

Map = Callable[[Array], Array]
Sides = tuple[Array, Array]
"""All pictures of a set as they are asked with, and as they are stored."""
Values = dict[str, NDArray[np.float64]]
"""Metric -> one value a query."""


@dataclass(frozen=True)
class Run:
    """All sets under one protocol and one halving: vectors, tasks, and what may be fitted on."""

    sets: Sequence[LabelledSet]
    vectors: Sequence[SetVectors]
    tasks: Sequence[protocols.Task]
    encoder: Encoder

    @property
    def seen(self) -> list[Gathered]:
        """What each set shows to a fit."""
        taken = [each.take(task.fit) for each, task in zip(self.vectors, self.tasks, strict=True)]
        return [
            Gathered(one.name, look, views, rows, (Path(),) * len(look))
            for one, (look, views, rows) in zip(self.sets, taken, strict=True)
        ]

    def values(self, made: Sequence[Sides]) -> list[Values]:
        """Recall@1 and MAP@R of every query of each set, and last of the joint gallery."""
        joint = protocols.joined(self.tasks, [len(one) for one in self.sets])
        sides_of_all = tuple(np.concatenate(side) for side in zip(*made, strict=True))
        whole = scored(joined_labels(self.sets), joint, (sides_of_all[0], sides_of_all[1]))
        return [*map(scored, self.sets, self.tasks, made), whole]


def loaded(encoder: Encoder) -> tuple[list[LabelledSet], list[SetVectors]]:
    """The six shared sets and their vectors, of the pictures that can be used."""
    sets = read_labels([SHARED / name / "labels.csv" for name in (*TUNING_SETS, *CONFIRMING_SETS)])
    vectors = [Job(vectors_of(one, encoder, resolve())).result() for one in sets]
    usable = [one.take(found.rows) for one, found in zip(sets, vectors, strict=True)]
    return usable, [found.keep(found.rows) for found in vectors]


def percent(values: Sequence[Values]) -> list[list[float]]:
    """The means of METRICS in percent for each set."""
    return [[100 * float(one[name].mean()) for name in METRICS] for one in values]


def pair(values: Sequence[float]) -> str:
    """Recall@1 / MAP@R."""
    return " / ".join(f"{value:.1f}" for value in values)


def points(change: Difference) -> str:
    """A mean difference in points, with its interval."""
    return f"{100 * change.mean:+.1f} [{100 * change.low:+.1f}, {100 * change.high:+.1f}]"


def scored(labelled: LabelledSet, task: protocols.Task, made: Sides, coarse: bool = False) -> Values:
    """Recall@1 and MAP@R of every query, by its label or by its parent class."""
    labels = labelled.coarse if coarse else labelled.labels
    codes = np.unique(np.array(labels), return_inverse=True)[1].astype(np.int64)
    asked, stored = made
    kinds = {"label": (codes[task.queries], codes[task.gallery])}
    values = score(rank(asked[task.queries], stored[task.gallery], task.own, kinds, 1).found["label"])
    return {name: values[name] for name in METRICS}


def union_of(seen: Sequence[Gathered]) -> Gathered:
    """Several sets as one."""
    starts = np.cumsum([0, *(len(one) for one in seen[:-1])])
    rows = [one.view_rows + start for one, start in zip(seen, starts, strict=True)]
    looks, views = (np.concatenate([getattr(one, name) for one in seen]) for name in ("vectors", "views"))
    return Gathered("union", looks, views, np.concatenate(rows), ())


def tuned(seen: Sequence[Gathered], parts: Any) -> Tuning:
    """The tuning of a collection of all these."""
    one = union_of(seen)
    return fit(one.vectors, parts, one.views, one.view_rows)


def one_map(seen: Sequence[Gathered], parts: Any) -> Space:
    """One map for a collection of all these, also where its tuning would be a mix of maps."""
    one = union_of(seen)
    references = np.arange(0, len(one), -(-len(one) // REFERENCES))
    return fit_space(one.vectors, parts, one.views, one.view_rows, references, np.random.default_rng(0))


def sides(tuning: Tuning, look: Array) -> Sides:
    """A set in a tuned collection; where the tuning was refused both sides are plain, with nothing taken off."""
    if tuning.helps:
        return tuning.asked(look), tuning.stored(look)
    plain = np.hstack([look, np.zeros((len(look), 1), np.float32)])
    return plain, plain


def with_hubs(mapped: Sequence[Array], seen: Sequence[Gathered]) -> list[Sides]:
    """Each picture's crowding by its own set's pictures taken off its score."""
    made = []
    for look, one in zip(mapped, seen, strict=True):
        crowding = Space((), (), one.vectors[:: -(-len(one) // REFERENCES)]).crowding(look)
        made.append(
            (np.hstack([look, np.ones((len(look), 1), np.float32)]), np.hstack([look, -HUB_WEIGHT * crowding[:, None]]))
        )
    return made


def best_of_each(tried: Sequence[tuple[Sequence[Values], Sequence[Sides]]]) -> list[Sides]:
    """Of several ways, with the values and the sides of each set, the sides of the one with the best MAP@R there.

    An oracle, by labels: what it finds in a set is never less than any one way's.
    """
    found = [[float(one["map@r"].mean()) for one in values[: len(made)]] for values, made in tried]
    return [tried[way][1][at] for at, way in enumerate(np.argmax(found, axis=0))]


def through(mapped: Map, one: Gathered) -> Gathered:
    """What a fit sees, in another space."""
    views = map_views(mapped, one.views)
    return Gathered(one.name, mapped(one.vectors), views, one.view_rows, one.files)
