"""Why a hit came: what its score is made of, what put it at its place, and where the two pictures look alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Encoder
from samekind.errors import PictureError, SamekindError, UsageError
from samekind.query.composing.sliders import Sliders
from samekind.query.filling import confidence
from samekind.query.geometry import Same, same_in
from samekind.query.hits import Hit
from samekind.query.kept_eyes import Eye, eye_named
from samekind.query.looking import load, summed
from samekind.query.matching import Match, match_of
from samekind.query.maxsim import DEPTH, check_parts, likeness
from samekind.query.model import Part, Query
from samekind.query.pixels import pixels_of
from samekind.query.reasons import LeftOut, Reasons, Split, Standing, Term, name_of, owed_most
from samekind.query.reasons_in_words import WordedHit
from samekind.query.said import Said
from samekind.query.search import make_ready, narrowed, search
from samekind.query.shown import Shown, shown
from samekind.query.worded import Asked

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.collection.where import Where

COUNTED = 10_000
"""A hit further down has no rank."""
_NOT_ASKED = None, None, "It was not asked for."


def explain(
    collection: Collection,
    query: Query,
    hit: Hit | str | Path | None = None,
    *,
    where: str | Where | None = None,
    tune: bool = True,
    match: bool = True,
    encoder: Encoder | None = None,
    method: str | None = None,
    change: float | None = None,
    keep: float | None = None,
    rewritten: str | None = None,
    weak_captions: str | None = None,
    with_reference: bool = False,
    parts: str | None = None,
    eye: str | None = None,
) -> Reasons:
    """Why ``query`` finds ``hit``: a hit of a search, or a picture of the collection by id or path.

    None takes the first hit that is not the very file asked with. ``where``, ``tune``, ``encoder`` and all from
    ``method`` on are those of ``search``; of its granularity and thresholds this knows nothing. ``match`` False leaves
    out where the two pictures look alike, which takes the encoder's network a few more runs. Ranks count every
    picture that passes ``where``, copies too. Raises UsageError for a picture that is not there or that the query
    itself names, and what ``search`` raises.
    """
    check_parts(parts, query, ordered=eye is not None)
    said = Said(Sliders(method, change, keep), rewritten, weak_captions, with_reference)
    make_ready(collection, [query], said, eye)
    if query.pictures and encoder is None:
        encoder = load(collection)
    given = shown(collection, query, tune, encoder)
    if query.worded:
        asked = said.asked(collection, query, given, tune, narrowed(query, where))
        return _worded(asked, said.sliders, hit, match)
    id_ = _hit_of(collection, query, hit, where=where, tune=tune, encoder=encoder, parts=parts, eye=eye)
    if id_ in given.items:
        raise UsageError(f"Picture {id_} is part of the query itself, and so no hit; name another one.")
    kept = None if eye is None else eye_named(collection, eye)
    there = _Place(collection, given, id_, narrowed(query, where), kept)
    score = float(given.side_of(given.vector) @ there.stored)
    names = [name_of(part) for part in query.shown]
    kinds = [type(part).__name__.lower() for part in query.shown]
    terms = list(_by_query(given, there.stored, names, kinds))
    splits = (Split("encoder", tuple(_by_encoder(collection, given, there.stored))), Split("query", tuple(terms)))
    sure = float(confidence(collection, np.array([score], np.float32), given.space is not None)[0])
    return _reasons(
        collection,
        id_,
        _beside(query, given, terms),
        match,
        score=score,
        confidence=sure,
        splits=splits,
        standings=(*_standings(there), *([] if parts is None else [_by_parts(there, query, parts)])),
        left_out=_left_out(there, names, kinds),
    )


def _worded(asked: Asked, sliders: Sliders, hit: Hit | str | Path | None, match: bool) -> Reasons:
    """Why a query with words finds it."""
    found = WordedHit.of(asked, sliders, hit)
    return _reasons(
        asked.collection,
        found.id,
        found.beside,
        match,
        score=found.score,
        confidence=found.confidence,
        splits=found.splits,
        standings=found.standings,
        left_out=found.left_out,
    )


def _reasons(
    collection: Collection,
    id_: str,
    beside: Part | None,
    match: bool,
    *,
    score: float,
    confidence: float,
    splits: tuple[Split, ...],
    standings: Iterable[Standing],
    left_out: Iterable[LeftOut],
) -> Reasons:
    """These numbers, with where the picture is, and how it looks ``beside`` a part of the query."""
    (row,) = collection.rows([id_], [])
    found, same, why_not = _match(collection, beside, row["file"]) if match else _NOT_ASKED
    return Reasons(
        id=id_,
        path=row["path"],
        file=row["file"],
        score=score,
        confidence=confidence,
        splits=splits,
        standings=tuple(standings),
        left_out=tuple(sorted(left_out, key=_cost)),
        beside=beside,
        match=found,
        same=same,
        why_no_match=why_not,
    )


@dataclass(frozen=True, eq=False)
class _Place:
    """One picture of a collection among all that a query can find."""

    collection: Collection
    given: Shown
    id: str
    where: str | Where | None
    eye: Eye | None

    @property
    def stored(self) -> NDArray[np.float32]:
        """Its side of a score, in the searched space."""
        return self._stored(self.given.space is not None)

    @cached_property
    def order(self) -> NDArray[np.float32]:
        """What is asked for the whole query."""
        return self.asked(self.given)

    def asked(self, given: Shown) -> NDArray[np.float32]:
        """The query side that orders the hits, (dim,) or (dim + 1,): by the eye and by marks, where there are any."""
        return given.asked(self.eye.look(self.collection, given) if self.eye else None)

    def standing(self, step: str, asked: NDArray[np.float32], tuned: bool) -> Standing:
        """Its score and rank by a query side (dim,) or (dim + 1,)."""
        left = self.nearest(asked, COUNTED, tuned)
        rank = left.index(self.id) + 1 if self.id in left else None
        return Standing(step, float(asked @ self._stored(tuned)), rank)

    def nearest(self, asked: NDArray[np.float32], count: int, tuned: bool) -> list[str]:
        """The nearest pictures to a query side that could be hits, best first."""
        more = len(self.given.items)
        ((ids, _),) = self.collection.nearest(asked[None], count + more, where=self.where, tuned=tuned)
        return [one for one in ids if one not in self.given.items]

    def _stored(self, tuned: bool) -> NDArray[np.float32]:
        (row,) = self.collection.stored([self.id], tuned=tuned)
        return np.asarray(row, np.float32)


def _hit_of(
    collection: Collection,
    query: Query,
    hit: Hit | str | Path | None,
    **how: Any,
) -> str:
    if hit is not None:
        return collection.find([hit.id if isinstance(hit, Hit) else hit])[0]
    for one in search(collection, query, k=2, **how):
        if not one.same_file:
            return one.id
    raise UsageError(f"The query finds nothing in {collection.name} but the very file; ask with another picture.")


def _by_encoder(collection: Collection, given: Shown, stored: NDArray[np.float32]) -> Iterator[Term]:
    """The score by the parts of the encoder's vector: a dot product is the sum of those of the slices."""
    for part in collection.parts:
        here = slice(part.start, part.stop)
        yield Term(part.name, "encoder", float(given.vector[here] @ stored[here]))
    yield from _hubs(given, stored)


