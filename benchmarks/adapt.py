"""Figure 8, trained: one encoder for six sets, against each set tuned by itself.

    python benchmarks/adapt.py [--encoder dino]             both protocols, three halvings of the classes, one seed
    python benchmarks/adapt.py --seeds 1 2 --runs own new.0 other seeds, and fewer runs
    python benchmarks/adapt.py --variants --runs new.0      the method's choices one by one; and for each set its best
                                                            single granularity, by labels
    python benchmarks/adapt.py --unseen                     two sets left out of everything, then searched; twice

A machine of many processors, or with a GPU, can do the runs side by side: ``--part FILE`` keeps in a file what came of
some of them, and ``--joined FILE...``, with the same other words, makes the tables of such files.

Clusters, neighbours, training, sparing and the mix of experts see the pictures that the protocol fits on, without
labels; nothing is held out for a gate, whose figures `benchmarks/gate.py` gives. Tokens are computed once and kept in
the cache folder between runs.
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import CONFIRMING_SETS, TUNING_SETS, machine, save, versions
from spaces import METRICS, Run, Sides, Values, best_of_each, pair, percent, points, scored
from trained import Bench

from samekind.adapt.grappa import DEFAULT, Variant
from samekind.evaluation.compare import differences

BEST_ALONE = "the best single granularity of each set, by its labels"
RUNS = ("own", "new.0", "new.1", "new.2")
CONTRAST = "clusters and contrast"
contrasting = partial(Variant, pair_loss="contrast")
VARIANTS = {
    "as it is": DEFAULT,
    CONTRAST: contrasting(),
    "one round": contrasting(epochs=(5,)),
    "three rounds": contrasting(epochs=(3, 5, 5)),
    "twice as long": contrasting(epochs=(6, 10)),
    "every set sees every picture, one round": contrasting(epochs=(5,), routed=False),
    "128 alone": contrasting(sizes=(128,)),
    "32 alone": contrasting(sizes=(32,)),
    "8 alone": contrasting(sizes=(8,)),
    "4 alone": contrasting(sizes=(4,)),
    "attention, asked by the picture": contrasting(fusion="attention"),
    "attention, asked by each token": contrasting(fusion="attention", query="token"),
    "attention, consistent between neighbours": contrasting(fusion="attention", consistency=1.0),
    "sets merged into one": contrasting(fusion="merged"),
    "sets merged into one along the sphere": contrasting(fusion="slerp"),
    "sets apart, vectors side by side": contrasting(fusion="apart"),
    "redundancy reduction": Variant(pair_loss="redundancy"),
    "two views as pairs": contrasting(pairs="views"),
}
"""Single choices are made within clusters and contrast, which is what stood when they were measured."""

ALONE = {label for label, variant in VARIANTS.items() if len(variant.sizes) == 1}
UNSEEN = (("omniglot",), ("omniglot", "ikea"), ("grocery", "clothing"))
UNSEEN_COLUMNS = ("never seen", "setting", *sorted({name for left in UNSEEN for name in left}), "against plain")
UNSEEN_COLUMNS += ("against each tuned by itself",)
NOTES = [
    "Recall@1 / MAP@R in percent; `all` is the mean over sets, `joint` the joint gallery.",
    "Each tuned by itself knows which set a query is from; what was trained does not, until it is tuned on top.",
]


def against_words(ours: Sequence[Values], theirs: Sequence[Values]) -> str:
    """The mean difference in each metric, with its interval (queries drawn anew)."""
    found = differences(ours, theirs)
    return "; ".join(points(found[name]) for name in METRICS)


def row_of(
    protocol: str, setting: str, names: list[str], runs: Sequence[list[Values]], oracle: Sequence[list[Values]]
) -> Any:
    """Means over runs, and the difference from the oracle with its interval (queries of all runs drawn anew)."""
    means = np.mean([percent(values) for values in runs], axis=0)
    row = {"protocol": protocol, "setting": setting, "all": pair(means[:-1].mean(axis=0)), "joint": pair(means[-1])}
    ours, theirs = ([one for values in each for one in values[:-1]] for each in (runs, oracle))
    row["against each tuned"] = against_words(ours, theirs)
    return row | dict(zip(names, map(pair, means[:-1]), strict=True))


def coarse_of(run: Run, made: list[Sides]) -> dict[str, float]:
    """MAP@R in percent by parent classes, of the sets that have some."""
    every = zip(run.sets, run.tasks, made, strict=True)
    return {
        one.name: 100 * float(scored(one, task, both, coarse=True)["map@r"].mean())
        for one, task, both in every
        if any(one.coarse)
    }


class Tables:
    """What came of each setting under each protocol, a list of runs each; ``part`` is a file that it is kept in."""

    def __init__(self, names: list[str], part: Path | None = None) -> None:
        self.names, self.part = names, part
        self.machines: set[str] = set()
        self.runs: dict[tuple[str, str], list[tuple[list[Values], list[Values], dict[str, float]]]] = {}

    def add(self, protocol: str, setting: str, run: Run, made: list[Sides], known: list[Values]) -> list[Values]:
        """Measures one run; ``known`` is what each set tuned by itself found in it."""
        values = run.values(made)
        self.runs.setdefault((protocol, setting), []).append((values, known, coarse_of(run, made)))
        print(protocol, setting, np.mean(percent(values)[:-1], axis=0).round(1), flush=True)
        if self.part:
            here = f"{machine()}, torch {versions().get('torch')}"
            self.part.write_bytes(pickle.dumps((self.machines | {here}, self.runs)))
        return values

    def join(self, part: Path) -> None:
        """Adds the runs of another. Those that each part has for itself (what is not trained) count once."""
        machines, runs = pickle.loads(part.read_bytes())
        self.machines |= machines
        for key, others in runs.items():
            ours = self.runs.setdefault(key, [])
            ours += [one for one in others if not any(same(one[0], other[0]) for other in ours)]

    def rows(self) -> Iterator[dict[str, str]]:
        """One row a setting, in the order of protocols and settings."""
        for protocol in ("own", "new"):
            for (of, setting), runs in self.runs.items():
                if of != protocol:
                    continue
                values, known, coarse = zip(*runs, strict=True)
                row = row_of(protocol, setting, self.names, values, known) | {"runs": str(len(runs))}
                yield row | {
                    f"{one}, parent classes": f"{np.mean([each[one] for each in coarse]):.1f}" for one in coarse[0]
                }


def same(ours: list[Values], theirs: list[Values]) -> bool:
    """Whether two runs found the same for every query."""
    return all(
        np.array_equal(one[name], other[name]) for one, other in zip(ours, theirs, strict=True) for name in METRICS
    )


def try_variants(
    bench: Bench, protocol: str, run: Run, tables: Tables, known: list[Values], seed: int, named: Sequence[str]
) -> None:
    """The method's choices one by one, and last the best single granularity of each set, in each way to search."""
    alone: dict[str, list[tuple[list[Values], list[Sides]]]] = {}
    for label in named:
        variant = VARIANTS[label]
        started = time.time()
        for setting, made in bench.trained(run, seed, variant):
            values = tables.add(protocol, f"{label}: {setting}", run, made, known)
            if len(variant.sizes) == 1:
                alone.setdefault(setting, []).append((values, made))
        print(f"   {time.time() - started:.0f} s", flush=True)
    for setting, tried in alone.items() if set(named) >= ALONE else ():
        tables.add(protocol, f"{BEST_ALONE}: {setting}", run, best_of_each(tried), known)


