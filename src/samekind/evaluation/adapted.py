"""Adapts an encoder and reports on it: in the encoder's folder as a page and as JSON, and as one result for a terminal.

Labels, where there are any, are looked at when all is written. They never take part in fitting or in the verdict.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from samekind.adapt.adapt import Adapted, adapt
from samekind.adapt.grow import METHOD, grow
from samekind.errors import UsageError
from samekind.evaluation import protocols
from samekind.evaluation.evaluate import NO_TUNE, evaluate
from samekind.evaluation.files import write_whole
from samekind.evaluation.labels import LabelledSet, read_labels
from samekind.evaluation.results import Evaluation, Scores
from samekind.evaluation.words import HEADLINES, JOINT, MEAN
from samekind.events import Event, Job, Progress
from samekind.settings import Settings, resolve, usable_threads

PAGE, FIGURES = "report.html", "report.json"
SETTINGS = {
    "base_plain": "base, plain",
    "base_tuned": "base, tuned",
    "new_plain": "new, plain",
    "new_tuned": "new, tuned",
}
"""The four ways to search that labels compare."""


@dataclass(frozen=True)
class LabelScores:
    """``by`` key of SETTINGS; the two of the new encoder are there where one was written."""

    by: Mapping[str, Evaluation]

    @property
    def compared(self) -> Evaluation | None:
        """The new encoder, tuned, against the base, tuned; None where nothing was written."""
        return replace(self.by["new_tuned"], against=self.by["base_tuned"]) if "new_tuned" in self.by else None

    @property
    def worse(self) -> list[str]:
        """The sets that the new encoder, tuned, searches worse than chance explains."""
        found = self.compared.differences if self.compared else {}
        names = [one.name for one in self.by["base_tuned"].sets]
        return [name for name in names if name in found and any(found[name][m].high < 0 for m in HEADLINES)]

    @property
    def better(self) -> bool:
        """Whether the new encoder, tuned, is better on the whole (the mean over sets) than chance explains."""
        if self.compared is None:
            return False
        clear = [one.mean for m in HEADLINES if (one := self.compared.differences["mean"][m]).significant]
        return bool(clear) and min(clear) > 0

    def rows(self) -> dict[str, dict[str, Mapping[str, float]]]:
        """Set (then the mean and the joint gallery, of several), setting, metric -> fraction."""
        some = next(iter(self.by.values()))
        found: dict[str, dict[str, Mapping[str, float]]] = {one.name: {} for one in some.sets}
        if len(some.sets) > 1:
            found |= {MEAN: {}, JOINT: {}}
        for setting, each in self.by.items():
            means: dict[str, Any] = {one.name: one.intervals for one in each.sets}
            means |= {MEAN: each.mean, JOINT: each.joint.intervals if each.joint else {}}
            for name, row in found.items():
                row[setting] = {metric: means[name][metric].mean for metric in HEADLINES}
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: ``sets``, ``mean``, ``joint``, each by setting; ``differences`` of new and base, both tuned."""
        some = next(iter(self.by.values()))

        def told(scores_of: Mapping[str, Mapping[str, Any]], queries: int) -> dict[str, Any]:
            return {
                "queries": queries,
                **{
                    setting: {metric: intervals[metric].mean for metric in HEADLINES}
                    for setting, intervals in scores_of.items()
                },
            }

        def joint(one: Evaluation) -> Scores:
            return one.joint or one.sets[0]

        queries = sum(len(one.queries) for one in some.sets)
        compared = self.compared
        return {
            "sets": {
                one.name: told({key: each.sets[at].intervals for key, each in self.by.items()}, len(one.queries))
                for at, one in enumerate(some.sets)
            },
            "mean": told({key: each.mean for key, each in self.by.items()}, queries),
            "joint": told({key: joint(each).intervals for key, each in self.by.items()}, len(joint(some).queries)),
            "differences": {
                row: {metric: each[metric].to_dict() for metric in HEADLINES}
                for row, each in (compared.differences if compared else {}).items()
            },
            "skipped": list(some.skipped),
        }


@dataclass(frozen=True)
class Report:
    """``adapted`` and everything around it. ``kinds``: the labelled pictures' set and label, by file.

    ``seconds`` of wall time by step; ``peak_bytes`` of memory, None where the system does not tell.
    """

    adapted: Adapted
    labels: LabelScores | None
    kinds: Mapping[Path, tuple[str, str]] = field(repr=False)
    settings: Mapping[str, str | int | float]
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    peak_bytes: int | None

    @property
    def page(self) -> Path | None:
        """The page, where an encoder was written."""
        return Path(self.adapted.encoder) / PAGE if self.adapted.encoder else None

    @property
    def exit_code(self) -> int:
        """1 where nothing was written, else 0."""
        return self.adapted.exit_code

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **self.adapted.to_dict(),
            "labels": self.labels.to_dict() if self.labels else None,
            "settings": dict(self.settings),
            "versions": dict(self.versions),
            "seconds": round(sum(self.seconds.values()), 3),
            "steps": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
            "peak_memory_bytes": self.peak_bytes,
            "report": str(self.page) if self.page else None,
        }