def _by_query(given: Shown, stored: NDArray[np.float32], names: Sequence[str], kinds: Sequence[str]) -> Iterator[Term]:
    """The score by the parts of the query: what is asked with is their weighted sum over its length."""
    asks = ~given.marks
    length = float(np.linalg.norm(given.pulls[asks] @ given.mapped[asks]))
    values = given.pulls * (given.mapped @ stored[: given.mapped.shape[1]]) / length
    for n in np.flatnonzero(asks).tolist():
        yield Term(names[n], kinds[n], float(values[n]))
    yield from _hubs(given, stored)


def _hubs(given: Shown, stored: NDArray[np.float32]) -> Iterator[Term]:
    """What the score loses for being near to everything, in a tuned space."""
    if given.space:
        yield Term("being near to everything", "hubs", float(stored[-1]))


def _standings(there: _Place) -> Iterator[Standing]:
    """Where the hit stands before tuning and after each of its steps, with an eye, and after marks."""
    given = there.given
    asks = ~given.marks
    yield there.standing("plain", summed(given.plain[asks], given.pulls[asks]), False)
    if given.space:
        yield there.standing("map", np.append(given.vector, np.float32(0)), True)
        yield there.standing("hubs", given.side_of(given.vector), True)
    tuned = given.space is not None
    if there.eye:
        yield there.standing("eye", given.side_of(there.eye.look(there.collection, given)), tuned)
    if given.marks.any():
        yield there.standing("marks", there.order, tuned)


