"""A query's parts to one vector, that vector to candidates, candidates to hits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from samekind.collection.where import And
from samekind.collection.written import parse_where
from samekind.encoders.base import Encoder
from samekind.errors import UsageError
from samekind.query.asking import Asking, nearest_each
from samekind.query.composing.sliders import Sliders
from samekind.query.hits import COLLAPSE_AT, Hits, Seconds, check_collapse, check_confidence, check_count
from samekind.query.kept_eyes import Eye, check_wordless, eye_named
from samekind.query.looking import load
from samekind.query.maxsim import check_parts, likeness
from samekind.query.model import Query
from samekind.query.said import Said
from samekind.query.shown import Shown, shown_each
from samekind.query.wider import FINE, level_of
from samekind.query.worded import hits_of, score_at_once
from samekind.query.wordings import prepare

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.collection.where import Where


def search(
    collection: Collection,
    query: Query,
    *,
    k: int = 10,
    where: str | Where | None = None,
    tune: bool = True,
    exact: bool | None = None,
    min_confidence: float = 0.0,
    min_score: float | None = None,
    collapse: float | None = COLLAPSE_AT,
    granularity: float | str = FINE,
    method: str | None = None,
    change: float | None = None,
    keep: float | None = None,
    rewritten: str | None = None,
    weak_captions: str | None = None,
    with_reference: bool = False,
    parts: str | None = None,
    eye: str | None = None,
    encoder: Encoder | None = None,
) -> Hits:
    """At most ``k`` pictures of the same kind as the query, best first.

    The query's vector is L2(sum of weight x part), each part a unit vector in the searched space: the tuned one, or
    the encoder's own with ``tune`` False or where tuning was left out. Where pictures or vectors are asked with, Like
    and Unlike are marks on hits (`feedback.py`): they decide about the order, while scores and confidences stay those
    of what was asked with. ``exact`` None lets the collection choose.
    ``collapse`` is the cosine of plain vectors from which on near-duplicates stand behind the best of them (None: each
    by itself). ``granularity`` from 0 ("fine") to 1 ("coarse") puts pictures of the same wider kind first: the order is
    that of a vector pulled towards the query's neighbours in the collection, whatever ``where`` admits; scores,
    confidences and what passes the thresholds stay those of the query itself.
    ``where`` and the query's own filters must all hold. ``eye`` names marks that were kept (`kept_eyes.py`); the order
    follows them, where the query is near to what they were about, and the marks of this query come on top.
    With words in the query, all that is shown is one reference and ``method`` composes both (`composing/`; "learned" is
    what this collection learned, `learned/`), ``change``
    and ``keep`` its two sliders (None: as usual for it). ``rewritten`` is the reference after the change in words, for
    the methods that ask for it, where a person knows better than rules or a model. The reference and its copies are
    left out, unless ``with_reference``.
    ``weak_captions`` names the texts that words are looked up in too (`named.py`): any of folders, files, captions and
    columns, with commas between them, or none; None: as the settings say.
    ``parts`` "mine" finds pictures of what is a part of the query's one picture, "theirs" pictures of which that is a
    part (`maxsim.py`), among the nearest 2,000; scores and confidences stay those of whole pictures. It wants
    ``Collection.learn_parts``.
    What words need of the pictures is made first where it is lacking, a long job (or run ``Collection.learn_words``).
    The collection's ``encoder`` is loaded when there are pictures to look at and none is given.

    Raises UsageError (an impossible value, an unknown stored item or eye, parts that cancel out, a mark with a weight,
    a query picture that cannot be used), EncoderMismatch
    and the errors of loading an encoder.
    """
    (hits,) = search_each(
        collection,
        [query],
        k=k,
        where=where,
        tune=tune,
        exact=exact,
        min_confidence=min_confidence,
        min_score=min_score,
        collapse=collapse,
        granularity=granularity,
        method=method,
        change=change,
        keep=keep,
        rewritten=rewritten,
        weak_captions=weak_captions,
        with_reference=with_reference,
        parts=parts,
        eye=eye,
        encoder=encoder,
    )
    return hits


def search_each(
    collection: Collection,
    queries: Sequence[Query],
    *,
    k: int = 10,
    where: str | Where | None = None,
    tune: bool = True,
    exact: bool | None = None,
    min_confidence: float = 0.0,
    min_score: float | None = None,
    collapse: float | None = COLLAPSE_AT,
    granularity: float | str = FINE,
    method: str | None = None,
    change: float | None = None,
    keep: float | None = None,
    rewritten: str | None = None,
    weak_captions: str | None = None,
    with_reference: bool = False,
    parts: str | None = None,
    eye: str | None = None,
    encoder: Encoder | None = None,
) -> list[Hits]:
    """The hits of ``search`` for each of several queries, in one pass; what it takes and raises is the same, and so
    are the hits, as far as the encoder gives a picture the same vector in a batch as alone.

    All their pictures go through the encoder in one call and all their texts are scored in one; what is asked with
    under the same filter is looked for in one product. Eyes, marks, granularities, parts and the composing of pictures
    and words are worked out one by one. ``seconds`` of each query are its share of what all of them took.
    """
    check_count(k)
    check_confidence(min_confidence)
    check_collapse(collapse)
    level = level_of(granularity)
    for query in queries:
        check_parts(parts, query, ordered=level > FINE or eye is not None)
        if query.worded and level > FINE:
            raise UsageError("A granularity is for queries without words; leave one of the two out.")
    start = time.perf_counter()
    said = Said(Sliders(method, change, keep), rewritten, weak_captions, with_reference)
    make_ready(collection, queries, said, eye)
    kept = None if eye is None else eye_named(collection, eye)
    if encoder is None and any(query.pictures for query in queries):
        encoder = load(collection)
    loaded = time.perf_counter()
    given = shown_each(collection, queries, tune, encoder)
    encoded = time.perf_counter()
    bare = Hits(
        candidates=(),
        vectors=np.zeros((0, collection.dim), np.float32),
        collection=str(collection.path),
        encoder=collection.encoder_name,
        tuned=collection.tuned and tune,
        k=k,
        min_confidence=min_confidence,
        min_score=min_score,
        collapse=collapse,
    )
    found: dict[int, Hits] = {}
    asked, asking = {}, {}
    for n, (query, one) in enumerate(zip(queries, given, strict=True)):
        passing = narrowed(query, where)
        if query.worded:
            asked[n] = said.asked(collection, query, one, tune, passing)
        else:
            asking[n] = Asking(collection, one.vector, one.space, passing, exact, frozenset(one.items), one.hashes)
    score_at_once(list(asked.values()))
    for n, worded in asked.items():
        found[n] = hits_of(worded, bare, said.sliders)
    for (n, plain), fine in zip(asking.items(), nearest_each(list(asking.values()), bare), strict=True):
        found[n] = _ordered(plain, given[n], fine, kept, level)
        if parts is not None:
            alike = partial(likeness, collection, queries[n], parts)
            found[n] = plain.by_parts(alike, replace(fine, parts=parts, fine=fine))
    took = np.array([loaded - start, encoded - loaded, time.perf_counter() - encoded]) / max(1, len(queries))
    return [found[n].timed(Seconds(*took.tolist())) for n in range(len(queries))]


def make_ready(collection: Collection, queries: Sequence[Query], said: Said, eye: str | None) -> None:
    """Takes the collection as it is now, and has made what the queries' words want of it, a long job.

    Raises UsageError for words with an eye, and for what is ``said`` about words where there are none.
    """
    for query in queries:
        if eye is not None:
            check_wordless(query)
        if not query.worded:
            said.check_unsaid()
    collection.refresh()  # before encoding: the encoder is that of the version that is searched
    if any(query.worded for query in queries):
        prepare(collection, said.sources(collection)).result()


def _ordered(asking: Asking, given: Shown, fine: Hits, kept: Eye | None, level: float) -> Hits:
    """The hits of the ``fine`` search in the order that an eye, marks or a granularity give them."""
    hits, vector = fine, given.vector
    if kept:
        vector = kept.look(asking.collection, given, asking.exact)
        fine = replace(fine, eye=kept.name)
        hits = asking.ordered_by(asking.side_of(vector), replace(fine, fine=fine))
    if given.marks.any():
        found = given.refined(vector if kept else None)
        fine, vector = replace(fine, marks=int(given.marks.sum())), found.vector
        hits = asking.ordered_by(found.asked if asking.space else vector, replace(fine, fine=fine))
    if level > FINE:
        wide = asking.wider(vector, given.plain, level)
        hits = asking.ordered_by(asking.side_of(wide), replace(fine, granularity=level, fine=fine))
    return hits


def narrowed(query: Query, where: str | Where | None) -> str | Where | None:
    """``where`` and the query's own filters, all of which must hold."""
    if not query.filters or where is None:
        return And(query.filters) if query.filters else where
    return And((parse_where(where) if isinstance(where, str) else where, *query.filters))
