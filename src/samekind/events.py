"""What long jobs say while they run. Only the doors print."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` units of ``stage`` (total is None while it is not known)."""

    stage: str
    done: int
    total: int | None = None


@dataclass(frozen=True)
class Skipped:
    """A picture that was left out: where it is, a short reason code, and the detail."""

    path: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Warned:
    """Something the person should know; the job goes on."""

    message: str


@dataclass(frozen=True)
class Chosen:
    """An "auto" that was resolved: what, to which value, and why."""

    what: str
    value: str
    why: str


Event = Progress | Skipped | Warned | Chosen


class Job(Generic[T]):
    """A long call: iterate it for its events, or ask for ``result()``, which runs what is left of it.

    The work happens while it is iterated; a job that is dropped half-way has done half of its work.
    """

    def __init__(self, steps: Generator[Event, None, T]) -> None:
        self._steps = steps
        self._result: list[T] = []

    def __iter__(self) -> Iterator[Event]:
        while not self._result:
            try:
                event = next(self._steps)  # not "yield from": leaving the loop must not end the job
            except StopIteration as end:
                self._result.append(end.value)
            else:
                yield event

    def result(self) -> T:
        """Runs the job to its end and returns what it made; further calls return the same."""
        for _ in self:
            pass
        return self._result[0]