def adapt_and_report(
    sources: Sequence[str | Path],
    out: str | Path,
    encoder: str = "dino",
    method: str | None = None,
    *,
    teacher: str | None = None,
    grow_from: str | None = None,
    keep: Sequence[str | Path] = (),
    labels: Sequence[Path | str] = (),
    seed: int = 0,
    settings: Settings | None = None,
) -> Job[Report]:
    """``adapt``, then scores on ``labels`` files, then report.html and report.json in the encoder's folder.

    With ``grow_from`` it is ``grow`` of that encoder instead, which may ``keep`` collections and knows no method.

    Where nothing is written, nothing is: the result has it all. Raises what ``adapt`` and ``read_labels`` do, and
    UsageError for a set in which no picture has another of its label, before anything is done.
    """
    settings = settings or resolve()
    sets = read_labels(labels) if labels else []
    for one in sets:
        _check_scorable(one)
    if grow_from is None:
        job = adapt(sources, out, encoder, method, teacher=teacher, seed=seed, settings=settings)
    else:
        job = grow(sources, out, grow_from, keep=keep, seed=seed, settings=settings)
    asked: dict[str, str | int | float] = {"collections": ", ".join(map(str, sources)), "encoder": grow_from or encoder}
    asked |= {"teacher": teacher} if teacher else {}
    asked |= {"kept": ", ".join(map(str, keep))} if keep else {}
    asked |= {"labels": ", ".join(map(str, labels))} if labels else {}
    asked |= {"out": str(out), "seed": seed, "threads": usable_threads(settings)}
    return Job(_steps(job, list(labels), sets, asked, settings))


def _steps(
    job: Job[Adapted],
    labels: list[Path | str],
    sets: list[LabelledSet],
    asked: dict[str, str | int | float],
    settings: Settings,
) -> Generator[Event, None, Report]:
    from samekind.evaluation.adapted_page import page

    yield from job
    adapted = job.result()
    seconds = dict(adapted.seconds)
    scores = None
    if labels:
        started = time.perf_counter()
        scores = yield from _scored(adapted, labels, settings)
        seconds["labels"] = time.perf_counter() - started
    report = Report(
        adapted,
        scores,
        {
            (one.folder / path).resolve(): (one.name, label)
            for one in sets
            for path, label in zip(one.paths, one.labels, strict=True)
        },
        {**asked, "method": adapted.method, **adapted.insight.settings},
        _versions(trained=adapted.method not in ("experts", METHOD)),
        seconds,
        _peak_bytes(),
    )
    if report.page:
        yield Progress("writing the report", 0, 1)
        write_whole(report.page, [page(report)])
        write_whole(report.page.with_name(FIGURES), [json.dumps(report.to_dict(), indent=2) + "\n"])
        yield Progress("writing the report", 1, 1)
    return report


def _scored(adapted: Adapted, labels: list[Path | str], settings: Settings) -> Generator[Event, None, LabelScores]:
    from samekind.encoders.load import load_encoder

    growth = adapted.insight.growth
    base = load_encoder(growth.grown_from if growth else adapted.base, settings)
    by: dict[str, Evaluation] = {}
    if adapted.encoder is None:
        job = evaluate(labels, base, against=NO_TUNE, settings=settings)
        yield from job
        by["base_tuned"], by["base_plain"] = _apart(job.result())
    else:
        new = load_encoder(adapted.encoder, settings)
        for tune, kind in ((False, "plain"), (True, "tuned")):
            job = evaluate(labels, new, tune=tune, against=base, settings=settings)
            yield from job
            by[f"new_{kind}"], by[f"base_{kind}"] = _apart(job.result())
    return LabelScores({key: replace(by[key], setting=name) for key, name in SETTINGS.items() if key in by})


def _apart(found: Evaluation) -> tuple[Evaluation, Evaluation]:
    if found.against is None:
        raise ValueError("this evaluation compares nothing")
    return replace(found, against=None), replace(found.against, skipped=found.skipped)


def _check_scorable(one: LabelledSet) -> None:
    task = protocols.task_of(one, "own")
    searched = np.array(one.labels)[task.gallery]
    if not any(np.count_nonzero(searched == one.labels[row]) > (one.splits[row] == "both") for row in task.queries):
        raise UsageError(
            f"Set {one.name}: no query has a picture of its own class to find; a class needs two pictures or more."
        )


def _versions(trained: bool) -> dict[str, str]:
    names = ["samekind", "numpy", "openvino", *(["torch"] if trained else [])]
    found = {}
    for name in names:
        with suppress(importlib.metadata.PackageNotFoundError):  # a torch that was built by hand has no metadata
            found[name] = importlib.metadata.version(name)
    return {**found, "python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}


def _peak_bytes() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
