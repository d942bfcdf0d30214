"""The whole evaluation: labels files in, scores out."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from samekind.encoders.base import Encoder
from samekind.errors import UsageError
from samekind.evaluation import protocols
from samekind.evaluation.labels import LabelledSet, read_labels
from samekind.evaluation.measure import joined_labels, measure
from samekind.evaluation.results import Evaluation
from samekind.evaluation.vectors import SetVectors, joined, vectors_of
from samekind.events import Event, Job, Progress
from samekind.query.wider import FINE, level_of
from samekind.settings import Settings, resolve

NO_TUNE = "no-tune"


def evaluate(
    label_files: Sequence[Path | str],
    encoder: str | Encoder = "dino",
    protocol: str = "own",
    tune: bool = True,
    *,
    split: int = 0,
    against: str | Encoder | None = None,
    depth: int = 10,
    granularity: float | str = FINE,
    settings: Settings | None = None,
) -> Job[Evaluation]:
    """Measures search on labelled pictures: one labels.csv a set, or the folder that holds it.

    ``encoder`` and ``against``: a name or a loaded Encoder. ``protocol``: "own" or "new" (see `protocols.py`), and
    ``split`` 0, 1 or 2 for three halvings of the classes under "new". ``tune``: fit the vectors without labels as a
    collection does, or take them as the encoder gives them. ``against``: "no-tune", or another encoder, measured on the
    same pictures so that the difference can be told. ``depth``: how many of the best hits are kept for each query.
    ``granularity``: how wide is searched, from 0 ("fine") to 1 ("coarse"), as `search` takes it.

    Vectors are kept in the cache folder, so a second evaluation encodes nothing. Raises UsageError for labels that
    break the contract and for impossible choices, EncoderError for an encoder that cannot be used.
    """
    protocols.check_protocol(protocol, split)
    if against == NO_TUNE and not tune:
        raise UsageError("Plain against plain tells nothing; leave out --no-tune, or compare with another encoder.")
    plan = _Plan(protocol, split, tune, depth, level_of(granularity))
    return Job(_steps(label_files, encoder, against, plan, settings or resolve()))


@dataclass(frozen=True)
class _Plan:
    protocol: str
    split: int
    tune: bool
    depth: int
    level: float


def _steps(
    label_files: Sequence[Path | str],
    encoder: str | Encoder,
    against: str | Encoder | None,
    plan: _Plan,
    settings: Settings,
) -> Generator[Event, None, Evaluation]:
    sets = read_labels(label_files)
    for labelled in sets:
        protocols.task_of(labelled, plan.protocol, plan.split)
    first = yield from _loaded(encoder, settings)
    chosen = [(first, plan)]
    if against == NO_TUNE:
        chosen.append((first, replace(plan, tune=False)))
    elif against is not None:
        chosen.append(((yield from _loaded(against, settings)), plan))

    vectors: dict[str, list[SetVectors]] = {}
    for one, _ in chosen:
        if one.fingerprint not in vectors:
            vectors[one.fingerprint] = []
            for labelled in sets:
                vectors[one.fingerprint].append((yield from vectors_of(labelled, one, settings)))
    usable = [_usable([each[at] for each in vectors.values()]) for at in range(len(sets))]
    skipped = tuple(
        str(labelled.folder / path)
        for labelled, rows in zip(sets, usable, strict=True)
        for row, path in enumerate(labelled.paths)
        if row not in set(rows.tolist())
    )
    kept = [labelled.take(rows) for labelled, rows in zip(sets, usable, strict=True)]
    found = []
    for one, its_plan in chosen:
        looks = [each.keep(rows) for each, rows in zip(vectors[one.fingerprint], usable, strict=True)]
        found.append(replace((yield from _measured(kept, looks, one, its_plan)), skipped=skipped))
    return found[0] if len(found) == 1 else replace(found[0], against=found[1])


def _loaded(encoder: str | Encoder, settings: Settings) -> Generator[Event, None, Encoder]:
    if not isinstance(encoder, str):
        return encoder
    from samekind.encoders.load import fetch, load_encoder

    yield from fetch(encoder, settings)
    return load_encoder(encoder, settings)


def _usable(found: Sequence[SetVectors]) -> protocols.Rows:
    rows = found[0].rows
    for one in found[1:]:
        rows = np.intersect1d(rows, one.rows)
    return rows


def _measured(
    sets: Sequence[LabelledSet], vectors: Sequence[SetVectors], encoder: Encoder, plan: _Plan
) -> Generator[Event, None, Evaluation]:
    tasks = [protocols.task_of(labelled, plan.protocol, plan.split) for labelled in sets]
    scores = []
    for done, (labelled, found, task) in enumerate(zip(sets, vectors, tasks, strict=True)):
        yield Progress("measuring", done, len(sets) + 1)
        scores.append(measure(labelled, found, task, encoder.parts, plan.tune, plan.depth, plan.level))
    yield Progress("measuring", len(sets), len(sets) + 1)
    whole = protocols.joined(tasks, [len(labelled) for labelled in sets])
    joint = measure(joined_labels(sets), joined(vectors), whole, encoder.parts, plan.tune, plan.depth, plan.level)
    yield Progress("measuring", len(sets) + 1, len(sets) + 1)
    return Evaluation(
        f"{encoder.name}, {'tuned' if plan.tune else 'plain'}"
        + (f", granularity {plan.level:g}" if plan.level > FINE else ""),
        {
            "encoder": encoder.name,
            "fingerprint": encoder.fingerprint,
            "tuned": plan.tune,
            "protocol": plan.protocol,
            "split": plan.split,
            "granularity": plan.level,
        },
        tuple(scores),
        joint,
    )
