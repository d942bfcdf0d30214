"""How long a training will take, told before it begins: each of its steps is tried on a few pictures. (ours)"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.adapt import processes
from samekind.adapt.adaptors import Adaptors
from samekind.adapt.fusion import Mean
from samekind.adapt.gather import Gathered
from samekind.adapt.grappa import Variant
from samekind.adapt.kinds import granularities
from samekind.adapt.networks import Cut
from samekind.adapt.tokens import CROPS, views_of
from samekind.adapt.torches import autocast, torch
from samekind.adapt.train import BATCH, LOOK, PATCHES
from samekind.adapt.trial import VIEWED_AT_MOST, held_of
from samekind.encoders.base import Encoder
from samekind.errors import PictureError
from samekind.events import Chosen, Event, Progress, Skipped
from samekind.pictures.decode import Limits, read_picture
from samekind.pictures.views import SECOND_VIEWS
from samekind.settings import Settings, usable_threads

_TRIED = 16
"""Pictures."""


@dataclass(frozen=True)
class Plan:
    """Of so many ``pictures``, ``held`` are judged by, the others are learned from by ``variant``; other views of
    ``viewed`` are looked at.
    """

    pictures: int
    held: int
    viewed: int
    variant: Variant

    @staticmethod
    def of(some: Sequence[Gathered], variant: Variant) -> Plan:
        """What `Trial.of` will draw, by number."""
        pictures, held = sum(map(len, some)), sum(map(held_of, some))
        return Plan(pictures, held, min(pictures - held, VIEWED_AT_MOST * len(some)), variant)

    @property
    def rows(self) -> int:
        """How many are learned from."""
        return self.pictures - self.held

    @property
    def pairs(self) -> int:
        """How many pairs are learned from, in whole batches."""
        return sum(self.variant.epochs) * (self.rows - self.rows % min(BATCH, self.rows))

    @property
    def looks(self) -> int:
        """How many pictures and views what was trained looks at: after each round, and once more to spare some."""
        between = (len(self.variant.epochs) - 1) * (self.rows + CROPS * self.viewed)
        return between + 2 * (self.pictures + CROPS * self.viewed) + self.rows


def estimated(
    some: Sequence[Gathered],
    cuts: Sequence[Cut],
    witness: Encoder | None,
    teacher: Encoder | None,
    plan: Plan,
    settings: Settings,
) -> Generator[Event, None, float]:
    """Seconds that training takes where nothing is kept from an earlier run, and they are said, step by step.

    Each of several processes does its share of the batches. Clusters, neighbours and closed forms are not counted.
    ``nan`` where none of the first pictures can be read.
    """
    yield Progress("estimating", 0, 1)
    files = [file for one in some for file in one.files[: -(-_TRIED // len(some))]]
    limits = Limits(settings.max_pixels, settings.max_bytes)
    others = {"asking a second network": witness, "asking the teacher": teacher}
    seconds = dict.fromkeys(("preparing", "training", "looking again", "judging"), 0.0)
    sets = max(1, len(granularities(plan.rows, plan.variant.sizes)))
    for cut in cuts:
        started = time.perf_counter()
        read = [views_of(file, 0, cut.view, limits) for file in files]
        reading = (time.perf_counter() - started) / len(files) / usable_threads(settings)
        seen = [one for one in read if not isinstance(one, Skipped)]
        if not seen:
            yield Progress("estimating", 1, 1)
            return float("nan")
        below = (1 + CROPS) * _lower_seconds(cut, np.concatenate(seen)) + reading
        look = _upper_seconds(cut, sets, _look, LOOK)
        seconds["preparing"] += plan.pictures * below
        seconds["training"] += plan.pairs * _upper_seconds(cut, sets, _step, _TRIED) / processes.count()
        seconds["looking again"] += plan.looks * look
        seconds["judging"] += plan.held * len(SECOND_VIEWS) * (below / (1 + CROPS) + look)
    for step, encoder in others.items():
        if encoder is not None:
            seconds[step] = plan.pictures * _asking_seconds(encoder, files, settings)
    yield Progress("estimating", 1, 1)
    told = "; ".join(f"{step} {in_words(each)}" for step, each in seconds.items() if each)
    yield Chosen("time", f"about {in_words(sum(seconds.values()))}", told)
    return sum(seconds.values())


def in_words(seconds: float) -> str:
    """For people: 40 s, 12 min, 3.5 h; "unknown" for nan."""
    if math.isnan(seconds):
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _timed(work: Callable[[], object]) -> float:
    """Seconds, the faster of two times after a first one, in which it is made ready."""
    work()
    found = []
    for _ in range(2):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def _lower_seconds(cut: Cut, pictures: NDArray[np.uint8]) -> float:
    """Of one view of a picture."""
    return _timed(lambda: cut.lower(pictures)) / len(pictures)


def _upper_seconds(cut: Cut, sets: int, work: Callable[[Cut, Adaptors, int], object], pictures: int) -> float:
    """Of one picture, or of one pair."""
    adaptors = Adaptors(cut.upper.points, sets, 0, cut.upper.device)
    return _timed(lambda: work(cut, adaptors, pictures)) / pictures


def _look(cut: Cut, adaptors: Adaptors, pictures: int) -> float:
    with torch().inference_mode(), autocast(cut.upper.device):
        found: float = (
            adaptors.fused(cut.upper, _tokens(cut, pictures, cut.upper.shape[0]), Mean()).float().sum().item()
        )
    return found


def _step(cut: Cut, adaptors: Adaptors, pairs: int) -> float:
    count = min(1 + PATCHES, cut.upper.shape[0]) if cut.upper.droppable else cut.upper.shape[0]
    pairs = pairs // adaptors.sets * adaptors.sets
    with autocast(cut.upper.device):
        ours, theirs = (adaptors.routed(cut.upper, _tokens(cut, pairs, count)).float() for _ in range(2))
        loss: Any = (ours @ theirs.T).mean()
    loss.backward()
    found: float = loss.item()
    return found


def _tokens(cut: Cut, pictures: int, count: int) -> Any:
    """(pictures, count, d), all alike: what a step costs does not depend on them."""
    return torch().full((pictures, count, cut.upper.shape[1]), 0.1, device=cut.upper.device)


def _asking_seconds(encoder: Encoder, files: Sequence[Path], settings: Settings) -> float:
    """Of one picture that another encoder looks at."""
    limits = Limits(settings.max_pixels, settings.max_bytes)
    seen = []
    for file in files:
        with suppress(PictureError):
            seen.append(encoder.prepare(read_picture(file, limits, encoder.input_side).pixels))
    return _timed(lambda: encoder.encode(seen)) / max(len(seen), 1)