def _by_parts(there: _Place, query: Query, parts: str) -> Standing:
    """How alike the hit is by parts, and where that puts it among the nearest pictures."""
    near = there.nearest(there.order, DEPTH, there.given.space is not None)
    ids = near if there.id in near else [*near, there.id]
    alike = likeness(there.collection, query, parts, there.collection.hashes(ids))
    at = ids.index(there.id)
    rank = np.argsort(-alike[: len(near)], kind="stable").tolist().index(at) + 1 if at < len(near) else None
    return Standing("parts", float(alike[at]), rank)


def _left_out(there: _Place, names: Sequence[str], kinds: Sequence[str]) -> Iterator[LeftOut]:
    """What becomes of the hit without each part of the query, where there is a question without it."""
    given = there.given
    if len(names) < 2:
        return
    tuned = given.space is not None
    whole = float(there.order @ there.stored)
    for n in range(len(names)):
        keep = np.arange(len(names)) != n
        less = replace(
            given,
            plain=given.plain[keep],
            mapped=given.mapped[keep],
            pulls=given.pulls[keep],
            marks=given.marks[keep],
        )
        if not (less.pulls[~less.marks] > 0).any():  # nothing is looked for any more
            continue
        try:
            asked = there.asked(less)
        except UsageError:  # the others cancel each other out
            continue
        standing = there.standing("", asked, tuned)
        yield LeftOut(names[n], kinds[n], standing.score, standing.rank, whole - standing.score)


def _cost(one: LeftOut) -> tuple[float, float]:
    """Those first without which the hit would stand furthest down, and of these the ones that its score owes most."""
    return -(one.rank or COUNTED + 1), -one.drop


def _beside(query: Query, given: Shown, terms: Sequence[Term]) -> Part | None:
    """The part of the query with a picture that the score owes most to."""
    asked = [part for part, mark in zip(query.shown, given.marks, strict=True) if not mark]
    return owed_most(asked, terms)


def _match(collection: Collection, part: Part | None, file: Path) -> tuple[Match | None, Same | None, str]:
    """Where the two pictures look alike, and how far they are the same, or one sentence that says why not."""
    from samekind.encoders.patches import patches_of

    if part is None:
        return None, None, "The query has no picture that could be laid beside the hit."
    try:
        asked, found = pixels_of(collection, part), pixels_of(collection, file)
        network = patches_of(collection.encoder_name, collection.settings)
    except PictureError as problem:
        return None, None, f"A picture cannot be read any more ({problem}), so nothing is laid beside it."
    except SamekindError as problem:
        return None, None, str(problem)
    sizes = ((asked.shape[1], asked.shape[0]), (found.shape[1], found.shape[0]))
    patches = network(asked), network(found)
    match = match_of(network.name, network.view, (*patches, network.blank()), sizes)
    return match, same_in(network, asked, found, patches), ""
