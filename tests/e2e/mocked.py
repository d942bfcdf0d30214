"""The command with an encoder ``mock`` that needs no weights: ``python mocked.py WORDS``, a process as any other.

END_AT=SIGNAL:STAGE[:N] sends the process a signal of its own at the N-th event of a stage (the first unless said), or
in the middle of writing the encoder's folder where the stage is "writing". FEW_ROUNDS=1: two rounds of training
are enough, and the gate accepts what comes of them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import safetensors.numpy

from samekind.adapt import trained, trial
from samekind.adapt.gate import Verdict, judge
from samekind.adapt.grappa import Variant
from samekind.cli import progress
from samekind.cli.app import main
from samekind.collection import pipeline, sync
from samekind.encoders import load
from samekind.events import Event, Job, Progress
from tests.collection.mock import MockEncoder

load_encoder, fetch, follow, save_file = load.load_encoder, load.fetch, progress.follow, safetensors.numpy.save_file


def with_mock() -> None:
    """Its name is known where encoders are loaded, as the base of an adapted one, too."""
    load.load_encoder = lambda name, *rest: MockEncoder() if name == "mock" else load_encoder(name, *rest)
    load.fetch = lambda name, *rest: Job(iter(())) if name == "mock" else fetch(name, *rest)
    pipeline.BATCH = sync.COMMIT_PICTURES = 16


def ending(number: signal.Signals, stage: str, at: int) -> None:
    """The process meets its end at that moment."""

    def watched(events: Job[Any], left: int) -> Iterator[Event]:
        for event in events:
            left -= isinstance(event, Progress) and event.stage == stage
            if left <= 0:
                os.kill(os.getpid(), number)
            yield event
        return events.result()

    def half_saved(tensors: Any, file: Path) -> None:
        save_file(tensors, file)
        os.truncate(file, file.stat().st_size // 2)
        os.kill(os.getpid(), number)

    progress.follow = lambda job, **more: follow(Job(watched(job, at)), **more)
    if stage == "writing":
        safetensors.numpy.save_file = half_saved


class Accepted(Verdict):
    """A verdict for the flow's sake."""

    accepted, why = True, "as asked"  # type: ignore[assignment]


def accepted(*asked: Any) -> Any:
    """Whatever comes of it."""
    found = judge(*asked)
    return Accepted(found.overall, found.collections)


if __name__ == "__main__":
    with_mock()
    if end := os.environ.get("END_AT"):
        name, stage, *at = end.split(":")
        ending(signal.Signals[name], stage, int(*at) if at else 1)
    if os.environ.get("FEW_ROUNDS"):
        trained.grappa = partial(trained.grappa, variant=Variant(epochs=(2, 2)))  # type: ignore[assignment]
        trial.judge = accepted
    main()
