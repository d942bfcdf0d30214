"""A query's parts to one vector, that vector to candidates, candidates to hits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.collection import kinds
from samekind.collection.where import And
from samekind.collection.written import parse_where
from samekind.encoders.base import Encoder, Vectors, encode_pictures
from samekind.errors import PictureError, UsageError
from samekind.query.feedback import refined
from samekind.query.hits import COLLAPSE_AT, Hit, Hits, Seconds, check_collapse, check_confidence
from samekind.query.model import Like, Picture, Query, Unlike, Vector
from samekind.query.parts import pull
from samekind.query.wider import CANDIDATES, FINE, around, level_of, pulled

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.collection.where import Where
    from samekind.tuning import Tuning
    from samekind.tuning.space import Space

_SPARE = 16
"""Candidates fetched beyond k at first, so that k hits remain when near-duplicates collapse."""

_CALIBRATED_ON = 2_000
_VANISHED = 1e-6


def search(
    collection: Collection,
    query: Query,
    *,
    k: int = 10,
    where: str | Where | None = None,
    tune: bool = True,
    exact: bool | None = None,
    min_confidence: float = 0.0,
    min_score: float = -1.0,
    collapse: float | None = COLLAPSE_AT,
    granularity: float | str = FINE,
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
    ``where`` and the query's own filters must all hold.
    The collection's ``encoder`` is loaded when there are pictures to look at and none is given.

    Raises UsageError (an impossible value, an unknown stored item, parts that cancel out, a mark with a weight, a query
    picture that cannot be used), EncoderMismatch
    and the errors of loading an encoder.
    """
    if k < 1:
        raise UsageError(f"The number of hits wanted must be at least 1, not {k}.")
    check_confidence(min_confidence)
    check_collapse(collapse)
    level = level_of(granularity)
    start = time.perf_counter()
    collection.refresh()  # before encoding: the encoder is that of the version that is searched
    _without_words(query, collection)
    if query.pictures and encoder is None:
        encoder = _load_encoder(collection)
    loaded = time.perf_counter()
    looked, hashes = _look_at(query.pictures, encoder, collection)
    encoded = time.perf_counter()
    asked = collection.find([part.item for part in query.items])
    rows = _plain_rows(collection, query, looked, asked)
    pulls = np.array([pull(part) for part in query.shown], np.float32)

    tuning = collection.tuning
    space = tuning.space if tuning is not None and tune else None
    mapped = space.apply(rows) if space else rows
    marks = _marks(query, pulls)
    vector = summed(mapped[~marks], pulls[~marks])
    asking = _Asking(collection, vector, space, _narrowed(query, where), exact, frozenset(asked), hashes)
    bare = Hits(
        candidates=(),
        vectors=np.zeros((0, collection.dim), np.float32),
        collection=str(collection.path),
        encoder=collection.encoder_name,
        tuned=space is not None,
        k=k,
        min_confidence=min_confidence,
        min_score=min_score,
        collapse=collapse,
    )
    hits = fine = asking.nearest(bare)
    if marks.any():
        found = refined(vector, mapped[marks & (pulls > 0)], mapped[marks & (pulls < 0)])
        fine, vector = replace(fine, marks=int(marks.sum())), found.vector
        hits = asking.ordered_by(found.asked if space else vector, replace(fine, fine=fine))
    if level > FINE:
        wide = asking.wider(vector, rows, level)
        hits = asking.ordered_by(asking.side_of(wide), replace(fine, granularity=level, fine=fine))
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
        candidates = _candidates(self.collection, ids, scores, bare.tuned, self.hashes)
        return replace(bare, candidates=candidates, vectors=self.collection.stored(ids, tuned=False))


