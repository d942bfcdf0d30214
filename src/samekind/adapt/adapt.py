"""The whole adaptation: collections and folders in, one encoder folder out, or the reason why not."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samekind.adapt import closed_form, saved
from samekind.adapt.gate import Judged, Verdict
from samekind.adapt.gather import Gathered, gather
from samekind.encoders.base import Encoder
from samekind.errors import EXIT_FOUND, EXIT_NOTHING, UsageError, unknown_name
from samekind.events import Event, Job, Progress
from samekind.settings import Settings, resolve

METHODS = ("experts",)
FEWEST = 50
"""Pictures of a collection, and second views of it that it can be judged by."""


@dataclass(frozen=True)
class Adapted:
    """What came of it: ``accepted`` or not and ``why``; the ``encoder`` folder where it was written.

    ``collections`` by name: what the gate saw in each; ``seconds`` of wall time by step.
    """

    accepted: bool
    why: str
    encoder: str | None
    base: str
    method: str
    seed: int
    overall: Judged
    collections: Mapping[str, Judged]
    pictures: Mapping[str, int]
    seconds: Mapping[str, float]

    @property
    def exit_code(self) -> int:
        """1 where it was refused, else 0."""
        return EXIT_FOUND if self.accepted else EXIT_NOTHING

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "verdict": "accepted" if self.accepted else "refused",
            "why": self.why,
            "encoder": self.encoder,
            "base": self.base,
            "method": self.method,
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
    method: str = "experts",
    *,
    seed: int = 0,
    settings: Settings | None = None,
) -> Job[Adapted]:
    """Fits one encoder to several collections (or folders of pictures), without labels, and writes it to ``out``.

    ``encoder`` is the base that the collections were made with. ``out`` must not exist yet. Where the gate refuses,
    nothing is written. Raises UsageError for impossible choices and for collections of fewer than 50 pictures,
    EncoderMismatch for a collection of another encoder, StorageError.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if not sources:
        raise UsageError("There is nothing to adapt to; name collections or folders of pictures.")
    saved.check_new(Path(out))
    return Job(_steps(sources, Path(out).expanduser().absolute(), encoder, method, seed, settings or resolve()))


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
    return (yield from fitted(gathered, base, out, method, seed, seconds))


def fitted(
    gathered: Sequence[Gathered], base: Encoder, out: Path, method: str, seed: int, seconds: dict[str, float]
) -> Generator[Event, None, Adapted]:
    """Fits, judges and writes what was gathered."""
    started = time.perf_counter()
    yield Progress("checking", 0, 1)
    verdict = closed_form.judge_mix(gathered, base.parts, seed)
    yield Progress("checking", 1, 1)
    seconds["checking"] = time.perf_counter() - started
    if verdict.accepted:
        started = time.perf_counter()
        yield Progress("fitting", 0, 1)
        mix = closed_form.fit_mix(gathered, base.parts, seed)
        yield Progress("fitting", 1, 1)
        seconds["fitting"] = time.perf_counter() - started
        saved.write(out, base, mix, {"method": method, "seed": seed, "why": verdict.why})
    return _result(gathered, verdict, out, base, method, seed, seconds)


def _result(
    gathered: Sequence[Gathered],
    verdict: Verdict,
    out: Path,
    base: Encoder,
    method: str,
    seed: int,
    seconds: Mapping[str, float],
) -> Adapted:
    return Adapted(
        verdict.accepted,
        verdict.why,
        str(out) if verdict.accepted else None,
        base.name,
        method,
        seed,
        verdict.overall,
        verdict.collections,
        {one.name: len(one) for one in gathered},
        seconds,
    )


def _check_enough(gathered: Sequence[Gathered]) -> None:
    for one in gathered:
        if len(one) < FEWEST or not len(one.views):
            raise UsageError(
                f"{one.name} has {len(one)} pictures; adaptation wants {FEWEST} or more of each collection: leave it "
                "out, or add pictures to it."
            )
