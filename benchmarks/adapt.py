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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import CONFIRMING_SETS, TUNING_SETS, machine, save, versions
from numpy.typing import NDArray
from spaces import (
    METRICS,
    Run,
    Sides,
    Values,
    best_of_each,
    loaded,
    pair,
    percent,
    points,
    scored,
    sides,
    tuned,
    with_hubs,
)

from samekind import Encoder, load_encoder
from samekind.adapt import witness
from samekind.adapt.closed_form import fit_mix, tuned_alone
from samekind.adapt.fusion import Mean
from samekind.adapt.gate import less_alike
from samekind.adapt.gather import Gathered
from samekind.adapt.grappa import DEFAULT, Trained, Variant, grappa, mix_of, spare
from samekind.adapt.networks import Trainable, cuts_of, networks_of
from samekind.adapt.train import embed
from samekind.adapt.trial import VIEWED_AT_MOST
from samekind.encoders.base import Part
from samekind.encoders.rows import Array, join_parts, map_parts, map_views, split_parts
from samekind.evaluation import protocols
from samekind.evaluation.compare import differences
from samekind.events import Job, Progress
from samekind.settings import resolve
from samekind.tuning.experts import rounded

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
UNSEEN = (("omniglot", "ikea"), ("grocery", "clothing"))
UNSEEN_COLUMNS = ("never seen", "setting", *sorted({name for left in UNSEEN for name in left}), "against plain")
UNSEEN_COLUMNS += ("against each tuned by itself",)
NOTES = [
    "Recall@1 / MAP@R in percent; `all` is the mean over sets, `joint` the joint gallery.",
    "Each tuned by itself knows which set a query is from; what was trained does not, until it is tuned on top.",
]


