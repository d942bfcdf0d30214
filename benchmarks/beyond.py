"""Figure 8, beyond: what training might do more than it does, each thing beside training as it is, with the same seeds.

    python benchmarks/beyond.py --pictures 150                  every choice; 150 pictures of each set to learn from
    python benchmarks/beyond.py --named "soft labels" ...       some of them
    python benchmarks/beyond.py --teacher dino --encoder tiny   tiny taught by an adapted dino, trained by itself, tuned

New kinds, one halving; of what is fitted on so many pictures of each set, by chance, all others searched. With ``--part
FILE`` what came of each training is kept there, and a run that was killed goes on from it.

Beside training as it is stands what comes of sparing: decided by sets, and by groups that k-means finds in the plain
space, as if the six sets were one folder.
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from adapt import against_words
from common import save
from lessons import Averaged, Consistent, EarlyLearning, FinerTopics, Nested, Shallow, Tempered, Topics
from numpy.typing import NDArray
from spaces import Run, Sides, Values, pair, percent, union_of
from trained import Bench, Drawn

from samekind import load_encoder
from samekind.adapt import witness
from samekind.adapt.closed_form import tuned_alone
from samekind.adapt.gate import less_alike
from samekind.adapt.grappa import DEFAULT, Trained, Variant
from samekind.encoders.rows import Array, unit_rows
from samekind.tuning.kmeans import spherical_kmeans

AS_IT_IS, HALF, SHALLOW = "as it is", "half of the pictures", "three points"
NESTED, SPARED = "nested prefixes", "harm spared, seen"
LESSONS = {
    AS_IT_IS: DEFAULT,
    "soft labels": Variant(lesson=Averaged),
    "early-learning regulariser": Variant(lesson=EarlyLearning),
    "batches by topic": Variant(lesson=Topics),
    "batches by finer topics": Variant(lesson=FinerTopics),
    "large clusters less often": Variant(lesson=Tempered),
    NESTED: Variant(lesson=Nested),
    "views consistent": Variant(lesson=Consistent),
    SHALLOW: DEFAULT,
    HALF: DEFAULT,
    SPARED: DEFAULT,
}
GROUPS = (6, 12)
PREFIX = 4
"""Vectors are also searched by the first of so many parts."""
TUNED, TAUGHT, ALONE = "each set tuned by itself", "taught", "trained by itself"
PROTOCOL = ("new", 0)
WAYS = ("as the encoder gives it", "hubs corrected")
Key = tuple[str, str, int]
"""What was trained, how it is searched, and the seed."""


class Kept:
    """What was found with each key, in a file where there is one."""

    def __init__(self, part: Path | None) -> None:
        self.part = part
        self.found: dict[Key, list[Values]] = {}
        if part and part.exists():
            self.found = pickle.loads(part.read_bytes())

    def has(self, label: str, seed: int) -> bool:
        """Whether this was trained already."""
        return any(key[0].startswith(label) and key[2] == seed for key in self.found)

    def add(self, label: str, seed: int, run: Run, ways: dict[str, list[Sides]]) -> None:
        """Measures all ways to search with what was trained."""
        for way, made in ways.items():
            self.found[label, way, seed] = run.values(made)
            print(label, way, seed, np.mean(percent(self.found[label, way, seed])[:-1], axis=0).round(1), flush=True)
        if self.part:
            self.part.write_bytes(pickle.dumps(self.found))

    def rows(self, names: list[str], bases: dict[str, str]) -> Iterator[dict[str, str]]:
        """Means over seeds, and differences from the ``bases``, each for what begins with these words: with the same
        seeds, searched in the same way.
        """
        bases = {base: words for base, words in bases.items() if any(base == label for label, _, _ in self.found)}
        for label, way in dict.fromkeys((label, way) for label, way, _ in self.found):
            seeds = self.seeds(label, way)
            means = np.mean([percent(self.found[label, way, seed]) for seed in seeds], axis=0)
            row = {"what": label, "searched": way, "seeds": ", ".join(map(str, seeds))}
            row |= {"all": pair(means[:-1].mean(axis=0)), "joint": pair(means[-1])}
            for base, words in bases.items():
                both = [seed for seed in seeds if (base, way, seed) in self.found and label != base]
                sides = ([one for seed in both for one in self.found[of, way, seed][:-1]] for of in (label, base))
                row[f"against {base}"] = against_words(*sides) if both and label.startswith(words) else ""
            yield row | dict(zip(names, map(pair, means[:-1]), strict=True))

    def seeds(self, label: str, way: str) -> list[int]:
        """Those it was done with."""
        return [seed for one, how, seed in self.found if (one, how) == (label, way)]


def lessons(bench: Bench, run: Run, label: str, seed: int, kept: Kept) -> None:
    """Trains with one of the lessons and searches."""
    if label == SHALLOW:
        bench = replace(bench, networks=[replace(one, upper=Shallow(one.upper, 3)) for one in bench.networks])
    seen = halved(run, seed) if label == HALF else run
    drawn = bench.drawn(seen, seed)
    learned = bench.learned(drawn, LESSONS[label])
    mapped = bench.mapped(drawn, learned)
    if label == SPARED:
        ways = {"sets": by_sets(drawn)} | {f"{k} groups": by_kmeans(bench, drawn, k) for k in GROUPS}
        for way, groups in ways.items():
            kept.add(f"{SPARED} by {way}", seed, run, spared(bench, drawn, learned, mapped, groups))
        return
    ways = both_ways(bench, drawn, learned, mapped)
    if label in (AS_IT_IS, NESTED):
        ways |= prefixes(drawn, learned)
    kept.add(label, seed, run, ways)


def both_ways(
    bench: Bench, drawn: Drawn, learned: list[Trained], mapped: tuple[Array, Array]
) -> dict[str, list[Sides]]:
    """As the encoder gives it, and hubs corrected."""
    return dict(zip(WAYS, (made for _, made in bench.searched(drawn, learned, mapped)), strict=False))


def halved(run: Run, seed: int) -> Run:
    """Every second picture of those that are fitted on, by chance."""
    rng = np.random.default_rng(seed)
    return replace(run, tasks=[replace(one, fit=np.sort(rng.permutation(one.fit)[::2])) for one in run.tasks])


def prefixes(drawn: Drawn, learned: list[Trained]) -> dict[str, list[Sides]]:
    """By part of the numbers that the networks give, their mean taken off, no mix: the first ones, and by PCA."""
    look = np.concatenate([one.look for one in learned], axis=1)
    look = unit_rows(look - look[drawn.rows].mean(axis=0))
    few = look.shape[1] // PREFIX
    directions = np.linalg.svd(look[drawn.rows], full_matrices=False)[2]
    ways = {"all numbers": look, "the first quarter": look[:, :few], "a quarter by PCA": look @ directions[:few].T}
    split = {way: np.split(unit_rows(found), drawn.starts[1:-1]) for way, found in ways.items()}
    return {way: [(one, one) for one in found] for way, found in split.items()}


def by_sets(drawn: Drawn) -> NDArray[np.intp]:
    """For each picture that is fitted on (n,) the set it is from."""
    return np.repeat(np.arange(len(drawn.fits)), [len(one) for one in drawn.fits])


def by_kmeans(bench: Bench, drawn: Drawn, k: int) -> NDArray[np.intp]:
    """The same, as if all were one folder: groups in the plain space, its mean taken off."""
    plain = np.concatenate([one.look for one in bench.vectors])[drawn.rows]
    return spherical_kmeans(unit_rows(plain - plain.mean(axis=0)), k, drawn.seed)[1]


def spared(
    bench: Bench, drawn: Drawn, learned: list[Trained], mapped: tuple[Array, Array], groups: NDArray[np.intp]
) -> dict[str, list[Sides]]:
    """Searched where the groups that the witness sees harm in are left as they were."""
    everything = replace(union_of(drawn.run.seen), files=(Path(),) * len(groups))
    asked = np.concatenate([one[task.fit] for one, task in zip(bench.witnesses, drawn.run.tasks, strict=True)])
    harmed = np.zeros(drawn.starts[-1], np.bool_)
    names = np.repeat([one.name for one in bench.sets], np.diff(drawn.starts))
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        one, after = everything.take(rows), mapped[0][drawn.rows[rows]]
        knows = witness.tuned(asked[rows], load_encoder(witness.WITNESS))
        if less_alike(tuned_alone(one, bench.encoder.parts)(one.vectors), after, knows):
            harmed[drawn.rows[rows]] = True
            print("   harmed:", dict(zip(*np.unique(names[drawn.rows[rows]], return_counts=True), strict=True)))
    if harmed.any() and not harmed[drawn.rows].all():
        learned = bench.spared(drawn, learned, harmed)
        mapped = bench.mapped(drawn, learned)
    return both_ways(bench, drawn, learned, mapped)


def teaching(bench: Bench, teacher: Bench, run: Run, seed: int, kept: Kept) -> None:
    """The teacher is trained; then the small one learns by itself, and by the teacher."""
    drawn = teacher.drawn(teacher.run(*PROTOCOL), seed)
    learned = teacher.learned(drawn, DEFAULT)
    look, views = teacher.mapped(drawn, learned)
    kept.add("the teacher", seed, drawn.run, both_ways(teacher, drawn, learned, (look, views)))
    drawn = bench.drawn(run, seed)
    for label, by in {ALONE: None, TAUGHT: look}.items():
        learned = bench.learned(drawn, DEFAULT, by)
        kept.add(label, seed, run, both_ways(bench, drawn, learned, bench.mapped(drawn, learned)))


def main(asked: argparse.Namespace) -> None:
    """All that is asked for, seed by seed; then the table."""
    kept, bench = Kept(asked.part), Bench.of(asked.encoder, asked.pictures)
    teacher = Bench.of(asked.teacher, asked.pictures) if asked.teacher else None
    run = bench.run(*PROTOCOL)
    for seed in asked.seeds:
        if not kept.has(TUNED, seed):
            kept.add(TUNED, seed, run, dict.fromkeys(WAYS, bench.tuned(run)))
        for label in [TAUGHT] if teacher else asked.named:
            started = time.time()
            if kept.has(label, seed):
                continue
            if teacher:
                teaching(bench, teacher, run, seed, kept)
            else:
                lessons(bench, run, label, seed, kept)
            print(f"   {time.time() - started:.0f} s", flush=True)
    names = [one.name for one in bench.sets]
    fitted = sum(len(task.fit) for task in run.tasks)
    searched = sum(len(task.queries) for task in run.tasks)
    notes = [
        "Recall@1 / MAP@R in percent; `all` is the mean over sets, `joint` the joint gallery. In brackets 95 % "
        "intervals (queries of all seeds drawn anew) of the difference with the same seeds, searched in the same way.",
        f"New kinds, one halving: learned from {fitted:,} pictures of six sets, drawn by chance of those of the first "
        f"half of the classes, searched {searched:,} of the other half. Nothing is spared but where it is said.",
    ]
    if teacher:
        bases, name = {ALONE: "", TUNED: ""}, f"taught_{asked.encoder}"
        title = f"{asked.encoder} taught by an adapted {asked.teacher}"
    else:
        bases, name, title = (
            {AS_IT_IS: "", f"{SPARED} by sets": SPARED},
            "beyond" if asked.encoder == "dino" else f"beyond_{asked.encoder}",
            f"What training might do more ({asked.encoder})",
        )
    save(f"adapt_{name}", title, list(kept.rows(names, bases)), notes, seed=asked.seeds[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="dino")
    parser.add_argument("--teacher", help="an encoder that is adapted first, and teaches")
    parser.add_argument("--pictures", type=int, help="so many of each set to learn from (default: all)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--named", nargs="+", choices=list(LESSONS), default=list(LESSONS), help="some lessons only")
    parser.add_argument("--part", type=Path, help="keep what comes of each training in this file")
    main(parser.parse_args())