def try_unseen(bench: Bench) -> list[dict[str, str]]:
    """Two sets left out of clusters, training and mix, then searched with what came of the others, own protocol."""
    rows = []
    for left in UNSEEN:
        run = bench.run("own", 0)
        at = [number for number, one in enumerate(run.sets) if one.name in left]
        names = [run.sets[number].name for number in at]
        print("left out:", names, flush=True)
        ways = {
            "plain": [(one.look, one.look) for one in bench.vectors],
            "each tuned by itself": bench.tuned(run),
            **dict(bench.trained(run, 0, DEFAULT, left)),
        }
        found = {
            setting: [scored(run.sets[number], run.tasks[number], made[number]) for number in at]
            for setting, made in ways.items()
        }
        for setting, values in found.items():
            row = {"never seen": " and ".join(names), "setting": setting}
            row |= {one: pair(value) for one, value in zip(names, percent(values), strict=True)}
            for against in ("plain", "each tuned by itself"):
                row[f"against {against}"] = against_words(values, found[against])
            rows.append({key: row.get(key, "") for key in UNSEEN_COLUMNS})
    return rows


def main(name: str, asked: argparse.Namespace) -> None:
    """Every setting, in every run."""
    suffix = "" if name == "dino" else f"_{name}"
    if asked.unseen:
        found = try_unseen(Bench.of(name))
        save(f"adapt_unseen{suffix}", f"Sets that one trained encoder never saw ({name})", found, NOTES[:1])
        return
    tables = Tables([*TUNING_SETS, *CONFIRMING_SETS], asked.part)
    for part in asked.joined:
        tables.join(part)
    if not asked.joined:
        try_all(Bench.of(name), tables, asked)
    if not asked.part:
        written(name, tables, asked, suffix)


