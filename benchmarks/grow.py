"""Adding a collection later: each of six sets left out of the closed form, and then added to it.

    python benchmarks/grow.py    both protocols, one halving of the classes, dino

Nothing is encoded where `benchmarks/quality.py` has run before. Labels are used for scoring only.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from common import save
from spaces import METRICS, Run, Sides, Values, loaded, pair, percent, scored, sides, through, tuned

from samekind import load_encoder
from samekind.adapt.closed_form import fit_mix
from samekind.adapt.grow import Plan
from samekind.adapt.router import landmarks
from samekind.encoders.adapted import AdaptedEncoder
from samekind.encoders.rows import Array, map_parts
from samekind.evaluation import protocols


def without(run: Run, left: int) -> AdaptedEncoder:
    """The closed form of all other sets."""
    others = [one for at, one in enumerate(run.seen) if at != left]
    parts = run.encoder.parts
    mix = fit_mix(others, parts, 0)
    known = landmarks(map_parts(parts, mix, np.concatenate([one.vectors for one in others])), 0)
    return AdaptedEncoder("old", run.encoder, mix, "", landmarks=known)


def share(rows: np.ndarray[Any, Any]) -> float:
    """In percent."""
    return round(100 * float(np.mean(rows)), 2)


def in_joint(run: Run, values: Values, left: int, its: bool) -> list[float]:
    """The means of METRICS in the joint gallery over queries of one set, or of all others."""
    of = np.repeat(np.arange(len(run.tasks)), [len(task.queries) for task in run.tasks])
    return [100 * float(values[name][(of == left) == its].mean()) for name in METRICS]


def added(run: Run, left: int) -> dict[str, Any]:
    """One set left out and added: a row of the table."""
    old = without(run, left)
    before = [old.adapt(one.look) for one in run.vectors]
    seen = [through(old.adapt, one) for one in run.seen]
    kept = [one for at, one in enumerate(seen) if at != left]
    row: dict[str, Any] = {"set": run.sets[left].name}
    alone = tuned([run.seen[left]], run.encoder.parts)
    plain = run.vectors[left].look
    made: dict[str, list[Array]] = {"the others'": before}
    for name, keep in (("grown", []), ("grown, --keep", kept)):
        started = time.perf_counter()
        plan = Plan([seen[left]], keep, old, 0)
        verdict, _ = plan.judged()
        branch = plan.branch(plan.new)
        accepted = verdict.accepted and (not keep or plan.judged_kept(branch).accepted)
        took = time.perf_counter() - started
        made[name] = [branch.apply(old.parts, look) for look in before]
        stored = [one.vectors for one in kept]
        row |= {
            f"{name}: accepted": accepted,
            f"{name}: seconds": round(took, 1),
            f"{name}: its pictures taken for new, %": share(branch.is_new(before[left])),
            f"{name}: other sets' taken for new, %": share(
                np.concatenate([branch.is_new(look) for at, look in enumerate(before) if at != left])
            ),
            f"{name}: of those stored": sum(int(branch.is_new(look).sum()) for look in stored),
            f"{name}: same bits, of the rest": all(
                np.array_equal(new[~branch.is_new(look)], look[~branch.is_new(look)])
                for new, look in zip(made[name], before, strict=True)
            ),
        }
    ways: dict[str, list[Sides]] = {name: [(look, look) for look in looks] for name, looks in made.items()}
    swapped = [*made["grown"]]
    swapped[left] = plain
    ways["plain"] = [(look, look) for look in swapped]
    found = {name: run.values(way) for name, way in ways.items()}
    row["plain"] = pair(percent(found["plain"])[left])
    row["the others'"] = pair(percent(found["the others'"])[left])
    for name in ("grown", "grown, --keep"):
        row[name] = pair(percent(found[name])[left])
    row["tuned by itself"] = pair(percent([scored(run.sets[left], run.tasks[left], sides(alone, plain))])[0])
    for name in ("the others'", "grown", "grown, --keep"):
        rest = np.mean([one for at, one in enumerate(percent(found[name])[:-1]) if at != left], axis=0)
        row[f"other sets, {name}"] = pair(rest.tolist())
        row[f"joint gallery, its queries, {name}"] = pair(in_joint(run, found[name][-1], left, True))
        row[f"joint gallery, other queries, {name}"] = pair(in_joint(run, found[name][-1], left, False))
    return row


def mean_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over sets; of what is true or false, how often it is true."""

    def mean(values: list[Any]) -> Any:
        if isinstance(values[0], bool):
            return f"{sum(values)} of {len(values)}"
        if isinstance(values[0], str):
            return pair(np.mean([[float(one) for one in value.split(" / ")] for value in values], axis=0).tolist())
        return round(float(np.mean(values)), 2)

    return {"set": "all"} | {key: mean([row[key] for row in rows]) for key in rows[0] if key != "set"}


def main() -> None:
    """Each set left out in turn, under both protocols."""
    encoder = load_encoder("dino")
    sets, vectors = loaded(encoder)
    rows = []
    for protocol in ("own", "new"):
        run = Run(sets, vectors, [protocols.task_of(one, protocol, 0) for one in sets], encoder)
        each = []
        for left in range(len(sets)):
            each.append(added(run, left))
            print(protocol, each[-1], flush=True)
        rows += [{"protocol": protocol, **row} for row in [mean_of(each), *each]]
    notes = [
        "Recall@1 / MAP@R in percent of the set that is added, in its own gallery; `all` is the mean over sets.",
        "`the others'`: the closed form of the five other sets; `tuned by itself` has its hubs corrected.",
        "`own`: everything is fitted on; `new`: half of the classes are, the others are scored (one halving).",
    ]
    save("grow", "A collection added later (dino, samekind adapt --grow)", rows, notes, seed=0)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
