"""Does the gate of `samekind adapt` tell good encoders from bad and sabotaged ones? On six labelled sets.

    python benchmarks/gate.py                       closed forms and sabotage
    python benchmarks/gate.py --trained 10          so many trained encoders, and sabotage
    python benchmarks/gate.py --trained 10 --spare  the same as the product goes about it, without sabotage: what harmed
                                                    or was refused is spared, and judged once more
    ... --pictures 150                              about so many pictures of each set, whole classes

The gate judges without labels; then labels say what each encoder really does to MAP@R in each set, against the set
tuned by itself, both sides corrected for hubs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
from common import CONFIRMING_SETS, SHARED, TUNING_SETS, save

from samekind import Encoder, load_encoder
from samekind.adapt import gate, grappa, train, trained, trial
from samekind.adapt.closed_form import Map, fit_mix, seen_by, tuned_alone
from samekind.adapt.gate import Judged, Space, Verdict
from samekind.adapt.gather import Gathered
from samekind.adapt.tokens import Tokens
from samekind.adapt.witness import WITNESS, tuned
from samekind.encoders.base import Part
from samekind.encoders.rows import Array, unit_rows
from samekind.evaluation.labels import LabelledSet, read_labels
from samekind.evaluation.metrics import score
from samekind.evaluation.ranking import rank
from samekind.evaluation.vectors import vectors_of
from samekind.events import Event, Job
from samekind.settings import resolve
from samekind.tuning import experts
from samekind.tuning.fitting import REFERENCES
from samekind.tuning.space import HUB_WEIGHT, fit_space
from samekind.tuning.space import Space as Tuned

WORTH = 1.0
"""Points of MAP@R that count as a change: two runs of one training that differ in the seed differ by as much."""
SURE = 2.0
"""Standard errors (paired, over queries) that a change must have as well."""
SEED = 0


class Passed(Verdict):
    """So that nothing is tried again."""

    accepted = True  # type: ignore[assignment]


Spaces = list[Space]
Fit = Callable[[list[Gathered]], Sequence[Map]]
"""Collections without held-out pictures -> a map for each."""


def everywhere(fit: Callable[[list[Gathered]], Map]) -> Fit:
    """The same map for all collections."""
    return lambda seen: [fit(seen)] * len(seen)


def mix(seen: list[Gathered], **constants: int) -> Map:
    """The product's closed form, with other constants."""
    with ExitStack() as changed:
        for name, value in constants.items():
            changed.enter_context(patch.object(experts, name, value))
        return fit_mix(seen, PARTS, SEED)[0].apply


def mix_of_random_neighbours(seen: list[Gathered]) -> Map:
    """The closed form, fitted to pairs that have nothing to do with each other."""
    rng = np.random.default_rng(SEED)
    with patch.object(experts, "nearest_rows", lambda v, asked, k: rng.integers(0, len(v), (len(asked), k))):
        return fit_mix(seen, PARTS, SEED)[0].apply


def mix_of_others(seen: list[Gathered]) -> list[Map]:
    """For each collection the mix of all others."""
    return [mix([one for one in seen if one is not left]) for left in seen]


def neighbouring(seen: list[Gathered]) -> list[Map]:
    """Each collection in the space of the next one."""
    maps = [tuned_alone(one, PARTS) for one in seen]
    return maps[1:] + maps[:1]


def one_map(seen: list[Gathered], shrinkage: float) -> Map:
    """One nuisance map for all."""
    starts = np.cumsum([0, *(len(one) for one in seen[:-1])])
    rows = np.concatenate([one.view_rows + start for one, start in zip(seen, starts, strict=True)])
    looks, views = (np.concatenate([getattr(one, name) for one in seen]) for name in ("vectors", "views"))
    return fit_space(looks, PARTS, views, rows, np.zeros(0, np.intp), np.random.default_rng(0), shrinkage).apply


def principal(seen: list[Gathered], power: float = 0.0, kept: int | None = None) -> Map:
    """PCA whitening, or the first directions alone."""
    looks = np.concatenate([one.vectors for one in seen])
    mean = looks.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov((looks - mean).T))
    scale = (np.maximum(values, 0) + 0.01 * values.mean()) ** -power
    few = slice(-(kept or len(values)), None)
    matrix = ((axes * scale)[:, few] @ axes[:, few].T).astype(np.float32)
    return lambda rows: unit_rows(unit_rows(rows - mean) @ matrix)


def own_means(seen: list[Gathered]) -> list[Map]:
    """Each collection's own mean removed: all lie on one another."""
    return [principal([one]) for one in seen]