@dataclass(frozen=True)
class Bench:
    """The sets, their vectors by the encoder, and what its lower blocks give."""

    encoder: Encoder
    sets: Any
    vectors: Any
    networks: list[Trainable]
    witnesses: list[Array] | list[None]

    @staticmethod
    def of(name: str) -> Bench:
        """Everything that all runs share."""
        encoder = load_encoder(name)
        sets, vectors = loaded(encoder)
        asked = witness.witness_of(encoder)
        seen = [found.look for found in loaded(load_encoder(asked))[1]] if asked else [None] * len(sets)
        files = [tuple(one.folder / path for path in one.paths) for one in sets]
        every = [
            Gathered(one.name, found.look, found.views, found.view_rows, paths)
            for one, found, paths in zip(sets, vectors, files, strict=True)
        ]
        cuts = finished(cuts_of(encoder, resolve()))
        return Bench(encoder, sets, vectors, finished(networks_of(every, cuts, resolve())), seen)

    def run(self, protocol: str, split: int) -> Run:
        """The sets in one protocol and halving."""
        return Run(
            self.sets, self.vectors, [protocols.task_of(one, protocol, split) for one in self.sets], self.encoder
        )

    def trained(
        self, run: Run, seed: int, variant: Variant, left: Sequence[str] = ()
    ) -> Iterator[tuple[str, list[Sides]]]:
        """Each way to search with what was trained, then with collections spared where the witness saw harm.

        Sets that are ``left`` out are not fitted to; each is tuned on top all the same, by its own pictures.
        """
        rng = np.random.default_rng(seed)
        starts = np.cumsum([0, *(len(one) for one in self.sets)])
        taken = [one.name not in left for one in self.sets]
        fits = [task.fit for task in run.tasks]
        rows = np.concatenate([start + fit for start, fit, into in zip(starts, fits, taken, strict=False) if into])
        viewed = np.sort(rng.permutation(rows)[: VIEWED_AT_MOST * sum(taken)])
        unfitted = np.setdiff1d(np.arange(starts[-1]), rows) if left else np.zeros(0, np.intp)
        others = np.sort(rng.permutation(unfitted)[: VIEWED_AT_MOST * len(left)])
        seen = [one for one, into in zip(run.seen, taken, strict=True) if into]
        plain = split_parts(self.encoder.parts, np.concatenate([one.look for one in self.vectors]))
        learned = [
            finished(grappa(one.upper, one.tokens, vectors, mix, rows, viewed, seed, variant))
            for one, vectors, mix in zip(self.networks, plain, fit_mix(seen, self.encoder.parts, seed), strict=True)
        ]
        look, views = self.mapped(learned, rows, viewed, others, seed)
        parts = self.parts_of(learned)
        every = np.concatenate([viewed, others])
        yield from self.searched(run, parts, look, views, every, starts, "")
        harmed = []
        for one, start, fit, asked, into in zip(run.seen, starts, fits, self.witnesses, taken, strict=False):
            if not into or asked is None:
                harmed.append(False)
                continue
            knows = witness.tuned(asked[fit], load_encoder(witness.WITNESS))
            alone = tuned_alone(one, self.encoder.parts)(one.vectors)
            harmed.append(less_alike(alone, look[start + fit], knows))
        print("   spared:", [one.name for one, bad in zip(run.seen, harmed, strict=True) if bad], flush=True)
        if any(harmed) and sum(harmed) < len(seen) and variant.fusion == "mean":
            spared = np.repeat(harmed, np.diff(starts))
            learned = [
                finished(spare(found, one.upper, one.tokens, rows, viewed, spared))
                for found, one in zip(learned, self.networks, strict=True)
            ]
            look, views = self.mapped(learned, rows, viewed, others, seed)
        if variant.fusion == "mean" and self.witnesses[0] is not None:
            yield from self.searched(run, parts, look, views, every, starts, ", harm spared")

    def parts_of(self, learned: list[Trained]) -> list[Part]:
        """The slices of the adapted encoder's vectors, which sets that stay apart make wider."""
        widths = [one.look.shape[1] for one in learned]
        stops = np.cumsum(widths).tolist()
        every = zip(self.encoder.parts, widths, stops, strict=True)
        return [replace(part, start=stop - width, stop=stop) for part, width, stop in every]

    def mapped(
        self,
        learned: list[Trained],
        rows: NDArray[np.intp],
        viewed: NDArray[np.intp],
        others: NDArray[np.intp],
        seed: int,
    ) -> tuple[Array, Array]:
        """All pictures (n, d) by the adapted encoder, networks and mixes, and views (m, v, d) of viewed and others.

        Only the former have a part in the mixes.
        """
        mixes = [rounded(mix_of(one.look, one.views, rows, viewed, seed)) for one in learned]
        parts = self.parts_of(learned)
        through = partial(map_parts, parts, mixes)
        every = [
            np.concatenate([one.views, self.views_of(one, network, others)]) if len(others) else one.views
            for one, network in zip(learned, self.networks, strict=True)
        ]
        views = join_parts(parts, every)
        look = through(join_parts(parts, [one.look for one in learned]))
        return look, map_views(through, views)

    @staticmethod
    def views_of(learned: Trained, network: Trainable, rows: NDArray[np.intp]) -> Array:
        """(m, v, d) other views of pictures that were not trained on."""
        fusion, views = learned.fusion or Mean(), range(1, network.tokens.array.shape[1])
        seen = [embed(learned.sets, fusion, network.upper, network.tokens, rows, view) for view in views]
        return np.stack(seen, axis=1)

    def searched(
        self,
        run: Run,
        parts: list[Part],
        look: Array,
        views: Array,
        viewed: NDArray[np.intp],
        starts: NDArray[np.intp],
        also: str,
    ) -> Iterator[tuple[str, list[Sides]]]:
        """As it is, hubs corrected, and each set tuned on top."""
        looks = np.split(look, starts[1:-1])
        fits = [start + task.fit for start, task in zip(starts, run.tasks, strict=False)]
        seen = []
        for one, fit in zip(run.seen, fits, strict=True):
            inside = np.isin(viewed, fit)
            seen.append(
                replace(one, vectors=look[fit], views=views[inside], view_rows=np.searchsorted(fit, viewed[inside]))
            )
        yield f"trained{also}", [(one, one) for one in looks]
        yield f"trained{also}, hubs corrected", with_hubs(looks, seen)
        on_top = [tuned([one], parts) for one in seen]
        yield f"trained{also}, each tuned on top", [sides(one, each) for one, each in zip(on_top, looks, strict=True)]

    def tuned(self, run: Run) -> list[Sides]:
        """Each set tuned by itself: the oracle, which knows where a picture is from."""
        return [
            sides(tuned([one], self.encoder.parts), found.look)
            for one, found in zip(run.seen, self.vectors, strict=True)
        ]


def finished(job: Any) -> Any:
    """The result of a long job, its progress told now and then."""
    told, long = 0.0, Job(job)
    for event in long:
        if isinstance(event, Progress) and time.time() - told > 30:
            told = time.time()
            print(f"   {event}", flush=True)
    return long.result()


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