def try_all(bench: Bench, tables: Tables, asked: argparse.Namespace) -> None:
    """What is trained, beside the plain encoder and each set tuned by itself."""
    for one in asked.runs:
        protocol, _, split = one.partition(".")
        run = bench.run(protocol, int(split or 0))
        made = bench.tuned(run)
        known = run.values(made)
        tables.add(protocol, "plain", run, [(one.look, one.look) for one in bench.vectors], known)
        tables.add(protocol, "each tuned by itself", run, made, known)
        for seed in asked.seeds:
            started = time.time()
            if asked.variants:
                try_variants(bench, protocol, run, tables, known, seed, asked.named)
            else:
                for setting, made in bench.trained(run, seed, DEFAULT):
                    tables.add(protocol, setting, run, made, known)
            print(f"   {time.time() - started:.0f} s", flush=True)


def written(name: str, tables: Tables, asked: argparse.Namespace, suffix: str) -> None:
    """The JSON file."""
    notes = [
        *NOTES[:1],
        f"Runs: {', '.join(asked.runs)} (`new`: halvings of the classes), each with seed(s) "
        f"{', '.join(map(str, asked.seeds))}. In brackets 95 % intervals.",
        *NOTES[1:],
    ]
    if asked.joined:
        notes.append(f"Runs were done on {'; '.join(sorted(tables.machines))}; here they were joined.")
    kind, title = "trained" + suffix, f"One trained encoder for six collections ({name})"
    if asked.variants:
        notes.append(f"An oracle: {BEST_ALONE}, those of MAP@R; it knows which set a picture is from.")
        kind, title = "variants" + suffix, f"The method's choices, trained for six collections ({name})"
    if asked.named != list(VARIANTS):
        title = f"{title}: {', '.join(asked.named)}"
    save(asked.save or f"adapt_{kind}", title, list(tables.rows()), notes, seed=asked.seeds[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="dino")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--variants", action="store_true", help="every choice of the method instead of the usual ones")
    parser.add_argument("--named", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), help="some variants only")
    parser.add_argument("--unseen", action="store_true")
    parser.add_argument("--save", metavar="NAME", help="another name for the file of results")
    parser.add_argument("--part", type=Path, help="keep the runs in this file, to be joined")
    parser.add_argument("--joined", type=Path, nargs="+", default=[], help="such files, instead of running anything")
    asked = parser.parse_args()
    main(asked.encoder, asked)
