"""A query's parts to one vector, that vector to candidates, candidates to hits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.collection.where import And
from samekind.collection.written import parse_where
from samekind.encoders.base import Encoder, Vectors
from samekind.errors import UsageError
from samekind.query.composing.sliders import Sliders
from samekind.query.filling import candidates, confidence
from samekind.query.hits import COLLAPSE_AT, Hits, Seconds, check_collapse, check_confidence, check_count
from samekind.query.kept_eyes import check_wordless, eye_named
from samekind.query.looking import load
from samekind.query.maxsim import DEPTH, check_parts, likeness
from samekind.query.model import Query
from samekind.query.said import Said
from samekind.query.shown import shown
from samekind.query.wider import CANDIDATES, FINE, around, level_of, pulled
from samekind.query.worded import hits_of
from samekind.query.wordings import prepare

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.collection.where import Where
    from samekind.tuning.space import Space

Likeness = Callable[[list[str | None]], NDArray[np.float32]]
"""Content hashes (n,) -> how alike, (n,)."""

_SPARE = 16
"""Candidates fetched beyond k at first, so that k hits remain when near-duplicates collapse."""


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
    check_count(k)
    check_confidence(min_confidence)
    check_collapse(collapse)
    level = level_of(granularity)
    check_parts(parts, query, ordered=level > FINE or eye is not None)
    start = time.perf_counter()
    collection.refresh()  # before encoding: the encoder is that of the version that is searched
    said = Said(Sliders(method, change, keep), rewritten, weak_captions, with_reference)
    if query.worded:
        if level > FINE:
            raise UsageError("A granularity is for queries without words; leave one of the two out.")
        if eye is not None:
            check_wordless(query)
        prepare(collection, said.sources(collection)).result()
    else:
        said.check_unsaid()
    kept = None if eye is None else eye_named(collection, eye)
    if query.pictures and encoder is None:
        encoder = load(collection)
    loaded = time.perf_counter()
    given = shown(collection, query, tune, encoder)
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
    if query.worded:
        hits = hits_of(said.asked(collection, query, given, tune, narrowed(query, where)), bare, said.sliders)
        return hits.timed(Seconds(loaded - start, encoded - loaded, time.perf_counter() - encoded))
    space, vector = given.space, given.vector
    asking = _Asking(collection, vector, space, narrowed(query, where), exact, frozenset(given.items), given.hashes)
    hits = fine = asking.nearest(bare)
    if kept:
        vector = kept.look(collection, given, exact)
        fine = replace(fine, eye=kept.name)
        hits = asking.ordered_by(asking.side_of(vector), replace(fine, fine=fine))
    if given.marks.any():
        found = given.refined(vector if kept else None)
        fine, vector = replace(fine, marks=int(given.marks.sum())), found.vector
        hits = asking.ordered_by(found.asked if space else vector, replace(fine, fine=fine))
    if level > FINE:
        wide = asking.wider(vector, given.plain, level)
        hits = asking.ordered_by(asking.side_of(wide), replace(fine, granularity=level, fine=fine))
    if parts is not None:
        alike = partial(likeness, collection, query, parts)
        hits = asking.by_parts(alike, replace(fine, parts=parts, fine=fine))
    seconds = Seconds(loaded - start, encoded - loaded, time.perf_counter() - encoded)
    return hits.timed(seconds)


@dataclass(frozen=True, eq=False)
class _Asking:
    """One query in the space that is searched: ``vector`` (dim,), and the pictures that are ``left_out``."""

    collection: Collection
    vector: NDArray[np.float32]
    space: Space | None
    where: str | Where | None
    exact: bool | None
    left_out: frozenset[str]
    hashes: frozenset[str]

    def nearest(self, bare: Hits) -> Hits:
        """The hits, best first."""
        fetch = bare.k + len(self.left_out) + _SPARE
        while True:
            ids, scores = self._found(self.side_of(self.vector), fetch, self.where)
            hits = self._filled(bare, ids, scores)
            if len(hits) == bare.k or len(ids) < fetch - len(self.left_out) or not _may_hold_more(hits):
                return hits
            fetch *= 4

    def wider(self, vector: NDArray[np.float32], parts: Vectors, level: float) -> NDArray[np.float32]:
        """(dim,): the vector pulled towards what lies around it, up to ``level``; ``parts`` are the query's own."""
        near, _ = self._found(self.side_of(vector), CANDIDATES + len(self.left_out), None)
        chosen = around(self.collection.stored(near, tuned=False), parts)
        return pulled(vector, self._stored([near[n] for n in chosen])[:, : len(vector)], level)

    def ordered_by(self, asked: NDArray[np.float32], bare: Hits) -> Hits:
        """The hits by another query side of a score, (dim,) or (dim + 1,), scored as the fine search of ``bare``."""
        fine = bare.fine or bare
        if len(fine) < fine.k:  # all that pass are known
            ids = [hit.id for hit in fine.candidates]
            order = np.argsort(-(self._stored(ids) @ asked), kind="stable")
            vectors = fine.vectors[order]
            return replace(bare, candidates=tuple(fine.candidates[n] for n in order), vectors=vectors)
        fetch = fine.k + len(self.left_out) + _SPARE
        while True:
            ids, _ = self._found(asked, fetch, self.where)
            hits = self._filled(bare, ids, self._stored(ids) @ self.side_of(self.vector))
            if len(hits) == fine.k or len(ids) < fetch - len(self.left_out):
                return hits
            fetch *= 4

    def by_parts(self, likeness: Likeness, bare: Hits) -> Hits:
        """The nearest pictures in the order of another likeness, scored as the fine search of ``bare``."""
        fine = bare.fine or bare
        ids, scores = self._found(self.side_of(self.vector), DEPTH + len(self.left_out), self.where)
        alike = likeness(self.collection.hashes(ids))
        order, fetch = np.argsort(-alike, kind="stable"), fine.k + _SPARE
        while True:
            some = order[:fetch]
            hits = self._filled(bare, [ids[n] for n in some], scores[some])
            if len(hits) == fine.k or fetch >= len(ids):
                told = zip(hits.candidates, alike[some].tolist(), strict=True)
                return replace(hits, candidates=tuple(replace(hit, roles={"parts": value}) for hit, value in told))
            fetch *= 4

    def _found(
        self, asked: NDArray[np.float32], fetch: int, where: str | Where | None
    ) -> tuple[list[str], NDArray[np.float32]]:
        """Ids of the ``fetch`` nearest to the query side of a score, less those left out, and their scores."""
        tuned = self.space is not None
        ((ids, scores),) = self.collection.nearest(asked[None], fetch, where=where, tuned=tuned, exact=self.exact)
        keep = [n for n, id_ in enumerate(ids) if id_ not in self.left_out]
        return [ids[n] for n in keep], scores[keep]

    def side_of(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The query side of a score, one row."""
        return self.space.asking(vector[None])[0] if self.space else vector

    def _stored(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """The other side of a score, a row a picture."""
        return self.collection.stored(ids, tuned=self.space is not None)

    def _filled(self, bare: Hits, ids: Sequence[str], scores: NDArray[np.float32]) -> Hits:
        sure = confidence(self.collection, scores, bare.tuned)
        found = candidates(self.collection, ids, scores, sure, self.hashes)
        return replace(bare, candidates=found, vectors=self.collection.stored(ids, tuned=False))


def narrowed(query: Query, where: str | Where | None) -> str | Where | None:
    """``where`` and the query's own filters, all of which must hold."""
    if not query.filters or where is None:
        return And(query.filters) if query.filters else where
    return And((parse_where(where) if isinstance(where, str) else where, *query.filters))


def _may_hold_more(hits: Hits) -> bool:
    """Whether pictures beyond those fetched could still pass the thresholds: scores only fall from here."""
    last = hits.candidates[-1] if hits.candidates else None
    return last is None or hits.passes(last)
