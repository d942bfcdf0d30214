"""The whole adaptation: collections and folders in, one encoder folder out, or the reason why not."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samekind.adapt import closed_form, saved, trained
from samekind.adapt.gate import Judged, Verdict
from samekind.adapt.gather import Gathered, gather
from samekind.encoders.base import Encoder
from samekind.errors import EXIT_FOUND, EXIT_NOTHING, UsageError, unknown_name
from samekind.events import Event, Job, Progress
from samekind.settings import Settings, resolve

METHODS = ("both", "grappa", "experts")
FEWEST = 50
"""Pictures of a collection, and second views of it that it can be judged by."""


@dataclass(frozen=True)
class Adapted:
    """What came of it: ``accepted`` or not and ``why``; the ``encoder`` folder where one was written.

    ``method`` is the one that was asked for, ``saved`` the one that is in the folder: where training was refused that
    is the closed form.
    ``collections`` by name: what the gate saw in each; ``seconds`` of wall time by step.
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
        }


def adapt(
    sources: Sequence[str | Path],
    out: str | Path,
    encoder: str = "dino",
    method: str | None = None,
    *,
    seed: int = 0,
    settings: Settings | None = None,
) -> Job[Adapted]:
    """Fits one encoder to several collections (or folders of pictures), without labels, and writes it to ``out``.

    ``encoder`` is the base that the collections were made with. ``method``: "experts" is the closed form alone;
    "grappa" trains adaptors; "both" does both, and is meant where nothing is said and the base can be trained. Where
    the gate refuses what was trained, the closed form is written, and where it refuses that too, nothing. ``out`` must
    not exist yet. Raises UsageError for impossible choices and for collections of fewer than 50 pictures,
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
    if method != "experts":
        trained.check_trainable(encoder, settings)
    return Job(_steps(sources, Path(out).expanduser().absolute(), encoder, method, seed, settings))


def _steps(
    sources: Sequence[str | Path], out: Path, name: str, method: str, seed: int, settings: Settings
) -> Generator[Event, None, Adapted]:
    from samekind.encoders.load import fetch, load_encoder

    yield from fetch(name, settings)
    base = load_encoder(name, settings)
    seconds = {}
    started = time.perf_counter()
    gathered = yield from gather(sources, base, settings)
    _check_enough(gathered)
    seconds["gathering"] = time.perf_counter() - started
    return (yield from fitted(gathered, base, out, method, seed, seconds, settings))


def fitted(
    gathered: Sequence[Gathered],
    base: Encoder,
    out: Path,
    method: str,
    seed: int,
    seconds: dict[str, float],
    settings: Settings,
) -> Generator[Event, None, Adapted]:
    """Fits, judges and writes what was gathered."""

    def result(verdict: Verdict, accepted: bool, why: str, saved_as: str | None) -> Adapted:
        pictures = {one.name: len(one) for one in gathered}
        folder = str(out) if saved_as else None
        overall, each = verdict.overall, verdict.collections
        return Adapted(accepted, why, folder, base.name, method, saved_as, seed, overall, each, pictures, seconds)

    refused: Verdict | None = None
    if method != "experts":
        started = time.perf_counter()
        found = yield from trained.train_candidate(gathered, base, method == "both", seed, settings)
        seconds["training"] = time.perf_counter() - started
        if found.verdict.accepted:
            about: dict[str, str | int] = {"method": method, "seed": seed, "why": found.verdict.why}
            saved.write(out, found.base, found.mix, about, found.adaptors)
            return result(found.verdict, True, found.verdict.why, method)
        refused = found.verdict
    started = time.perf_counter()
    yield Progress("checking", 0, 1)
    verdict = closed_form.judge_mix(gathered, base.parts, seed)
    yield Progress("checking", 1, 1)
    seconds["checking"] = time.perf_counter() - started
    started = time.perf_counter()
    if verdict.accepted:
        yield Progress("fitting", 0, 1)
        mix = closed_form.fit_mix(gathered, base.parts, seed)
        saved.write(out, base, mix, {"method": "experts", "seed": seed, "why": verdict.why})
        yield Progress("fitting", 1, 1)
        seconds["fitting"] = time.perf_counter() - started
    saved_as = "experts" if verdict.accepted else None
    if refused is None:
        return result(verdict, verdict.accepted, verdict.why, saved_as)
    return result(refused, False, f"what was trained: {refused.why}; the closed form: {verdict.why}", saved_as)


def _check_enough(gathered: Sequence[Gathered]) -> None:
    for one in gathered:
        if len(one) < FEWEST:
            raise UsageError(
                f"{one.name} has {len(one)} picture{'s' * (len(one) > 1)}; adaptation wants {FEWEST} or more of each "
                "collection: leave it out, or add pictures to it."
            )
        if not len(one.views):
            raise UsageError(f"{one.name} has no second views to judge by; name its folders of pictures instead.")