def _marks(query: Query, pulls: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(n,) which of what is shown are marks on hits: likes and unlikes, where something else is asked with."""
    marks = np.array([isinstance(part, Like | Unlike) for part in query.shown])
    if not pulls[~marks].any():
        return np.zeros(len(marks), np.bool_)
    if (np.abs(pulls[marks]) != 1).any():
        raise UsageError(
            "Beside a picture or a vector, likes and unlikes are marks and have no weights; leave the weights out, or "
            "name the pictures' files and weigh those."
        )
    return marks


def _without_words(query: Query, collection: Collection) -> None:
    """UsageError where words are to be understood."""
    if query.words or query.keeps or query.drops:
        raise UsageError(f"{collection.encoder_name} knows no words; ask with pictures, or with items and vectors.")


def _narrowed(query: Query, where: str | Where | None) -> str | Where | None:
    """``where`` and the query's own filters, all of which must hold."""
    if not query.filters or where is None:
        return And(query.filters) if query.filters else where
    return And((parse_where(where) if isinstance(where, str) else where, *query.filters))


def _load_encoder(collection: Collection) -> Encoder:
    from samekind.encoders.load import load_encoder

    return load_encoder(collection.encoder_name, collection.settings)


def _look_at(
    pictures: Sequence[Picture], encoder: Encoder | None, collection: Collection
) -> tuple[Vectors, frozenset[str]]:
    """Plain unit vectors (n, dim) of the query's pictures, and the content hashes of their files."""
    if not pictures or encoder is None:
        return np.zeros((0, collection.dim), np.float32), frozenset()
    from samekind.collection.pipeline import hash_bytes
    from samekind.pictures.decode import Limits, decode, read_bytes
    from samekind.pictures.views import crop

    collection.check(encoder)
    settings = collection.settings
    limits = Limits(settings.max_pixels, settings.max_bytes)
    pixels, hashes = [], set()
    for picture in pictures:
        try:
            data = read_bytes(picture.source, limits) if isinstance(picture.source, Path) else picture.source
            if isinstance(data, bytes):
                hashes.add(hash_bytes(data))
                # A crop is measured on the whole picture, which then must not be decoded smaller.
                data = decode(data, limits, None if picture.crop else encoder.input_side).pixels
        except PictureError as problem:
            named = picture.source if isinstance(picture.source, Path) else "given as bytes"
            raise UsageError(f"The query picture {named} cannot be used ({problem}); ask with another one.") from None
        pixels.append(crop(data, picture.crop) if picture.crop else data)
    return encode_pictures(encoder, pixels), frozenset(hashes)


def _plain_rows(collection: Collection, query: Query, looked: Vectors, asked: Sequence[str]) -> Vectors:
    """One plain unit vector each for what is shown, (n, dim), in the order of the parts."""
    stored = iter(collection.stored(asked, tuned=False) if asked else ())
    rows = {Picture: iter(looked), Like: stored, Unlike: stored}
    return np.stack(
        [_given(part, collection) if isinstance(part, Vector) else next(rows[type(part)]) for part in query.shown]
    )


def _given(part: Vector, collection: Collection) -> NDArray[np.float32]:
    values = np.asarray(part.values, np.float64)
    if len(values) != collection.dim:
        raise UsageError(
            f"A query vector must have {collection.dim} numbers for {collection.path}, not {len(values)}; make it with "
            f"the collection's encoder {collection.encoder_name!r}."
        )
    return np.asarray(values / np.linalg.norm(values), np.float32)


def summed(rows: Vectors, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """L2(sum of weight x row): (n, dim) unit rows and (n,) weights -> (dim,). UsageError where the sum vanishes."""
    total = weights @ rows
    length = float(np.linalg.norm(total))
    if length <= _VANISHED * float(np.abs(weights).sum()):
        raise UsageError("The parts of the query cancel each other out; change their weights.")
    return np.asarray(total / length, np.float32)


def _candidates(
    collection: Collection, ids: Sequence[str], scores: NDArray[np.float32], tuned: bool, hashes: frozenset[str]
) -> tuple[Hit, ...]:
    own = list(collection.table.person_columns)
    kind = kinds.shown(collection.table)
    named = kinds.names(collection.table) if kind else {}
    confidences = _confidence(collection, scores, tuned)
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


def _confidence(collection: Collection, scores: NDArray[np.float32], tuned: bool) -> NDArray[np.float64]:
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


def _may_hold_more(hits: Hits) -> bool:
    """Whether pictures beyond those fetched could still pass the thresholds: scores only fall from here."""
    last = hits.candidates[-1] if hits.candidates else None
    return last is None or (last.confidence >= hits.min_confidence and last.score >= hits.min_score)
