"""Adaptation with training: tokens kept, adaptors trained, the network put together, judged on held-out pictures."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.closed_form import Map, fit_mix, seen_by, tuned_alone
from samekind.adapt.gate import SPARED_ERRORS, Fold, Space, Verdict, judge, less_alike
from samekind.adapt.gather import Gathered
from samekind.adapt.grappa import DEFAULT, Trained, grappa, mix_of, spare
from samekind.adapt.insight import Insight, attention_of, clusters_of, examples_of
from samekind.adapt.kinds import granularities
from samekind.adapt.networks import Prepared, networks_of, threads, upper_of
from samekind.adapt.torches import device, torch
from samekind.adapt.train import BATCH, RATE
from samekind.adapt.witness import fetched, witnessed
from samekind.encoders import catalog
from samekind.encoders.base import Encoder, Part
from samekind.encoders.experts import Experts
from samekind.encoders.hub import HUB
from samekind.encoders.load import ONNX, blueprints, with_adaptors
from samekind.encoders.recipe import RecipeEncoder
from samekind.encoders.rows import Array, join_parts, map_parts, split_parts, unit_rows
from samekind.errors import PictureError, UsageError
from samekind.events import Event, Progress
from samekind.pictures.decode import Limits, read_picture
from samekind.pictures.views import SECOND_VIEWS
from samekind.settings import Settings
from samekind.tuning.experts import rounded
from samekind.tuning.nuisance import Rows

TRAIN_AT_MOST = 12_000
"""Pictures of all collections together: 7 GB of tokens for dino at 224 pixels."""
HELD_AT_MOST = 150
VIEWED_AT_MOST = 250


@dataclass(frozen=True, eq=False)
class Candidate:
    """Networks with ``adaptors`` by network, the mix of experts of each part, the gate's verdict, what can be told."""

    base: RecipeEncoder
    mix: tuple[Experts, ...]
    adaptors: dict[str, dict[str, Array]]
    verdict: Verdict
    insight: Insight


def is_trainable(name: str) -> bool:
    """Whether training is what is meant where nothing is said: all encoders that are no ONNX file."""
    return name.startswith(HUB) or name.partition("@")[0] in catalog.RECORDS


def check_trainable(name: str, settings: Settings) -> None:
    """Raises UsageError for an ONNX file that cannot be trained or for want of a GPU, MissingExtra without torch."""
    device(settings)
    if name.startswith((ONNX, HUB)):
        upper_of(blueprints(name, settings)[0].build(), name)