CLOSED: dict[str, Fit] = {
    "each tuned by itself": lambda seen: [tuned_alone(one, PARTS) for one in seen],
    "plain": everywhere(lambda seen: unit_rows),
    "mean removed": everywhere(principal),
    "one map for all": everywhere(partial(one_map, shrinkage=0.3)),
    "one map for all, shrinkage .03": everywhere(partial(one_map, shrinkage=0.03)),
    "one map for all, shrinkage 3": everywhere(partial(one_map, shrinkage=3.0)),
    "the mix": everywhere(mix),
    "the mix, one group": everywhere(partial(mix, MOST_GROUPS=1)),
    "the mix, two groups": everywhere(partial(mix, MOST_GROUPS=2)),
    "the mix, five groups": everywhere(partial(mix, MOST_GROUPS=5)),
    "the mix, many groups": everywhere(partial(mix, MOST_GROUPS=40, PICTURES_A_GROUP=60, SMALLEST_GROUP=5)),
    "the mix, of random neighbours": everywhere(mix_of_random_neighbours),
    "the mix of the others": mix_of_others,
    "the mix of the first set": everywhere(lambda seen: mix(seen[:1])),
    "the mix of the third set": everywhere(lambda seen: mix(seen[2:3])),
    "the mix of the fifth set": everywhere(lambda seen: mix(seen[4:5])),
    "the next set's tuning": neighbouring,
    "own means removed (sets on one another)": own_means,
    "PCA whitening .25": everywhere(partial(principal, power=0.25)),
    "PCA whitening .5": everywhere(partial(principal, power=0.5)),
    "PCA, 8 directions": everywhere(partial(principal, kept=8)),
    "PCA, 32 directions": everywhere(partial(principal, kept=32)),
    "PCA, 128 directions": everywhere(partial(principal, kept=128)),
}


def spoilt(how: Callable[[Array, np.random.Generator], Array], tied: bool = False) -> Callable[[Space, int], Space]:
    """Pictures and views changed by chance; ``tied``: a picture and its views by the same chance."""

    def change(space: Space, number: int) -> Space:
        rng = np.random.default_rng(number)
        vectors = how(space.vectors, rng)
        if tied:
            moved = (vectors - space.vectors)[space.rows]
            return replace(space, vectors=unit_rows(vectors), views=unit_rows(space.views + moved[:, None]))
        views = how(space.views.reshape(-1, space.views.shape[-1]), rng)
        return replace(space, vectors=unit_rows(vectors), views=unit_rows(views.reshape(space.views.shape)))

    return change


def noise(rows: Array, rng: np.random.Generator, strength: float) -> Array:
    """Rows with noise of so much of their length."""
    return rows + strength / rows.shape[1] ** 0.5 * rng.normal(size=rows.shape).astype(np.float32)


def scaled(space: Space, number: int, strength: float = 0.0, power: float = 1.0) -> Space:
    """Numbers of a vector made louder and quieter by chance, the same for all; signs lost where ``power`` is 2."""
    loud = np.exp(strength * np.random.default_rng(SEED).normal(size=space.vectors.shape[1])).astype(np.float32)
    vectors, views = (unit_rows(np.abs(x) ** power * np.sign(x) ** (power % 2) * loud) for x in space_arrays(space))
    return replace(space, vectors=vectors, views=views)


def space_arrays(space: Space) -> tuple[Array, Array]:
    """Pictures and views."""
    return space.vectors, space.views


def collapsed(space: Space, number: int, strength: float) -> Space:
    """Everything near one direction, with a little noise."""
    towards = np.eye(space.vectors.shape[1], dtype=np.float32)[0]
    return spoilt(lambda rows, rng: noise(towards + strength * rows, rng, 0.02))(space, number)


SABOTAGE: dict[str, Callable[[Space, int], Space]] = {
    **{f"noise {s}": spoilt(partial(noise, strength=s)) for s in (0.2, 0.4, 0.8)},
    **{f"noise {s}, views and picture alike": spoilt(partial(noise, strength=s), True) for s in (0.3, 0.5, 0.7, 1.0)},
    "numbers scaled .5": partial(scaled, strength=0.5),
    "numbers scaled 1": partial(scaled, strength=1.0),
    "numbers squared": partial(scaled, power=2.0),
    "collapsed": partial(collapsed, strength=0.02),
    "half collapsed": partial(collapsed, strength=0.3),
}

