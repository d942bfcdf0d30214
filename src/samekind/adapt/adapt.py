"""The whole adaptation: collections and folders in, one encoder folder out, or the reason why not."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from samekind.adapt import closed_form, realign, saved, trained
from samekind.adapt.gate import Judged, Verdict
from samekind.adapt.gather import FEWEST, Gathered, gather
from samekind.adapt.insight import Insight, attention_of, examples_of
from samekind.adapt.router import landmarks
from samekind.encoders.adapted import AdaptedEncoder
from samekind.encoders.base import Encoder
from samekind.encoders.hub import HUB
from samekind.encoders.rows import map_parts
from samekind.errors import EXIT_FOUND, EXIT_NOTHING, UsageError, unknown_name
from samekind.events import Chosen, Event, Job, Progress, Skipped
from samekind.settings import Settings, resolve

T = TypeVar("T")
METHODS = ("both", "grappa", "experts")


@dataclass(frozen=True)
class Adapted:
    """What came of it: ``accepted`` or not and ``why``; the ``encoder`` folder where one was written.

    ``method`` is the one that was asked for, ``saved`` the one that is in the folder: where training was refused that
    is the closed form.
    ``collections`` by name: what the gate saw in each; ``seconds`` of wall time by step. ``verdicts``: all that the
    gate said, of "training" and of "experts", where they were tried; ``insight``: what else can be told.
    """

    accepted: bool
    why: str
    encoder: str | None
    base: str
    method: str
    saved: str | None
    seed: int
    overall: Judged
    collections: Mapping[str, Judged]
    pictures: Mapping[str, int]
    seconds: Mapping[str, float]
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    insight: Insight = field(default_factory=Insight)

    @property
    def exit_code(self) -> int:
        """1 where nothing was written, else 0."""
        return EXIT_FOUND if self.encoder else EXIT_NOTHING

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "verdict": "accepted" if self.accepted else "refused",
            "why": self.why,
            "encoder": self.encoder,
            "base": self.base,
            "method": self.method,
            "saved": self.saved,
            "seed": self.seed,
            "overall": self.overall.to_dict(),
            "collections": {
                name: {"pictures": self.pictures[name], **judged.to_dict()} for name, judged in self.collections.items()
            },
            "seconds": round(sum(self.seconds.values()), 3),
            "steps": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
            "verdicts": {name: one.to_dict() for name, one in self.verdicts.items()},
            **self.insight.to_dict(),
        }


def adapt(
    sources: Sequence[str | Path],
    out: str | Path,
    encoder: str = "dino",
    method: str | None = None,
    *,
    teacher: str | None = None,
    seed: int = 0,
    settings: Settings | None = None,
) -> Job[Adapted]:
    """Fits one encoder to several collections (or folders of pictures), without labels, and writes it to ``out``.

    ``encoder`` is the base that the collections were made with. ``method``: "experts" is the closed form alone;
    "grappa" trains adaptors; "both" does both, and is meant where nothing is said and the base can be trained. Where
    the gate refuses what was trained, the closed form is written, and where it refuses that too, nothing. By training
    ``encoder`` can learn how much alike pictures are to a ``teacher``, another encoder, best one adapted to the same
    collections (distillation). ``out`` must not exist yet.

    Raises UsageError for impossible choices and for collections of fewer than 50 pictures,
    EncoderMismatch for a collection of another encoder, MissingExtra for training without torch, StorageError.
    """
    if method is None:
        method = "both" if trained.is_trainable(encoder) else "experts"
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if not sources:
        raise UsageError("There is nothing to adapt to; name collections or folders of pictures.")
    saved.check_new(Path(out))
    settings = settings or resolve()
    if method == "experts" and teacher is not None:
        raise UsageError("A teacher teaches by training; leave --teacher out, or take --method both.")
    if method != "experts" and not encoder.startswith(HUB):
        trained.check_trainable(encoder, settings)
    return Job(_steps(sources, Path(out).expanduser().absolute(), encoder, method, teacher, seed, settings))


def _steps(
    sources: Sequence[str | Path],
    out: Path,
    name: str,
    method: str,
    teacher: str | None,
    seed: int,
    settings: Settings,
) -> Generator[Event, None, Adapted]:
    from samekind.encoders.load import fetch, load_encoder

    yield from fetch(name, settings)
    if teacher is not None:
        yield from fetch(teacher, settings)
    if method != "experts":
        trained.check_trainable(name, settings)
    base = load_encoder(name, settings)
    taught_by = None if teacher is None else load_encoder(teacher, settings)
    if isinstance(base, AdaptedEncoder):
        raise UsageError(
            f"{base.name} is adapted already; add to it with --grow, or take its base: --encoder {base.base.name}."
        )
    seconds = {}
    started = time.perf_counter()
    gathered = yield from gather(sources, base, settings)
    check_enough(gathered)
    seconds["gathering"] = time.perf_counter() - started
    return (yield from fitted(gathered, base, out, method, seed, seconds, settings, taught_by))


def fitted(
    gathered: Sequence[Gathered],
    base: Encoder,
    out: Path,
    method: str,
    seed: int,
    seconds: dict[str, float],
    settings: Settings,
    teacher: Encoder | None = None,
) -> Generator[Event, None, Adapted]:
    """Fits, judges and writes what was gathered."""
    verdicts: dict[str, Verdict] = {}
    insight = Insight()

    def result(verdict: Verdict, accepted: bool, why: str, saved_as: str | None) -> Adapted:
        pictures = {one.name: len(one) for one in gathered}
        folder = str(out) if saved_as else None
        overall, each = verdict.overall, verdict.collections
        unread = {one.path: one for source in gathered for one in source.skipped}
        unread |= {one.path: one for one in noted if isinstance(one, Skipped)}
        copies = sum(one.copies for one in gathered)
        known = {**insight.settings, **({"copies left out": copies} if copies else {})}
        told = replace(insight, skipped=tuple(unread.values()), settings=known)
        return Adapted(
            accepted, why, folder, base.name, method, saved_as, seed, overall, each, pictures, seconds, verdicts, told
        )

    noted: list[Skipped | Chosen] = []
    refused: Verdict | None = None
    if method != "experts":
        started = time.perf_counter()
        learning = trained.train_candidate(gathered, base, method == "both", seed, settings, teacher)
        found = yield from _noting(learning, noted)
        seconds["training"] = time.perf_counter() - started
        verdicts["training"], insight = found.verdict, found.insight
        if stops := [one.value for one in noted if isinstance(one, Chosen) and one.what == "training"]:
            insight = replace(insight, settings={**insight.settings, "early stop": "; ".join(stops)})
        if found.verdict.accepted:
            why = found.verdict.why
            if insight.spared:
                why += f"; pictures like those of {', '.join(insight.spared)} are left as they were"
            about: dict[str, str | int] = {"method": method, "seed": seed, "why": why}
            about |= {} if teacher is None else {"teacher": teacher.name}
            saved.write(out, found.base, found.mix, about, found.adaptors, found.landmarks, known=found.known)
            insight = replace(insight, words=realign.write(out, base.name, *found.looks, seed, settings))
            return result(found.verdict, True, why, method)
        refused = found.verdict
    started = time.perf_counter()
    yield Progress("checking", 0, 1)
    verdict, fold = closed_form.judge_mix(gathered, base.parts, seed)
    verdicts["experts"] = verdict
    if refused is None or verdict.accepted:
        examples = examples_of([one.name for one in gathered], [one.files for one in gathered], fold, seed)
        insight = replace(insight, examples=examples, shown="experts", spared=(), groups=(), attention=())
    yield Progress("checking", 1, 1)
    seconds["checking"] = time.perf_counter() - started
    started = time.perf_counter()
    if verdict.accepted:
        yield Progress("fitting", 0, 1)
        mix = closed_form.fit_mix(gathered, base.parts, seed)
        seen = closed_form.sampled(gathered, seed)
        before = np.concatenate([one.vectors for one in seen])
        after = map_parts(base.parts, mix, before)
        about = {"method": "experts", "seed": seed, "why": verdict.why}
        saved.write(out, base, mix, about, landmarks=landmarks(after, seed))
        insight = replace(insight, words=realign.write(out, base.name, before, after, seed, settings))
        attention, groups = attention_of(mix, base.parts, {one.name: one.vectors for one in gathered})
        insight = replace(insight, attention=attention, groups=groups)
        yield Progress("fitting", 1, 1)
        seconds["fitting"] = time.perf_counter() - started
    saved_as = "experts" if verdict.accepted else None
    if refused is None:
        return result(verdict, verdict.accepted, verdict.why, saved_as)
    return result(refused, False, f"what was trained: {refused.why}; the closed form: {verdict.why}", saved_as)


def _noting(steps: Generator[Event, None, T], noted: list[Skipped | Chosen]) -> Generator[Event, None, T]:
    """The same steps; pictures that they leave out are noted, and what they choose."""
    job = Job(steps)
    for event in job:
        if isinstance(event, Skipped | Chosen):
            noted.append(event)
        yield event
    return job.result()


def check_enough(gathered: Sequence[Gathered]) -> None:
    """Raises UsageError for a collection of fewer than FEWEST pictures, or without second views."""
    for one in gathered:
        if len(one) < FEWEST:
            raise UsageError(
                f"{one.name} has {len(one)} picture{'s' * (len(one) > 1)}{', copies not counted' * (one.copies > 0)}; "
                f"adaptation wants {FEWEST} or more of each collection: leave it out, or add pictures to it."
            )
        if not len(one.views):
            raise UsageError(f"{one.name} has no second views to judge by; name its folders of pictures instead.")
