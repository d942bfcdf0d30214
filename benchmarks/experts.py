"""Figure 8: one adapted encoder for six sets against each set tuned by itself, and what a set left out makes of it.

    python benchmarks/experts.py    both protocols, three halvings of the classes, dino

Nothing is encoded where `benchmarks/quality.py` has run before. Labels are used for scoring only.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import CONFIRMING_SETS, SHARED, TUNING_SETS, save

from samekind import Encoder, load_encoder
from samekind.adapt.closed_form import fit_mix
from samekind.adapt.gather import Gathered
from samekind.encoders.rows import Array, map_parts, unit_rows
from samekind.evaluation import protocols
from samekind.evaluation.labels import LabelledSet, read_labels
from samekind.evaluation.measure import joined_labels
from samekind.evaluation.metrics import score
from samekind.evaluation.ranking import rank
from samekind.evaluation.vectors import SetVectors, vectors_of
from samekind.events import Job
from samekind.settings import resolve
from samekind.tuning.fitting import REFERENCES, fit
from samekind.tuning.space import HUB_WEIGHT, Space
from samekind.tuning.tuning import Tuning

RUNS = {"own": (0,), "new": (0, 1, 2)}
METRICS = ("recall@1", "map@r")

Map = Callable[[Array], Array]
Sides = tuple[Array, Array]
"""All pictures of a set as they are asked with, and as they are stored."""


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

    def settings(self) -> Iterator[tuple[str, list[Sides]]]:
        """Each way to make one space (or six) of the sets' vectors."""
        parts, seen = self.encoder.parts, self.seen
        looks = [each.look for each in self.vectors]
        union = tuned(seen, parts)
        alone = [tuned([one], parts) for one in seen]
        mix: Map = partial(map_parts, parts, fit_mix(seen, parts, 0))
        mapped, mapped_seen = list(map(mix, looks)), [through(mix, one) for one in seen]
        on_top = tuned(mapped_seen, parts)
        each_on_top = [tuned([one], parts) for one in mapped_seen]
        others = [fit_mix([one for one in seen if one is not left], parts, 0) for left in seen]
        left_out = [map_parts(parts, other, look) for other, look in zip(others, looks, strict=True)]
        centred = [unit_rows(look - one.vectors.mean(axis=0)) for one, look in zip(seen, looks, strict=True)]
        yield "plain", [(look, look) for look in looks]
        yield "one map for all", [sides(union, look) for look in looks]
        yield "each tuned by itself", [sides(one, look) for one, look in zip(alone, looks, strict=True)]
        yield "the mix", [(look, look) for look in mapped]
        yield "the mix, hubs corrected", with_hubs(mapped, mapped_seen)
        yield "the mix, the union tuned on top", [sides(on_top, look) for look in mapped]
        yield "the mix, each tuned on top", [sides(one, look) for one, look in zip(each_on_top, mapped, strict=True)]
        yield "each left out: its own mean removed", [(look, look) for look in centred]
        yield "each left out: the mix of the others", [(look, look) for look in left_out]

    def scores(self, made: Sequence[Sides]) -> list[list[float]]:
        """Recall@1 and MAP@R in percent for each set, and last for the joint gallery."""
        joint = protocols.joined(self.tasks, [len(one) for one in self.sets])
        sides_of_all = tuple(np.concatenate(side) for side in zip(*made, strict=True))
        whole = scored(joined_labels(self.sets), joint, (sides_of_all[0], sides_of_all[1]))
        return [*map(scored, self.sets, self.tasks, made), whole]


def scored(labelled: LabelledSet, task: protocols.Task, made: Sides) -> list[float]:
    """Recall@1 and MAP@R in percent."""
    codes = np.unique(np.array(labelled.labels), return_inverse=True)[1].astype(np.int64)
    asked, stored = made
    kinds = {"label": (codes[task.queries], codes[task.gallery])}
    values = score(rank(asked[task.queries], stored[task.gallery], task.own, kinds, 1).found["label"])
    return [100 * float(values[name].mean()) for name in METRICS]


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


def through(mapped: Map, one: Gathered) -> Gathered:
    """What a fit sees, in another space."""
    views = mapped(one.views.reshape(-1, one.views.shape[-1])).reshape(one.views.shape)
    return Gathered(one.name, mapped(one.vectors), views, one.view_rows, one.files)


def main() -> None:
    """Every setting under both protocols."""
    encoder, settings = load_encoder("dino"), resolve()
    sets = read_labels([SHARED / name / "labels.csv" for name in (*TUNING_SETS, *CONFIRMING_SETS)])
    vectors = [Job(vectors_of(one, encoder, settings)).result() for one in sets]
    sets = [one.take(found.rows) for one, found in zip(sets, vectors, strict=True)]
    vectors = [found.keep(found.rows) for found in vectors]
    rows = []
    for protocol, splits in RUNS.items():
        found: dict[str, list[list[list[float]]]] = {}
        for split in splits:
            tasks = [protocols.task_of(one, protocol, split) for one in sets]
            run = Run(sets, vectors, tasks, encoder)
            for setting, made in run.settings():
                found.setdefault(setting, []).append(run.scores(made))
                print(protocol, split, setting, flush=True)
        for setting, values in found.items():
            mean = np.mean(values, axis=0)
            cells = dict(zip([one.name for one in sets], mean, strict=False))
            cells = {"all": mean[:-1].mean(axis=0), "joint gallery": mean[-1], **cells}
            rows.append(
                {"protocol": protocol, "setting": setting}
                | {name: " / ".join(f"{value:.1f}" for value in pair) for name, pair in cells.items()}
            )
    notes = [
        "Recall@1 / MAP@R in percent; `all` is the mean over sets, `new` the mean of three halvings of the classes.",
        "Each tuned by itself knows which set a query is from; the mix, and one map for all, do not.",
    ]
    save("experts", "One encoder for six collections (dino, samekind adapt in closed form)", rows, notes, seed=0)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
