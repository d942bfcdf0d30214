"""Which pictures a tuning may see, which are searched, and which are asked about.

own   fit on all pictures of a set, search among them: what a person does with a finished collection.
new   fit on the pictures of half of the classes, search among the other half only: what happens as new things come in.
      A class is fitted on where crc32 of its label is even; splits 1 and 2 append a suffix to the label first.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError, unknown_name
from samekind.evaluation.labels import LabelledSet

PROTOCOLS = ("own", "new")
SPLITS = (0, 1, 2)
# of different lengths: crc32 is linear, so suffixes of one length ("#1", "#2") give one and the same halving
_SUFFIXES = ("", "#1", "#22")

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """Row numbers of a labelled set, ascending: to fit on, to search among, to ask about."""

    fit: Rows
    gallery: Rows
    queries: Rows

    @property
    def own(self) -> Rows:
        """(q,) for each query its own number within ``gallery``, or -1 where it is not in it."""
        at = np.searchsorted(self.gallery, self.queries)
        inside = np.minimum(at, len(self.gallery) - 1)
        return np.where(self.gallery[inside] == self.queries, inside, -1)


def check_protocol(protocol: str, split: int) -> None:
    """Raises UsageError for a protocol or a split that does not exist, or a split where none is used."""
    if protocol not in PROTOCOLS:
        raise unknown_name("protocol", protocol, PROTOCOLS)
    if split not in SPLITS:
        raise UsageError(f"There is no split {split}; take one of {', '.join(map(str, SPLITS))}.")
    if split and protocol != "new":
        raise UsageError(f"Split {split} belongs to protocol new; ask for --protocol new, or leave the split out.")


def in_fit_half(label: str, split: int) -> bool:
    """Whether protocol ``new`` fits on the pictures of this class."""
    return zlib.crc32((label + _SUFFIXES[split]).encode()) % 2 == 0


def task_of(labelled: LabelledSet, protocol: str, split: int = 0) -> Task:
    """The rows that a protocol assigns to each role. Raises UsageError where nothing is left to search or to fit on."""
    check_protocol(protocol, split)
    searched, asked = labelled.searched, labelled.asked
    if protocol == "own":
        task = Task(np.flatnonzero(searched), np.flatnonzero(searched), np.flatnonzero(asked))
    else:
        half = np.array([in_fit_half(label, split) for label in labelled.labels], np.bool_)
        task = Task(np.flatnonzero(searched & half), np.flatnonzero(searched & ~half), np.flatnonzero(asked & ~half))
        if not len(task.fit):
            raise UsageError(f"Set {labelled.name}: split {split} leaves no class to fit on; try another split.")
    if not len(task.gallery) or not len(task.queries):
        missing = "gallery" if len(task.queries) else "query"
        raise UsageError(f"Set {labelled.name}: no {missing} picture under protocol {protocol}; look at column split.")
    return task


def joined(tasks: Sequence[Task], sizes: Sequence[int]) -> Task:
    """One task over sets laid end to end, ``sizes`` being their numbers of rows."""
    starts = np.cumsum([0, *sizes[:-1]])
    pairs = list(zip(tasks, starts, strict=True))
    return Task(
        np.concatenate([task.fit + start for task, start in pairs]),
        np.concatenate([task.gallery + start for task, start in pairs]),
        np.concatenate([task.queries + start for task, start in pairs]),
    )
