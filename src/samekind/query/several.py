"""Several ways to ask the same thing at once, paraphrases, crops or encoders for instance: one list of hits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Encoder
from samekind.errors import UsageError, unknown_name
from samekind.query.elsewhere import orders_by, others_of
from samekind.query.hits import COLLAPSE_AT, Hit, Hits, Seconds, check_collapse, check_confidence, check_count
from samekind.query.looking import load
from samekind.query.model import Query
from samekind.query.search import search_each

if TYPE_CHECKING:
    from samekind.collection import Collection

FUSIONS = ("rank", "confidence")
DEPTH = 100
LATE = 60
"""What is added to a rank before it is inverted (Cormack et al., 2009)."""

_Asked = tuple["Collection", Callable[..., list[Hits]]]
"""A collection, and what searches it."""


def search_several(
    collection: Collection,
    queries: Sequence[Query],
    *,
    also: Sequence[Collection] = (),
    k: int = 10,
    fuse: str | None = None,
    min_confidence: float = 0.0,
    collapse: float | None = COLLAPSE_AT,
    encoder: Encoder | None = None,
    **how: Any,
) -> Hits:
    """The hits of several queries in one order; ``how`` is what ``search`` takes besides, for each of them.

    ``also`` are collections of the same pictures by other encoders, asked the same: their pictures are matched by
    content, and hits, ids, columns and filters are those of ``collection`` alone. What one of them lacks counts as not
    found there.

    ``fuse`` "rank": a hit's score is the sum over queries and collections of 1 / (60 + its rank), among the first 100
    (or ``k``) of each (reciprocal rank fusion). "confidence": the mean over them of its confidence, 0 where it is not
    among these; only for queries whose order is that of their confidences, without marks and changes in words. None is
    "confidence" for such queries with ``also``, else "rank". A hit's own confidence is the greatest that one of them
    has in it. ``roles`` say what each gives to the score.

    Raises UsageError without a query, for an unknown ``fuse``, for ``also`` with a collection given twice, of an
    encoder that is asked already, or of other pictures, with a vector, a granularity, parts or an eye, or where it
    lacks a picture that a query names; and what ``search`` raises.
    """
    if not queries:
        raise UsageError("Say at least one way to ask.")
    told_by_confidence = all(map(_told_by_confidence, queries)) and not orders_by(how)
    fuse = fuse or ("confidence" if also and told_by_confidence else "rank")
    if fuse not in FUSIONS:
        raise unknown_name("way to fuse", fuse, FUSIONS)
    if fuse == "confidence" and not told_by_confidence:
        raise UsageError(
            "Confidences know nothing of marks, of what words change, of an eye, a granularity or parts; fuse by rank."
        )
    if how.get("min_score") is not None:
        raise UsageError("Scores of several queries or collections are fused ones; leave the least score out.")
    check_count(k)
    check_confidence(min_confidence)
    check_collapse(collapse)
    collection.refresh()
    others = others_of(collection, also, how)
    told = tuple(one.about(how.get("tune", True)) for one in others)
    asked: list[_Asked] = [
        (collection, partial(search_each, collection)),
        *((one.other, one.search_each) for one in others),
    ]
    found, seconds = _found(asked, queries, encoder, {"k": max(DEPTH, k), "collapse": None, **how})
    sure: dict[str, tuple[Hit, NDArray[np.float32]]] = {}
    parts: dict[str, dict[str, float]] = {}
    for role, hits in found.items():
        for hit, vector in zip(hits, hits.vectors, strict=False):
            given = 1 / (LATE + hit.rank) if fuse == "rank" else hit.confidence / len(found)
            parts.setdefault(hit.id, {})[role] = given
            if hit.id not in sure or hit.confidence > sure[hit.id][0].confidence:
                sure[hit.id] = hit, vector
    scores = {id_: sum(given.values()) for id_, given in parts.items()}
    order = sorted(scores, key=lambda id_: -scores[id_])
    first = next(iter(found.values()))
    return Hits(
        candidates=tuple(replace(sure[id_][0], score=scores[id_], roles=parts[id_]) for id_ in order),
        vectors=np.stack([sure[id_][1] for id_ in order]) if order else np.zeros((0, collection.dim), np.float32),
        collection=first.collection,
        encoder=first.encoder,
        tuned=first.tuned,
        k=k,
        min_confidence=min_confidence,
        collapse=collapse,
        eye=first.eye,
        understood=first.understood if len(queries) == 1 else None,
        also=told,
        seconds=seconds,
    )


def _told_by_confidence(query: Query) -> bool:
    """Whether hits are in the order of their confidences: nothing is marked, and words stand alone."""
    return not query.marks and not (query.worded and (query.shown or query.keeps or query.drops))


def _found(
    asked: Sequence[_Asked], queries: Sequence[Query], encoder: Encoder | None, how: dict[str, Any]
) -> tuple[dict[str, Hits], Seconds]:
    """Each collection's hits for each query by what that search is called; a collection is asked all in one pass."""
    found, seconds = {}, np.zeros(3)
    for at, (held, ask) in enumerate(asked):
        started = time.perf_counter()
        if at > 0 or encoder is None:
            encoder = load(held) if any(query.pictures for query in queries) else None
        seconds[0] += time.perf_counter() - started
        for way, hits in enumerate(ask(queries, encoder=encoder, **how), 1):
            seconds += list(hits.seconds.to_dict().values())
            found[_role(way, len(queries), held, [one for one, _ in asked])] = hits
    return found, Seconds(*seconds.tolist())


def _role(way: int, ways: int, held: Collection, collections: Sequence[Collection]) -> str:
    """What one search is called: by its query, its encoder, or both, as far as there are several."""
    names = {one.encoder_name for one in collections}
    encoder = held.encoder_name if len(names) == len(collections) else str(held.path)
    if len(collections) == 1:
        return f"query {way}"
    return encoder if ways == 1 else f"query {way}, {encoder}"
