"""Several ways to ask the same thing at once, paraphrases, languages or crops for instance: one list of hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError, unknown_name
from samekind.query.hits import COLLAPSE_AT, Hit, Hits, Seconds, check_collapse, check_confidence
from samekind.query.model import Query
from samekind.query.search import search

if TYPE_CHECKING:
    from samekind.collection import Collection

FUSIONS = ("rank", "confidence")
_DEPTH = 100
_LATE = 60
"""What is added to a rank before it is inverted (Cormack et al., 2009)."""


def search_several(
    collection: Collection,
    queries: Sequence[Query],
    *,
    k: int = 10,
    fuse: str = "rank",
    min_confidence: float = 0.0,
    collapse: float | None = COLLAPSE_AT,
    **how: Any,
) -> Hits:
    """The hits of several queries in one order; ``how`` is what ``search`` takes besides, for each of them.

    ``fuse`` "rank": a hit's score is the sum over queries of 1 / (60 + its rank), among the first 100 of each
    (reciprocal rank fusion). "confidence": the mean over queries of its confidence, 0 where it is not among these. A
    hit's own confidence is the greatest that a query has in it. ``roles`` say what each query gives to the score.

    Raises UsageError without a query, for an unknown ``fuse``, and what ``search`` raises.
    """
    if not queries:
        raise UsageError("Say at least one way to ask.")
    if fuse not in FUSIONS:
        raise unknown_name("way to fuse", fuse, FUSIONS)
    check_confidence(min_confidence)
    check_collapse(collapse)
    found = [search(collection, query, k=max(_DEPTH, k), collapse=None, **how) for query in queries]
    sure: dict[str, tuple[Hit, NDArray[np.float32]]] = {}
    parts: dict[str, dict[str, float]] = {}
    for way, hits in enumerate(found, 1):
        for hit, vector in zip(hits, hits.vectors, strict=False):
            given = 1 / (_LATE + hit.rank) if fuse == "rank" else hit.confidence / len(found)
            parts.setdefault(hit.id, {})[f"query {way}"] = given
            if hit.id not in sure or hit.confidence > sure[hit.id][0].confidence:
                sure[hit.id] = hit, vector
    scores = {id_: sum(given.values()) for id_, given in parts.items()}
    order = sorted(scores, key=lambda id_: -scores[id_])
    return Hits(
        candidates=tuple(replace(sure[id_][0], score=scores[id_], roles=parts[id_]) for id_ in order),
        vectors=np.stack([sure[id_][1] for id_ in order]) if order else np.zeros((0, collection.dim), np.float32),
        collection=found[0].collection,
        encoder=found[0].encoder,
        tuned=found[0].tuned,
        k=k,
        min_confidence=min_confidence,
        collapse=collapse,
        eye=found[0].eye,
        seconds=Seconds(*np.sum([list(hits.seconds.to_dict().values()) for hits in found], axis=0).tolist()),
    )
