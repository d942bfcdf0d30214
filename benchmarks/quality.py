"""Figure 1: search on real labelled pictures, plain and tuned, for each encoder; and what each step of tuning adds.

    python benchmarks/quality.py            all encoders, both protocols, three halvings of the classes
    python benchmarks/quality.py --ablate   each step of tuning taken out, with dino

Settings were chosen on the tuning sets; the confirming sets stood beside, not chosen by. Vectors are kept in the
cache folder, so a second run encodes nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
from common import CONFIRMING_SETS, SHARED, TUNING_SETS, save

from samekind import Encoder, evaluate, load_encoder
from samekind.encoders.rows import join_parts
from samekind.evaluation.labels import LabelledSet
from samekind.evaluation.results import Evaluation
from samekind.evaluation.vectors import SetVectors, vectors_of
from samekind.events import Event
from samekind.settings import Settings

ENCODERS = ("lite", "tiny", "dino", "best")
RUNS = {"own": (0,), "new": (0, 1, 2)}
METRICS = ("recall@1", "map@r")
STEPS: dict[str, Mapping[str, float]] = {
    "whole": {},
    "without hub correction": {"space.HUB_WEIGHT": 0.0},
    "one round": {"nuisance.ROUNDS": 1},
    "views only": {"nuisance.NEIGHBOUR_SHARE": 0.0},
    "neighbours only": {"nuisance.NEIGHBOUR_SHARE": 1.0},
    "one neighbour": {"nuisance.NEIGHBOURS": 1},
    "mean removed only": {"fitting.SHRINKAGE": 1e6, "space.HUB_WEIGHT": 0.0},
    "without the check": {"check.TOLERANCE": 1.0},
    "same shrinkage for few pictures": {"nuisance.FEW": 0.0},
}


def measured(encoder: str, protocol: str, split: int) -> Evaluation:
    """Tuned, with plain beside it."""
    files = [SHARED / name / "labels.csv" for name in (*TUNING_SETS, *CONFIRMING_SETS)]
    with patch("samekind.evaluation.evaluate.vectors_of", side_by_side if encoder == "best" else vectors_of):
        return evaluate(files, encoder, protocol, split=split, against="no-tune").result()


def side_by_side(labelled: LabelledSet, best: Encoder, settings: Settings) -> Generator[Event, None, SetVectors]:
    """What `best` would give, from the vectors of its two networks, which are encoded already."""
    found = []
    for part in best.parts:
        found.append((yield from vectors_of(labelled, load_encoder(part.name), settings)))
    first, second = found
    if not (np.array_equal(first.rows, second.rows) and np.array_equal(first.view_rows, second.view_rows)):
        raise SystemExit(f"{labelled.name}: the two networks saw different pictures; remove the evaluate cache.")
    look = join_parts(best.parts, [first.look, second.look])
    return SetVectors(first.rows, look, join_parts(best.parts, [first.views, second.views]), first.view_rows)


def percent(found: list[Evaluation], names: tuple[str, ...], metric: str) -> float:
    """Mean over runs and sets, in percent."""
    return 100 * float(np.mean([one.values[metric].mean() for each in found for one in each.sets if one.name in names]))


def row(found: list[Evaluation], **about: Any) -> dict[str, Any]:
    """Means over all sets, the tuning and the confirming ones, and the joint gallery."""
    groups = {"all": (*TUNING_SETS, *CONFIRMING_SETS), "tuning sets": TUNING_SETS, "confirming sets": CONFIRMING_SETS}
    cells = {
        name: " / ".join(f"{percent(found, sets, metric):.1f}" for metric in METRICS) for name, sets in groups.items()
    }
    joint = [
        100 * float(np.mean([one.joint.values[metric].mean() for one in found if one.joint])) for metric in METRICS
    ]
    return {**about, **cells, "joint gallery": " / ".join(f"{value:.1f}" for value in joint)}


def losses(found: list[Evaluation], about: str) -> Iterator[str]:
    """Sets on which the tuned collection is worse than the plain one by more than the interval."""
    for each in found:
        for name, difference in each.differences.items():
            for metric in METRICS:
                if difference[metric].high < 0:
                    one = difference[metric]
                    yield (
                        f"Loss: {about}, split {each.details['split']}, {name}, {metric}: {100 * one.mean:+.1f} "
                        f"({100 * one.low:+.1f} to {100 * one.high:+.1f})."
                    )


@contextmanager
def changed(step: Mapping[str, float]) -> Iterator[None]:
    """Tuning with some of its constants changed."""
    with ExitStack() as stack:
        for name, value in step.items():
            stack.enter_context(patch(f"samekind.tuning.{name}", value))
        yield


def all_encoders(encoders: list[str]) -> None:
    """Plain and tuned, each encoder, each protocol."""
    rows, notes = (
        [],
        ["Recall@1 / MAP@R in percent, mean over sets; `new` is the mean of three halvings of the classes."],
    )
    by_set = []
    for encoder in encoders:
        for protocol, splits in RUNS.items():
            tuned = [measured(encoder, protocol, split) for split in splits]
            plain = [one.against for one in tuned if one.against]
            for setting, found in (("plain", plain), ("tuned", tuned)):
                rows.append(row(found, encoder=encoder, protocol=protocol, setting=setting))
                by_set.append(
                    {"encoder": encoder, "protocol": protocol, "setting": setting}
                    | {
                        name: " / ".join(f"{percent(found, (name,), metric):.1f}" for metric in METRICS)
                        for name in (*TUNING_SETS, *CONFIRMING_SETS)
                    }
                )
            notes += losses(tuned, f"{encoder}, {protocol}")
            refused = {
                f"{one.name} (split {each.details['split']})"
                for each in tuned
                for one in each.sets
                if "fewer" in str(one.tuning)
            }
            notes += (
                [f"Left plain by the check: {encoder}, {protocol}: {', '.join(sorted(refused))}."] if refused else []
            )
    if not any(note.startswith("Loss") for note in notes):
        notes.append("No set is worse tuned than plain by more than its 95 % interval.")
    save("quality", "Quality, plain and tuned", rows, notes, seed=0)
    save("quality_by_set", "Quality, set by set", by_set, seed=0)


def ablation() -> None:
    """Each step of tuning taken out."""
    rows = []
    for name, step in STEPS.items():
        with changed(step):
            for protocol, splits in RUNS.items():
                found = [measured("dino", protocol, split) for split in splits]
                rows.append(row(found, tuning=name, protocol=protocol))
    save("quality_ablation", "Tuning, step by step (dino)", rows, seed=0)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--ablate", action="store_true")
    options.add_argument("--encoders", nargs="*", default=list(ENCODERS))
    chosen = options.parse_args()
    ablation() if chosen.ablate else all_encoders(chosen.encoders)
