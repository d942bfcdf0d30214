"""Candidates to hits: where each picture is, how sure its score is, what the person wrote about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from samekind.collection import kinds
from samekind.query.hits import Hit

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.tuning import Tuning

Row = dict[str, Any]

_CALIBRATED_ON = 2_000
_CALIBRATED: WeakKeyDictionary[Collection, tuple[tuple[int, str], Tuning]] = WeakKeyDictionary()


def rows_of(collection: Collection, ids: Sequence[str]) -> list[Row]:
    """What hits tell of these pictures, in this order."""
    kind = kinds.shown(collection.table)
    return collection.rows(ids, [*collection.table.person_columns, "hash", *([kind] if kind else [])])


def candidates(
    collection: Collection,
    rows: Sequence[Row],
    scores: NDArray[np.float32],
    confidences: NDArray[np.float64],
    hashes: frozenset[str],
) -> tuple[Hit, ...]:
    """Hits of these rows in this order, not grouped yet; ``hashes`` are those of files that were asked with."""
    own = list(collection.table.person_columns)
    kind = kinds.shown(collection.table)
    named = kinds.names(collection.table) if kind else {}
    return tuple(
        Hit(
            rank=rank,
            id=row["id"],
            root=row["root"],
            path=row["path"],
            file=row["file"],
            score=float(score),
            confidence=float(confidence),
            same_file=row["hash"] in hashes,
            columns={name: row[name] for name in own} | ({"kind": kinds.called(row[kind], named)} if kind else {}),
        )
        for rank, (row, score, confidence) in enumerate(zip(rows, scores, confidences, strict=True), 1)
    )


def confidence(collection: Collection, scores: NDArray[np.float32], tuned: bool) -> NDArray[np.float64]:
    """0..1 for scores of pictures, by the collection's own calibration."""
    tuning = collection.tuning
    if tuning is None:
        tuning = _calibrated(collection)
    return tuning.confidence(scores, tuned)


def _calibrated(collection: Collection) -> Tuning:
    """What scores mean in a collection that was never tuned, from a sample of its pictures; kept for its version."""
    from samekind.tuning import fit

    version = collection.table.version, collection.fingerprint
    known = _CALIBRATED.get(collection)
    if known is None or known[0] != version:
        matrix = collection.vectors(tuned=False).matrix
        sample = matrix[np.random.default_rng(0).permutation(len(matrix))[:_CALIBRATED_ON]]
        made = fit(sample, collection.parts, np.zeros((0, 0, collection.dim), np.float32), np.zeros(0, np.intp))
        known = _CALIBRATED[collection] = version, made
    return known[1]
