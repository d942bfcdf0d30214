"""Shows a job's events on standard error while it runs: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import TypeVar

from samekind.events import Chosen, Event, Job, Progress, Skipped, Warned

T = TypeVar("T")
_SHOWN_SKIPS = 20
_REMEMBERED_SECONDS = 120
"""What the time left is told from: long enough for slow steps, such as those of training."""


def follow(job: Job[T], *, quiet: bool = False) -> T:
    """Runs the job to its end and returns its result.

    On a terminal one bar a stage, with rate and time left. In pipes only what was skipped and warnings, unless
    ``quiet``.
    """
    if quiet:
        return job.result()
    if not sys.stderr.isatty():
        skips = 0
        for event in job:
            skips += isinstance(event, Skipped)
            _line(event, skips)
        return job.result()
    return _with_bar(job)


def _line(event: Event, skips: int) -> None:
    if isinstance(event, Warned):
        sys.stderr.write(f"samekind: {event.message}\n")
    elif isinstance(event, Skipped) and skips <= _SHOWN_SKIPS:
        sys.stderr.write(f"skipped {event.path}: {event.reason}{f' ({event.detail})' if event.detail else ''}\n")
    elif isinstance(event, Skipped) and skips == _SHOWN_SKIPS + 1:
        sys.stderr.write("further skipped pictures are only counted; samekind list --where state=skipped shows all\n")


def _with_bar(job: Job[T]) -> T:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    skips = 0
    with Bars(*columns, console=console, transient=True, speed_estimate_period=_REMEMBERED_SECONDS) as bars:
        tasks: dict[str, object] = {}
        for event in job:
            if isinstance(event, Progress):
                if event.stage not in tasks:
                    tasks[event.stage] = bars.add_task(event.stage, total=event.total, rate="")
                task = bars.tasks[list(tasks).index(event.stage)]
                if event.done == 0 and task.completed:
                    bars.reset(task.id, start=True)  # the same stage once more: its speed is its own
                rate = f"{task.speed:.{int(task.speed < 10)}f}/s" if task.speed else ""
                bars.update(task.id, completed=event.done, total=event.total, rate=rate)
            elif isinstance(event, Chosen):
                console.print(f"[dim]{event.what}: {event.value} ({event.why})[/dim]", highlight=False)
            else:
                skips += isinstance(event, Skipped)
                _line(event, skips)
    return job.result()
