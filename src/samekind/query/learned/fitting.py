"""Learns a composition on a collection, judges it, and keeps it with its verdict."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError
from samekind.events import Event, Job, Progress
from samekind.query.composing import METHODS, USUAL, Given, Scores, composed
from samekind.query.hits import COLLAPSE_AT
from samekind.query.learned.descent import Lesson, trained
from samekind.query.learned.evidence import Bank, parts
from samekind.query.learned.gate import LearnedComposition, judged
from samekind.query.learned.head import Head
from samekind.query.learned.saved import made_for, save
from samekind.query.learned.triplets import Triplet, self_made
from samekind.query.wordings import prepare, wording_of
from samekind.query.wordings.concepts import ConceptWording

if TYPE_CHECKING:
    from samekind.collection import Collection

BANK, TRIPLETS, FOLDS = 4_000, 800, 2
"""Pictures at most that are looked at, queries at most that are made of them, and parts of these held out in turn."""
USUALLY = METHODS[USUAL].sliders


def learn_composition(collection: Collection, *, seed: int = 0) -> Job[LearnedComposition]:
    """Learns how this collection's pictures and words become one, without labels, and whether that helps.

    The job raises UsageError for a collection whose words go by its encoder's own text tower or that holds too few
    pictures to pair, CollectionBusy and StorageError.
    """
    return Job(_learned(collection, seed))


def _learned(collection: Collection, seed: int) -> Generator[Event, None, LearnedComposition]:
    yield from prepare(collection)
    collection.refresh()
    yield Progress("learning to compose", 0, 2)
    head, verdict = fitted(collection, seed)
    yield Progress("learning to compose", 1, 2)
    save(collection, head, verdict)
    yield Progress("learning to compose", 2, 2)
    return verdict


def fitted(collection: Collection, seed: int = 0) -> tuple[Head, LearnedComposition]:
    """The head and its verdict, by the triplets of that ``seed``; nothing is written.

    Cross-fitted: heads that were trained without some references are judged on those; what is kept has seen all.
    """
    started = time.perf_counter()
    bank = bank_of(collection, seed)
    rng = np.random.default_rng(seed)
    triplets = self_made(bank, TRIPLETS, rng, _columns(collection, bank))
    references = rng.permutation(sorted({one.reference for one in triplets}))
    if len(references) < FOLDS:
        raise UsageError(
            f"{collection.path} holds too few pictures that are alike and differ in words; sync more before learning."
        )
    given = bank.given([one.reference for one in triplets], [one.text for one in triplets])
    others, targets = _others(bank, triplets), [one.target for one in triplets]
    free = {method: ranks(others, targets, [_by(method, one) for one in given]) for method in METHODS}
    asked = _Lessons(bank, triplets, np.stack([parts(one) for one in given]), others, collection.dim)
    before, after = np.zeros((2, len(triplets)), np.int64)
    for fold in np.array_split(references, FOLDS):
        out = np.isin([one.reference for one in triplets], fold)
        before[out] = free[_best(free, ~out)][out]
        after[out] = asked.ranks(asked.learn(~out), out)
    against = _best(free, np.ones(len(triplets), np.bool_))
    accepted, why, windows = judged(before, after, [one.window for one in triplets], against)
    head = asked.learn(np.ones(len(triplets), np.bool_))
    seconds = round(time.perf_counter() - started, 1)
    made = made_for(collection)
    return head, LearnedComposition(accepted, why, against, len(bank), len(triplets), windows, *made, seed, seconds)


@dataclass(frozen=True, eq=False)
class _Lessons:
    """All triplets of a bank with ``parts`` (q, PARTS, n) and ``others`` (q, n); ``dim`` of a stored row's numbers are
    its picture's."""

    bank: Bank
    triplets: Sequence[Triplet]
    parts: NDArray[np.float32]
    others: NDArray[np.bool_]
    dim: int

    def learn(self, some: NDArray[np.bool_]) -> Head:
        """The head that these (q,) teach."""
        rows = np.flatnonzero(some)
        few = [self.triplets[int(row)] for row in rows]
        references, targets = (np.array([getattr(one, side) for one in few]) for side in ("reference", "target"))
        spread = float((self.bank.asked[references] @ self.bank.stored.T).std(axis=1).mean())
        lesson = Lesson(self.parts[rows], [one.text for one in few], references, targets, spread)
        return trained(lesson, self.bank.stored[:, : self.dim])

    def ranks(self, head: Head, some: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The ranks by a head of the targets of these (q,)."""
        few = [self.triplets[int(row)] for row in np.flatnonzero(some)]
        stored, change, keep = self.bank.stored, *USUALLY
        scores = [
            head.scores(each, stored, one.text, change, keep) for one, each in zip(few, self.parts[some], strict=True)
        ]
        return ranks(self.others[some], [one.target for one in few], scores)


def bank_of(collection: Collection, seed: int = 0) -> Bank:
    """All pictures, or BANK of them drawn by ``seed``. Raises UsageError where no concepts say what pictures show."""
    wording = wording_of(collection)
    if not isinstance(wording, ConceptWording):
        raise UsageError(
            f"The words of {collection.path} go by its encoder's own text tower, where no composition is learned; "
            "name another method."
        )
    some = np.sort(np.random.default_rng(seed).permutation(len(wording.ids))[:BANK])
    if len(some) < len(wording.ids):
        wording = replace(
            wording,
            ids=[wording.ids[row] for row in some],
            rows=wording.rows[some],
            looks=wording.looks[some],
            concepts=wording.concepts[some],
        )
    stored = collection.vectors(tuned=True).matrix[wording.rows]
    return Bank(wording, stored, collection.searched[1](wording.looks))


def ranks(others: NDArray[np.bool_], targets: Sequence[int], scores: Sequence[Scores]) -> NDArray[np.int64]:
    """(q,) ranks from 1 of the targets among ``others`` (q, n); of equal scores all others go first."""
    found = np.empty(len(targets), np.int64)
    for at, (target, each) in enumerate(zip(targets, scores, strict=True)):
        found[at] = 1 + np.count_nonzero(each[others[at]] >= each[target])
    return found


def _others(bank: Bank, triplets: Sequence[Triplet]) -> NDArray[np.bool_]:
    """(q, n) all but the target, the reference and the reference's copies."""
    looks, rows = bank.wording.looks, np.arange(len(triplets))
    references = [one.reference for one in triplets]
    others = looks[references] @ looks.T < COLLAPSE_AT
    others[rows, references] = False
    others[rows, [one.target for one in triplets]] = False
    return np.asarray(others, np.bool_)


def _best(free: Mapping[str, NDArray[np.int64]], some: NDArray[np.bool_]) -> str:
    """The training-free method with the most targets first, then with the most among the first ten."""
    return max(free, key=lambda name: (np.mean(free[name][some] <= 1), np.mean(free[name][some] <= 10)))


def _by(method: str, given: Given) -> Scores:
    return composed(given, method, *METHODS[method].sliders)


def _columns(collection: Collection, bank: Bank) -> dict[str, list[str | None]]:
    """The person's own columns that hold texts, for each picture of the bank."""
    names = [name for name, kind in collection.table.person_columns.items() if kind == "str"]
    if not names:
        return {}
    rows = collection.rows(bank.wording.ids, names)
    return {name: [row[name] for row in rows] for name in names}
