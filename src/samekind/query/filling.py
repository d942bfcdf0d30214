"""Candidates to hits: where each picture is, how sure its score is, what the person wrote about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.collection import kinds
from samekind.query.hits import Hit

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.tuning import Tuning

_CALIBRATED_ON = 2_000


def candidates(
    collection: Collection,
    ids: Sequence[str],
    scores: NDArray[np.float32],
    confidences: NDArray[np.float64],
    hashes: frozenset[str],
) -> tuple[Hit, ...]:
    """Hits in this order, not grouped yet; ``hashes`` are those of files that were asked with."""
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
        for rank, (row, score, confidence) in enumerate(
            zip(collection.rows(ids, [*own, "hash", *([kind] if kind else [])]), scores, confidences, strict=True), 1
        )
    )


def confidence(collection: Collection, scores: NDArray[np.float32], tuned: bool) -> NDArray[np.float64]:
    """0..1 for scores of pictures, by the collection's own calibration."""
    tuning = collection.tuning
    if tuning is None:
        tuning = _calibrated(collection)
    return tuning.confidence(scores, tuned)


def _calibrated(collection: Collection) -> Tuning:
    """What scores mean in a collection that was never tuned, from a sample of its pictures; tens of milliseconds."""
    from samekind.tuning import fit

    matrix = collection.vectors(tuned=False).matrix
    sample = matrix[np.random.default_rng(0).permutation(len(matrix))[:_CALIBRATED_ON]]
    return fit(sample, collection.parts, np.zeros((0, 0, collection.dim), np.float32), np.zeros(0, np.intp))
