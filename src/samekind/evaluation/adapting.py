"""Adapts an encoder to the pictures that a protocol may learn from, without their labels, to measure it."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from pathlib import Path

from samekind.adapt.adapt import Adapted, check_enough, fitted
from samekind.adapt.gather import Gathered
from samekind.encoders.adapted import read_about
from samekind.encoders.base import Encoder
from samekind.encoders.load import adapted_folder, fetch, load_encoder
from samekind.errors import UsageError
from samekind.evaluation import protocols
from samekind.evaluation.labels import read_labels
from samekind.evaluation.vectors import vectors_of
from samekind.events import Event, Job
from samekind.settings import Settings, resolve


def adapt_on(
    label_files: Sequence[Path | str],
    encoder: str,
    protocol: str,
    out: Path,
    *,
    split: int = 0,
    method: str = "both",
    seed: int = 0,
    settings: Settings | None = None,
) -> Job[Adapted]:
    """One encoder for all labelled sets, adapted to what ``protocol`` fits on, written to ``out``.

    ``encoder`` is a known one, adapted by ``method`` and ``seed``, or the folder of an adapted one, whose base, method
    and seed are taken instead. Raises what ``adapt`` and ``read_labels`` do.
    """
    protocols.check_protocol(protocol, split)
    folder = adapted_folder(encoder)
    if folder is not None:
        about = read_about(folder)
        if "grown_from" in about.rest:
            raise UsageError(f"{folder} has grown step by step; --adapt-on measures what was adapted at once.")
        encoder, method, seed = about.base, str(about.rest["method"]), int(about.rest["seed"])
    return Job(_steps(label_files, encoder, protocol, out, split, method, seed, settings or resolve()))


def _steps(
    label_files: Sequence[Path | str],
    name: str,
    protocol: str,
    out: Path,
    split: int,
    method: str,
    seed: int,
    settings: Settings,
) -> Generator[Event, None, Adapted]:
    yield from fetch(name, settings)
    base: Encoder = load_encoder(name, settings)
    started = time.perf_counter()
    gathered = []
    for labelled in read_labels(label_files):
        found = yield from vectors_of(labelled, base, settings)
        task = protocols.task_of(labelled.take(found.rows), protocol, split)
        look, views, view_rows = found.take(task.fit)
        files = tuple(labelled.folder / labelled.paths[row] for row in found.rows[task.fit])
        gathered.append(Gathered(labelled.name, look, views, view_rows, files))
    check_enough(gathered)
    seconds = {"gathering": time.perf_counter() - started}
    return (yield from fitted(gathered, base, out, method, seed, seconds, settings))