TRAINED: dict[str, dict[str, Any]] = {
    "trained": {},
    "trained at a tenth of the rate": {"rate": 1e-4},
    "trained at ten times the rate": {"rate": 1e-2},
    "trained on random neighbours": {"random": 1.0},
    "trained, seed 1": {"seed": 1},
    "trained, a third of the rate": {"rate": 3e-4},
    "trained on random neighbours, one in two": {"random": 0.5},
    "trained on coarse clusters alone": {"coarse": 1},
    "trained, seed 2": {"seed": 2},
    "trained for 15 epochs": {"epochs": (15,)},
}
"""In this order, as many as are asked for; one round each, which is what a short run can afford."""
PARTS = (Part("dino", 0, 384),)


class Bench:
    """The sets, what each candidate is compared with, and what came of it."""

    def __init__(self, pictures: int | None, spares: bool = False) -> None:
        self.spares = spares
        self.encoder, self.settings = load_encoder("dino"), resolve()
        witness = load_encoder(WITNESS)
        self.kept: list[Tokens] = []
        self.sets: list[LabelledSet] = []
        self.witnesses: list[Array] = []
        self.gathered: list[Gathered] = []
        for labelled in read_labels([SHARED / name / "labels.csv" for name in (*TUNING_SETS, *CONFIRMING_SETS)]):
            found = Job(vectors_of(labelled, self.encoder, self.settings)).result()
            rows = np.arange(len(found.rows))
            one = labelled.take(found.rows)
            if pictures is not None:
                rows = some_classes(one, pictures)
            look, views, view_rows = found.take(rows)
            self.sets.append(one.take(rows))
            files = tuple(one.folder / one.paths[row] for row in rows)
            self.gathered.append(Gathered(one.name, look, views, view_rows, files))
            other = Job(vectors_of(labelled, witness, self.settings)).result()
            self.witnesses.append(tuned(other.look[np.searchsorted(other.rows, found.rows[rows])], witness))
        self.names = [one.name for one in self.gathered]
        rng = np.random.default_rng(SEED)
        self.held = [np.sort(rng.choice(one.view_rows, len(one.view_rows) // 2, False)) for one in self.gathered]
        self.rest = [one.without(out) for one, out in zip(self.gathered, self.held, strict=True)]
        self.before = self.seen([tuned_alone(one, PARTS) for one in self.rest])
        self.plain = self.seen([unit_rows] * len(self.rest))

    def seen(self, maps: Sequence[Map]) -> Spaces:
        """The collections in these spaces, with the views of held-out pictures."""
        return [seen_by(map_, one, out) for map_, one, out in zip(maps, self.gathered, self.held, strict=True)]

    def quality(self, spaces: Spaces) -> list[Array]:
        """For each set MAP@R of every query, in points, hubs corrected by the set's own pictures."""
        found = []
        for labelled, space in zip(self.sets, spaces, strict=True):
            look = space.vectors
            codes = np.unique(np.array(labelled.labels), return_inverse=True)[1].astype(np.int64)
            crowding = Tuned((), (), look[:: -(-len(look) // REFERENCES)]).crowding(look)
            asked = np.hstack([look, np.ones((len(look), 1), np.float32)])
            stored = np.hstack([look, -HUB_WEIGHT * crowding[:, None]])
            ranking = rank(asked, stored, np.arange(len(look)), {"label": (codes, codes)}, 1)
            found.append(100 * score(ranking.found["label"])["map@r"])
        return found

    def candidates(self, count: int) -> Iterator[tuple[str, Spaces, Spaces, Verdict]]:
        """Name, the reference (the collections tuned by themselves, or plain), what the candidate makes of them, what
        the gate says.
        """
        for name, fit in ({} if count else CLOSED).items():
            after = self.seen(fit(self.rest))
            yield self.judged(name, self.before, after)
            if name != "plain":
                yield self.judged(f"{name}, against plain", self.plain, after)
            if name == "the mix":
                yield from self.sabotaged(name, self.before, after)
        for name in list(TRAINED)[:count]:
            before, after, verdict = self.trained(**TRAINED[name])
            yield name, before, after, verdict
            if name == "trained" and not self.spares:
                yield from self.sabotaged(name, before, after)

    def judged(self, name: str, before: Spaces, after: Spaces) -> tuple[str, Spaces, Spaces, Verdict]:
        """With the gate's verdict, all witnesses asked."""
        return name, before, after, gate.judge(self.names, [(before, after)], self.witnesses)

    def sabotaged(self, name: str, before: Spaces, after: Spaces) -> Iterator[tuple[str, Spaces, Spaces, Verdict]]:
        """All kinds of sabotage of one good candidate; some in one set alone."""
        for how, spoil in SABOTAGE.items():
            yield self.judged(f"{name}, {how}", before, [spoil(one, number) for number, one in enumerate(after)])
        spoil = SABOTAGE["noise 0.7, views and picture alike"]
        for at in range(0, len(after), 2):
            only = [spoil(one, number) if number == at else one for number, one in enumerate(after)]
            yield self.judged(f"{name}, noise in {self.names[at]} alone", before, only)

    def trained(
        self,
        rate: float = train.RATE,
        epochs: tuple[int, ...] = (5,),
        random: float = 0.0,
        coarse: int = 0,
        seed: int = SEED,
    ) -> tuple[Spaces, Spaces, Verdict]:
        """What `train_candidate` gives to the gate at last; tokens are kept from one candidate to the next."""
        caught: list[tuple[Spaces, Spaces, Verdict]] = []

        def judge(names: Sequence[str], folds: Sequence[tuple[Spaces, Spaces]], witnesses: Sequence[Array]) -> Verdict:
            found = gate.judge(names, folds, witnesses)
            caught.extend((*fold, found) for fold in folds)
            return found if self.spares else Passed(found.overall, found.collections)

        def known(some: Sequence[Gathered], base: Encoder, settings: object) -> Generator[Event, None, list[Array]]:
            yield from ()
            return self.witnesses

        def neighbours(space: Array, asked: Array, k: int) -> Array:
            rng, right = np.random.default_rng(SEED), nearest_rows(space, asked, k)
            return np.where(rng.random(right.shape) < random, rng.integers(0, len(space), right.shape), right)

        nearest_rows = grappa.nearest_rows
        variant = grappa.Variant(sizes=(200,) if coarse else grappa.DEFAULT.sizes, epochs=epochs)
        with ExitStack() as changed:
            for place, name, value in (
                (train, "RATE", rate),
                (trained, "grappa", partial(grappa.grappa, variant=variant)),
                # unless asked for nothing is spared: the gate has to see it
                (trial, "less_alike", gate.less_alike if self.spares else lambda *_: False),
                (grappa, "nearest_rows", neighbours),
                (trial, "judge", judge),
                (trained, "witnessed", known),
                (Tokens, "drop", lambda tokens: self.keep(tokens)),  # a function, so that it gets the tokens
            ):
                changed.enter_context(patch.object(place, name, value))
            Job(trained.train_candidate(self.gathered, self.encoder, True, seed, self.settings)).result()
        return caught[-1]

    def keep(self, tokens: Tokens) -> None:
        """Lets the next candidate have them, instead of dropping them."""
        tokens.lock.close()
        self.kept.append(tokens)


def some_classes(labelled: LabelledSet, pictures: int) -> Array:
    """Rows of whole classes, drawn by chance, until there are so many."""
    labels = np.array(labelled.labels)
    kept: list[int] = []
    for label in np.random.default_rng(SEED).permutation(np.unique(labels)):
        if len(kept) >= pictures:
            break
        kept.extend(np.flatnonzero(labels == label).tolist())
    return np.sort(np.array(kept))


def without_witness(judged: Judged) -> Judged:
    """What the gate would have said from views alone."""
    return replace(judged, alike=None)


def lost(judged: Judged) -> bool:
    """Whether the witness sees a loss of more than ``SURE`` standard errors, where the gate allows fewer."""
    if judged.alike is None or judged.alike_before is None or judged.alike_margin is None:
        return False
    return judged.alike < judged.alike_before - SURE / gate.WITNESS_ERRORS * judged.alike_margin


def ranks_agree(pairs: Sequence[tuple[float, float]]) -> float:
    """Spearman's rank correlation."""
    order = np.argsort(np.argsort(np.array(pairs), axis=0), axis=0)
    return float(np.corrcoef(order.T)[0, 1])


def main() -> None:
    """All candidates, then what the gate got right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, help="about so many of each set (default: all)")
    parser.add_argument("--trained", type=int, default=0, help="train so many encoders, and judge those")
    parser.add_argument("--spare", action="store_true", help="spare what was harmed, as the product does")
    args = parser.parse_args()
    bench = Bench(args.pictures, args.spare)
    rows, cells = [], []
    for name, before, after, verdict in bench.candidates(args.trained):
        gains = [new - old for new, old in zip(bench.quality(after), bench.quality(before), strict=True)]
        row = {"candidate": name, "all": f"{np.mean([one.mean() for one in gains]):+.1f}"}
        for set_name, gain in zip(bench.names, gains, strict=True):
            judged = verdict.collections[set_name]
            error = SURE * gain.std() / len(gain) ** 0.5
            cells.append((name, set_name, float(gain.mean()), float(error), judged))
            row[set_name] = f"{gain.mean():+.1f} {'yes' if judged.passed else 'no'}"
        rows.append({**row, "verdict": "accepted" if verdict.accepted else "refused"})
        print(rows[-1], flush=True)
    for one in bench.kept:
        one.drop()
    name, what = ("gate_trained", ", trained encoders") if args.trained else ("gate", "")
    if args.spare:
        name, what = "gate_spared", ", trained encoders that spare what they harmed"
    save(name, f"The gate of adaptation against labels{what} (dino)", rows, notes(bench, cells), seed=SEED)


Cell = tuple[str, str, float, float, Judged]
"""Candidate, set, change of MAP@R in points, what is sure of it, and what the gate said."""


def wrong(passes: Callable[[Judged], bool], cells: Sequence[Cell]) -> list[tuple[int, int]]:
    """How many, and of how many: worse but passed; not worse but refused; better but refused."""
    worse = [passes(judged) for *_, gain, error, judged in cells if gain < -WORTH and gain < -error]
    right = [not passes(judged) for *_, gain, error, judged in cells if gain >= -error]
    better = [not passes(judged) for *_, gain, error, judged in cells if gain > WORTH and gain > error]
    return [(sum(each), len(each)) for each in (worse, right, better)]


def notes(bench: Bench, cells: Sequence[Cell]) -> list[str]:
    """How often each rule is wrong, by set and by candidate."""
    found = [
        f"{sum(map(len, bench.gathered)):,} pictures. Each cell: the change of MAP@R in points against the set tuned "
        "by itself (or plain; hubs corrected on both sides), and whether the gate passes it. Worse: by more than "
        f"{WORTH:g} point and {SURE:g} standard errors; not worse: not below by {SURE:g} standard errors."
    ]
    rules = {
        "views alone": lambda one: without_witness(one).passed,
        "views and witness": lambda one: one.passed,
        "views and witness, who must both be content": lambda one: one.passed and without_witness(one).passed,
        "views, and a witness that sees no clear loss": lambda one: without_witness(one).passed and not lost(one),
    }
    groups: dict[str, Sequence[str]] = {"the four tuning sets": TUNING_SETS, "the two confirming sets": CONFIRMING_SETS}
    for rule, passes in rules.items():
        for group, members in groups.items():
            worse, right, better = wrong(passes, [cell for cell in cells if cell[1] in members])
            found.append(
                f"{rule}, {group}: {worse[1]} worse, {worse[0]} of them passed; {right[1]} not worse, {right[0]} of "
                f"them refused; {better[1]} better by {WORTH:g} point, {better[0]} of them refused."
            )
        told = []
        for name in bench.names:
            worse, right, _ = wrong(passes, [cell for cell in cells if cell[1] == name])
            told.append(f"{name} {worse[0]} of {worse[1]} and {right[0]} of {right[1]}")
        found.append(f"{rule}, worse but passed, and not worse but refused: {'; '.join(told)}.")
        by_name: dict[str, list[tuple[bool, bool, bool]]] = {}
        for name, _, gain, error, judged in cells:
            seen = (passes(judged), gain < -WORTH and gain < -error, gain >= -error)
            by_name.setdefault(name, []).append(seen)
        accepted = [all(one[0] for one in each) for each in by_name.values()]
        worse_somewhere = [any(one[1] for one in each) for each in by_name.values()]
        nowhere = [all(one[2] for one in each) for each in by_name.values()]
        found.append(
            f"{rule}, {len(by_name)} candidates: {sum(worse_somewhere)} worse in some set, "
            f"{sum(a and w for a, w in zip(accepted, worse_somewhere, strict=True))} of them accepted; {sum(nowhere)} "
            f"worse in none, {sum(n and not a for a, n in zip(accepted, nowhere, strict=True))} of them refused."
        )
    for group, members in {**groups, **{name: (name,) for name in bench.names}}.items():
        near = [cell for cell in cells if cell[1] in members and abs(cell[2]) < 10]
        seen = {
            "neighbours kept": [(gain, one.neighbours - one.neighbours_before) for *_, gain, _, one in near],
            "found": [(gain, one.found - one.found_before) for *_, gain, _, one in near],
            "witness": [(gain, (one.alike or 0) - (one.alike_before or 0)) for *_, gain, _, one in near],
        }
        agree = ", ".join(f"{name} {ranks_agree(pairs):.2f}" for name, pairs in seen.items())
        found.append(f"Rank correlation with the change of MAP@R, changes below 10 points, {group}: {agree}.")
    return found


if __name__ == "__main__":
    main()