def train_candidate(
    gathered: Sequence[Gathered], base: Encoder, with_experts: bool, seed: int, settings: Settings
) -> Generator[Event, None, Candidate]:
    """Trains the networks of ``base``, one after the other, for all collections.

    Pictures that the gate judges by are left out of everything. Where to a second network a collection got worse, its
    pictures are spared; so are those of collections that the gate refuses then, which is asked once more.
    """
    torch().set_num_threads(threads(settings))
    rng = np.random.default_rng(seed)
    some = [one.sample(TRAIN_AT_MOST // len(gathered), rng) for one in gathered]
    yield from fetched(base, settings)
    networks = yield from networks_of(some, base, settings)
    some = _usable(some, networks[0].tokens.usable)
    witnesses = yield from witnessed(some, base, settings)
    trial = _Trial.of(some, base, with_experts, seed, rng)
    if not granularities(len(trial.rows), DEFAULT.sizes):
        raise UsageError(
            f"{len(trial.rows)} pictures are left to learn from, too few for clusters; take --method experts."
        )
    closed = fit_mix(trial.rest, base.parts, seed)
    learned: list[Trained] = []
    for each, vectors, mix in zip(networks, trial.plain, closed, strict=True):
        learned.append((yield from grappa(each.upper, each.tokens, vectors, mix, trial.rows, trial.viewed, seed)))
    harmed = trial.harmed(learned, witnesses)
    found = yield from _judged(trial, networks, learned, harmed, closed, witnesses, base, settings)
    if not found.verdict.accepted:
        passed = [judged.passed for judged in found.verdict.collections.values()]
        spared = [left or not right for left, right in zip(harmed, passed, strict=True)]
        if spared != harmed and not all(spared):
            found = yield from _judged(trial, networks, learned, spared, closed, witnesses, base, settings)
    for each in networks:
        each.tokens.drop()
    return found


def _judged(
    trial: _Trial,
    networks: Sequence[Prepared],
    learned: Sequence[Trained],
    spared: Sequence[bool],
    closed: Sequence[Experts],
    witnesses: Sequence[Array],
    base: Encoder,
    settings: Settings,
) -> Generator[Event, None, Candidate]:
    """Spares some collections, puts the encoder together, and asks the gate about it.

    A spared collection has to be as good as in ``closed`` form, which is judged by views alone.
    """
    some = trial.some
    if any(spared):
        pictures = np.repeat(spared, [len(one) for one in some])
        kept = []
        for each, trained in zip(networks, learned, strict=True):
            kept.append((yield from spare(trained, each.upper, each.tokens, trial.rows, trial.viewed, pictures)))
        learned = kept
    mixes = trial.mixes(learned)
    adaptors = {each.name: found.tensors for each, found in zip(networks, learned, strict=True)}
    network = with_adaptors(base.name, adaptors, settings)
    mapped = partial(map_parts, network.parts, mixes)
    before, after = [], []
    for number, (one, alone, out, look) in enumerate(
        zip(some, trial.alone, trial.held, trial.looks(learned), strict=True)
    ):
        yield Progress("checking", number, len(some))
        before.append(seen_by(alone, one, out))
        views = _encoded_views(one, out, network, settings)
        seen = mapped(views.reshape(-1, views.shape[-1])).reshape(views.shape)
        after.append(Space(mapped(look), seen, out))
    yield Progress("checking", len(some), len(some))
    asked = []
    for left, one, space, witness in zip(spared, some, after, witnesses, strict=True):
        as_it_was = map_parts(base.parts, closed, one.vectors)
        excused = left and not less_alike(as_it_was, space.vectors, witness, SPARED_ERRORS)
        asked.append(None if excused else witness)
    verdict = judge([one.name for one in some], [(before, after)], asked)
    insight = trial.insight(networks, learned, mixes, spared, (before, after))
    return Candidate(network, mixes, adaptors, verdict, insight)


@dataclass(frozen=True, eq=False)
class _Trial:
    """Who takes part in what.

    ``held`` rows of each of ``some`` collections are judged by; ``rest`` is what is fitted to, ``rows`` its pictures
    among those of all collections, ``viewed`` those of them whose other views count. ``plain`` vectors (n, d) of all
    pictures by part, and for each collection the map of its own tuning, ``alone``.
    """

    some: Sequence[Gathered]
    parts: Sequence[Part]
    with_experts: bool
    seed: int
    held: Sequence[Rows]
    rest: Sequence[Gathered]
    rows: Rows
    viewed: Rows
    plain: Sequence[Array]
    alone: Sequence[Map]

    @staticmethod
    def of(some: Sequence[Gathered], base: Encoder, with_experts: bool, seed: int, rng: np.random.Generator) -> _Trial:
        """Draws who is held out, and whose views count."""
        held = [_held(one, rng) for one in some]
        rest = [one.without(out) for one, out in zip(some, held, strict=True)]
        starts = np.cumsum([0, *(len(one) for one in some[:-1])])
        rows = np.concatenate(
            [at + np.setdiff1d(np.arange(len(one)), out) for one, out, at in zip(some, held, starts, strict=True)]
        )
        viewed = np.sort(rng.permutation(rows)[: VIEWED_AT_MOST * len(some)])
        plain = split_parts(base.parts, np.concatenate([one.vectors for one in some]))
        alone = [tuned_alone(others, base.parts) for others in rest]
        return _Trial(some, base.parts, with_experts, seed, held, rest, rows, viewed, plain, alone)

    def looks(self, learned: Sequence[Trained]) -> list[Array]:
        """For each collection (n, d) by the adapted networks, before any mix."""
        ends = np.cumsum([len(one) for one in self.some])[:-1]
        return np.split(join_parts(self.parts, [one.look for one in learned]), ends)

    def mixes(self, learned: Sequence[Trained]) -> tuple[Experts, ...]:
        """For each network the mix of experts on top, or the mean alone."""
        return tuple(
            rounded(
                mix_of(one.look, one.views, self.rows, self.viewed, self.seed)
                if self.with_experts
                else centred(one.look[self.rows])
            )
            for one in learned
        )

    def harmed(self, learned: Sequence[Trained], witnesses: Sequence[Array]) -> list[bool]:
        """Whether to its witness a collection's neighbours are less alike than in the collection tuned by itself.

        Pictures that are held out have no say. Where all are, none is: there would be nothing left of the training.
        """
        mapped, found = partial(map_parts, self.parts, self.mixes(learned)), []
        for one, out, alone, look, witness in zip(
            self.some, self.held, self.alone, self.looks(learned), witnesses, strict=True
        ):
            rest = np.setdiff1d(np.arange(len(one)), out)
            found.append(less_alike(alone(one.vectors[rest]), mapped(look[rest]), witness[rest]))
        return [False] * len(found) if all(found) else found

    def insight(
        self,
        networks: Sequence[Prepared],
        learned: Sequence[Trained],
        mixes: Sequence[Experts],
        spared: Sequence[bool],
        fold: Fold,
    ) -> Insight:
        """What can be told of it."""
        names = [one.name for one in self.some]
        collections = np.repeat(np.arange(len(self.some)), [len(one) for one in self.rest])
        by_name = dict(zip(names, self.looks(learned), strict=True))
        attention, groups = attention_of(mixes, self.parts, by_name) if self.with_experts else ((), ())
        return Insight(
            spared=tuple(name for name, left in zip(names, spared, strict=True) if left),
            trained_on=tuple(clusters_of(labels, collections) for labels in learned[0].labels),
            losses=learned[0].losses,
            groups=groups,
            attention=attention,
            examples=examples_of(names, [one.files for one in self.some], fold, self.seed),
            shown="training",
            token_bytes=sum(each.tokens.array.nbytes for each in networks),
            settings={
                "pictures trained on": len(self.rows),
                "pictures held out": sum(map(len, self.held)),
                "points with adaptors": ", ".join(point for each in networks for point in each.upper.points),
                "rounds": len(DEFAULT.epochs),
                "epochs": " and ".join(map(str, DEFAULT.epochs)),
                "batch": BATCH,
                "learning rate": RATE,
            },
        )


def centred(vectors: Array) -> Experts:
    """The mix that only takes the mean off."""
    mean, same = vectors.mean(axis=0), np.eye(vectors.shape[1], dtype=np.float32)
    return Experts((1,), mean, same, unit_rows(mean[None]), mean[None], same[None])


def _usable(some: Sequence[Gathered], usable: NDArray[np.bool_]) -> list[Gathered]:
    """The collections without pictures that could not be read now."""
    at, kept = 0, []
    for one in some:
        kept.append(one.take(np.flatnonzero(usable[at : at + len(one)])))
        at += len(one)
        if len(kept[-1]) < 0.9 * len(one) or not len(kept[-1].view_rows):
            raise UsageError(
                f"Only {len(kept[-1])} of {len(one)} pictures of {one.name} can be read now, in {one.files[0].parent} "
                "for instance; bring their drive back, or take --method experts."
            )
    return kept


def _held(one: Gathered, rng: np.random.Generator) -> Rows:
    most = min(HELD_AT_MOST, max(len(one.view_rows) // 2, 1))
    return np.sort(rng.choice(one.view_rows, most, replace=False))


def _encoded_views(one: Gathered, held: Rows, encoder: RecipeEncoder, settings: Settings) -> Array:
    """(m, v, d) the second views of held pictures by the new network."""
    limits = Limits(settings.max_pixels, settings.max_bytes)
    found = []
    for row in held:
        try:
            pixels = read_picture(one.files[row], limits, encoder.input_side).pixels
        except PictureError as problem:
            raise UsageError(
                f"{one.files[row]} changed while it was looked at ({problem}); run the same again."
            ) from None
        found.append(encoder.encode([encoder.prepare(change(pixels)) for change in SECOND_VIEWS.values()]))
    return np.stack(found)
