"""The oracle of the variants: for each set the best single granularity."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from spaces import Run, best_of_each

from samekind.encoders.rows import unit_rows
from samekind.evaluation.labels import LabelledSet
from samekind.evaluation.protocols import task_of

KINDS, EACH, WIDTH = 6, 5, 8


def labelled(name: str) -> LabelledSet:
    count = KINDS * EACH
    labels = tuple(f"{name} {number % KINDS}" for number in range(count))
    return LabelledSet(name, Path(), tuple(map(str, range(count))), labels, ("",) * count, ("both",) * count)


def test_the_best_of_each_set_is_never_below_one_way_for_all() -> None:
    rng = np.random.default_rng(0)
    sets = [labelled(name) for name in ("garden", "meadow", "shed")]
    run = Run(sets, (), [task_of(one, "own") for one in sets], None)
    kinds = np.arange(KINDS * EACH) % KINDS
    tried: list[tuple[Any, Any]] = []
    for _ in range(4):
        looks = [
            unit_rows(rng.normal(size=(KINDS, WIDTH))[kinds] + noise * rng.normal(size=(len(kinds), WIDTH)))
            for noise in rng.uniform(0.5, 1.5, len(sets))
        ]
        made = [(look, look) for look in looks]
        tried.append((run.values(made), made))
    best = run.values(best_of_each(tried))
    means = np.array([[values[at]["map@r"].mean() for at in range(len(sets))] for values, _ in tried])
    assert len(set(means.argmax(axis=0))) > 1  # no way is the best of all
    np.testing.assert_array_equal([one["map@r"].mean() for one in best[:-1]], means.max(axis=0))
