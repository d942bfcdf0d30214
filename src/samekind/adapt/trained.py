"""Adaptation with training: tokens kept, adaptors trained, the network put together, judged on held-out pictures."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.gather import Gathered
from samekind.adapt.grappa import DEFAULT, Trained, grappa
from samekind.adapt.kinds import granularities
from samekind.adapt.networks import networks_of, threads, upper_of
from samekind.adapt.torches import device, torch
from samekind.adapt.trial import Candidate, Trial
from samekind.adapt.witness import fetched, looks, witnessed
from samekind.encoders import catalog
from samekind.encoders.base import Encoder
from samekind.encoders.hub import HUB
from samekind.encoders.load import ONNX, blueprints
from samekind.errors import UsageError
from samekind.events import Event
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
    some = [one.sample(TRAIN_AT_MOST // len(gathered), rng) for one in gathered]
    had_a_say = [base] if teacher is None else [base, teacher]
    yield from fetched(had_a_say, settings)
    networks = yield from networks_of(some, base, settings)
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
        given = trial.rows, trial.viewed, seed
        learned.append((yield from grappa(each.upper, each.tokens, vectors, mix, *given, taught=taught)))
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
    return found


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
