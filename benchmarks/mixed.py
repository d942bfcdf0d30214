"""One map or a mix of maps: what labels say of both, and which of them a tuning takes without labels.

    python benchmarks/mixed.py    each set alone, all pairs, and all six as one collection; dino

Nothing is encoded where `benchmarks/quality.py` has run before. At most 250 pictures of a collection have second views,
as after a sync. Labels are used for scoring only.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from common import TUNING_SETS, save
from spaces import METRICS, Run, Sides, Values, loaded, union_of

from samekind import load_encoder
from samekind.adapt.gather import Gathered
from samekind.evaluation import protocols
from samekind.evaluation.labels import LabelledSet
from samekind.evaluation.vectors import SetVectors
from samekind.tuning import fit
from samekind.tuning.fitting import REFERENCES
from samekind.tuning.mixed import FEWEST, fit_mixed_space
from samekind.tuning.space import fit_space

RUNS = {"own": (0,), "new": (0, 1, 2)}
VIEWED = 250
EVEN = 1e-9


def seen_together(run: Run) -> Gathered:
    """What one collection of all the sets shows to a fit."""
    one = union_of(run.seen)
    most = min(VIEWED, len(one) // 3, len(one.view_rows))
    kept = np.sort(np.random.default_rng(0).choice(len(one.view_rows), most, replace=False))
    return replace(one, views=one.views[kept], view_rows=one.view_rows[kept])


def one_collection(run: Run) -> tuple[dict[str, Values], dict[str, float]]:
    """Values of every query among all pictures of the sets, by way of tuning; and what was known without labels."""
    seen, parts = seen_together(run), run.encoder.parts
    references = np.arange(len(seen))
    if len(seen) > REFERENCES:
        references = np.sort(np.random.default_rng(0).choice(references, REFERENCES, replace=False))
    fitted = [
        make(seen.vectors, parts, seen.views, seen.view_rows, references, np.random.default_rng(0))
        for make in (fit_space, fit_mixed_space)
    ]
    tuning = fit(seen.vectors, parts, seen.views, seen.view_rows)
    looks = [each.look for each in run.vectors]
    ways: dict[str, list[Sides]] = {
        "plain": [(look, look) for look in looks],
        "one map": [(fitted[0].asked(look), fitted[0].stored(look)) for look in looks],
        "mix": [(fitted[1].asked(look), fitted[1].stored(look)) for look in looks],
        "tuned": [(tuning.asked(look), tuning.stored(look)) for look in looks],
    }
    known = {"pictures": float(len(seen)), "groups": float(tuning.groups), **tuning.evidence}
    return {name: run.values(made)[-1] for name, made in ways.items()}, known


def row_of(
    sets: Sequence[LabelledSet], vectors: Sequence[SetVectors], encoder: object, protocol: str
) -> dict[str, object]:
    """One collection under one protocol: means over the splits."""
    found: list[tuple[dict[str, Values], dict[str, float]]] = []
    for split in RUNS[protocol]:
        tasks = [protocols.task_of(one, protocol, split) for one in sets]
        found.append(one_collection(Run(sets, vectors, tasks, encoder)))  # type: ignore[arg-type]
    values = [each for each, _ in found]
    known = {name: np.mean([one.get(name, np.nan) for _, one in found]) for name in ("alike", "one", "mix", "error")}
    more = np.concatenate([each["mix"]["map@r"] - each["one map"]["map@r"] for each in values])
    cells = {
        way: " / ".join(f"{100 * np.mean([each[way][name].mean() for each in values]):.1f}" for name in METRICS)
        for way in values[0]
    }
    return {
        "collection": "+".join(one.name for one in sets),
        "protocol": protocol,
        "pictures": ", ".join(f"{one['pictures']:.0f}" for _, one in found),
        **cells,
        "mix less one map, MAP@R": f"{100 * more.mean():+.2f} +- {100 * more.std() / len(more) ** 0.5:.2f}",
        "alike": _cell(known["alike"], 1),
        "check: plain": f"{100 * np.mean([one['plain'] for _, one in found]):.1f}",
        "check: one map": _cell(known["one"]),
        "check: mix": _cell(known["mix"]),
        "taken": ", ".join(str(int(one["groups"])) for _, one in found),
    }


def _cell(value: float, times: float = 100) -> str:
    return "" if np.isnan(value) else f"{times * value:.{1 if times == 100 else 2}f}"


def agreement(rows: Sequence[dict[str, object]], names: Sequence[str]) -> str:
    """How often the choice is what labels prefer, of collections of these sets alone where a mix can be made."""
    right = wrong = even = 0
    for row in rows:
        sizes = [int(one) for one in str(row["pictures"]).split(", ")]
        if not set(str(row["collection"]).split("+")) <= set(names) or min(sizes) < FEWEST:
            continue
        more, error = map(float, str(row["mix less one map, MAP@R"]).split(" +- "))
        mixes = [int(one) > 1 for one in str(row["taken"]).split(", ")]
        if abs(more) <= error + EVEN:
            even += 1
        elif all(one == (more > 0) for one in mixes):
            right += 1
        else:
            wrong += 1
    return f"as labels prefer {right}, otherwise {wrong}, labels undecided (within a standard error) {even}"


def main() -> None:
    """Every collection under both protocols."""
    encoder = load_encoder("dino")
    sets, vectors = loaded(encoder)
    rows = []
    for many in (len(sets), 1, 2):
        for chosen in combinations(range(len(sets)), many):
            for protocol in RUNS:
                some = [sets[at] for at in chosen]
                rows.append(row_of(some, [vectors[at] for at in chosen], encoder, protocol))
                print(rows[-1], flush=True)
    notes = [
        "Recall@1 / MAP@R in percent, every query among all pictures of the collection; `new`: mean of three halvings.",
        "`taken`: for how many groups the tuning has a map (1: one map), in each halving; below 600 pictures one.",
        "`check`: the share of neighbours that held-out pictures and their views have in common, in percent.",
        f"The choice, {', '.join(TUNING_SETS)} and their pairs: {agreement(rows, TUNING_SETS)}.",
        f"The choice, all collections: {agreement(rows, [one.name for one in sets])}.",
    ]
    save("mixed", "One map or a mix of maps for a collection (dino)", rows, notes, seed=0)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
