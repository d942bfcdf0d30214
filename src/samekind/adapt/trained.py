"""Adaptation with training: tokens kept, adaptors trained, the network put together, judged on held-out pictures."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.estimate import Plan, estimated, in_words
from samekind.adapt.gather import FEWEST, Gathered
from samekind.adapt.grappa import DEFAULT, Trained, grappa
from samekind.adapt.kinds import granularities
from samekind.adapt.networks import cuts_of, networks_of, threads, upper_of
from samekind.adapt.torches import device, torch
from samekind.adapt.trial import Candidate, Trial
from samekind.adapt.witness import fetched, looks, witness_of, witnessed
from samekind.encoders import catalog
from samekind.encoders.base import Encoder
from samekind.encoders.hub import HUB
from samekind.encoders.load import ONNX, blueprints, load_encoder
from samekind.errors import UsageError
from samekind.events import Chosen, Event
from samekind.settings import Settings

TRAIN_AT_MOST = 12_000
"""Pictures of all collections together: 5 GB of tokens for dino at 224 pixels."""


def is_trainable(name: str) -> bool:
    """Whether training is what is meant where nothing is said: all encoders that are no ONNX file."""
    return name.startswith(HUB) or name.partition("@")[0] in catalog.RECORDS


def check_trainable(name: str, settings: Settings) -> None:
    """Raises UsageError for an ONNX file that cannot be trained or for want of a GPU, MissingExtra without torch."""
    device(settings)
    if name.startswith((ONNX, HUB)):
        upper_of(blueprints(name, settings)[0].build(), name)


def train_candidate(
    gathered: Sequence[Gathered],
    base: Encoder,
    with_experts: bool,
    seed: int,
    settings: Settings,
    teacher: Encoder | None = None,
) -> Generator[Event, None, Candidate]:
    """Trains the networks of ``base``, one after the other, for all collections.

    Pictures that the gate judges by are left out of everything. Where to a second network a collection got worse, its
    pictures are spared; so are those of collections that the gate refuses then, which is asked once more. With a
    ``teacher`` its likenesses are learned.
    """
    torch().set_num_threads(threads(settings))
    rng = np.random.default_rng(seed)
    cuts = yield from cuts_of(base, settings)
    some = yield from _afforded(gathered, sum(cut.picture_bytes for cut in cuts), settings, rng)
    had_a_say = [base] if teacher is None else [base, teacher]
    yield from fetched(had_a_say, settings)
    second = witness_of(*had_a_say)
    witness = None if second is None else load_encoder(second, settings)
    beforehand = yield from estimated(some, cuts, witness, teacher, Plan.of(some, DEFAULT), settings)
    networks = yield from networks_of(some, cuts, settings)
    some = _usable(some, networks[0].tokens.usable)
    witnesses = yield from witnessed(some, had_a_say, settings)
    trial = Trial.of(some, base, networks, witnesses, with_experts, seed, rng)
    if not granularities(len(trial.rows), DEFAULT.sizes):
        raise UsageError(
            f"{len(trial.rows)} pictures are left to learn from, too few for clusters; take --method experts."
        )
    taught = None
    if teacher is not None:
        taught = np.concatenate((yield from looks(some, teacher, settings, "asking the teacher")))
    learned: list[Trained] = []
    for each, vectors, mix in zip(networks, trial.plain, trial.closed, strict=True):
        given = each.tokens, vectors, mix, trial.rows, trial.viewed, seed
        learned.append((yield from grappa(each.upper, *given, taught=taught, watched=trial.watched)))
    mixes = trial.mixes(learned)
    harmed = trial.harmed(learned, mixes)
    found = yield from trial.judged(learned, mixes, harmed, settings)
    if not found.verdict.accepted:
        passed = [judged.passed for judged in found.verdict.collections.values()]
        spared = [left or not right for left, right in zip(harmed, passed, strict=True)]
        if spared != harmed and not all(spared):
            found = yield from trial.judged(learned, mixes, spared, settings)
    for each in networks:
        each.tokens.drop()
    told = {**found.insight.settings, "time estimated beforehand": in_words(beforehand)}
    return replace(found, insight=replace(found.insight, settings=told))


def _afforded(
    gathered: Sequence[Gathered], picture_bytes: int, settings: Settings, rng: np.random.Generator
) -> Generator[Event, None, list[Gathered]]:
    """As many pictures of each collection as training takes, and as their tokens find room for.

    Raises UsageError where that is too few of them.
    """
    held = settings.token_gb * 10**9 // picture_bytes
    if held // len(gathered) < min(FEWEST, *map(len, gathered)):
        raise UsageError(
            f"Setting token_gb = {settings.token_gb} leaves room for {held:,} pictures, and training wants {FEWEST} of "
            f"each of {len(gathered)} collections; allow more, or take --method experts."
        )
    some = [one.sample(min(TRAIN_AT_MOST, held) // len(gathered), rng) for one in gathered]
    pictures, taken = sum(map(len, gathered)), sum(map(len, some))
    if taken < pictures:
        why = f"setting token_gb = {settings.token_gb}" if held < TRAIN_AT_MOST else "the most that training takes"
        yield Chosen("pictures trained on", f"{taken:,} of {pictures:,}", why)
    return some


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
