"""The same pictures in another collection, by another encoder: asked the same, answered in pictures of the first."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from samekind.collection.where import In, Not
from samekind.encoders.base import Encoder
from samekind.errors import UsageError
from samekind.query.filling import candidates, rows_of
from samekind.query.hits import Hit, Hits
from samekind.query.model import Like, Query, Unlike, Vector, Where
from samekind.query.parts import Part
from samekind.query.search import narrowed, search_each
from samekind.query.wider import FINE, level_of

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.collection.where import Where as Filter


@dataclass(frozen=True)
class Also:
    """A collection that was asked the same; it ``lacks`` so many of the ``of`` pictures of the first."""

    collection: str
    encoder: str
    tuned: bool
    lacks: int
    of: int

    @property
    def sentence(self) -> str:
        """What was asked, and what it cannot know."""
        lacking = f"; it lacks {self.lacks} of the {self.of} pictures here" if self.lacks else ""
        return f"Also asked: {self.collection} ({self.encoder}, {'tuned' if self.tuned else 'plain'}){lacking}."

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """The pictures of ``first`` as ``other`` knows them: those whose files have the same content."""

    first: Collection
    other: Collection

    def search_each(
        self,
        queries: Sequence[Query],
        *,
        k: int,
        where: str | Filter | None = None,
        encoder: Encoder | None = None,
        **how: Any,
    ) -> list[Hits]:
        """For each query at most ``k`` pictures of the first collection in the order of the other, with the other's
        confidences; those that may find the same pictures are asked in one pass.

        ``where`` and the queries' filters are of the first collection; ``encoder`` is the other's, the rest is what
        ``search`` takes. Raises UsageError where a query names a picture that the other lacks, or has a vector.
        """
        asked = [self._translated(query) for query in queries]
        wanted = [self._wanted(one, where, bool(one.worded and how.get("with_reference"))) for one in queries]
        groups: dict[frozenset[str], list[int]] = {}
        for n, one in enumerate(wanted):
            groups.setdefault(frozenset(one.keys() & self._known), []).append(n)
        hits: dict[int, Hits] = {}
        for shared, same in groups.items():
            surplus = sum(content not in shared for content in self._theirs.values())
            copies = len(self._theirs) - surplus - len(shared)
            some = [asked[n] for n in same]
            if surplus <= k:  # asking for so many more is quicker than a long filter
                found = search_each(self.other, some, k=k + copies + surplus, encoder=encoder, **how)
            else:
                admitted = self._one_of(shared)
                found = search_each(self.other, some, k=k + copies, where=admitted, encoder=encoder, **how)
            hits |= {n: self._of_the_first(one, wanted[n], k) for n, one in zip(same, found, strict=True)}
        return [hits[n] for n in range(len(queries))]

    def _of_the_first(self, found: Hits, wanted: dict[str, list[str]], k: int) -> Hits:
        """Hits of the other as at most ``k`` pictures of the first, of those that are ``wanted``."""
        pairs = [(id_, hit) for hit in found for id_ in wanted.pop(self._theirs.get(hit.id, ""), ())][:k]
        ids = [id_ for id_, _ in pairs]
        return replace(
            found,
            candidates=self._here(ids, [hit for _, hit in pairs]),
            vectors=self.first.stored(ids, tuned=False) if ids else np.zeros((0, self.first.dim), np.float32),
        )

    def about(self, tune: bool) -> Also:
        """What is said about the other. Raises UsageError where it holds none of the pictures."""
        ours = self._ours
        lacks = sum(content not in self._known for content in ours.values())
        if ours and lacks == len(ours):
            raise UsageError(
                f"{self.other.path} holds none of the pictures of {self.first.path}; name one of the same."
            )
        return Also(str(self.other.path), self.other.encoder_name, self.other.tuned and tune, lacks, len(ours))

    @cached_property
    def _ours(self) -> dict[str, str]:
        return self.first.contents()

    @cached_property
    def _theirs(self) -> dict[str, str]:
        return self.other.contents()

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._theirs.values())

    def _one_of(self, shared: Set[str]) -> Filter:
        """The other's pictures with these contents, by whichever list is shorter."""
        rest = self._known - shared
        return Not(In("hash", tuple(sorted(rest)))) if len(rest) < len(shared) else In("hash", tuple(sorted(shared)))

    def _wanted(self, query: Query, where: str | Filter | None, with_items: bool) -> dict[str, list[str]]:
        """The first collection's ids by content, of the pictures that pass and are not asked with."""
        items = () if with_items else self.first.find([part.item for part in query.items])
        admitted = narrowed(query, where)
        wanted: dict[str, list[str]] = {}
        for id_, content in (self._ours if admitted is None else self.first.contents(admitted)).items():
            if id_ not in items:
                wanted.setdefault(content, []).append(id_)
        return wanted

    def _translated(self, query: Query) -> Query:
        """The query without filters, its stored pictures named by the other's ids."""
        if any(isinstance(part, Vector) for part in query.parts):
            raise UsageError("A vector is of one encoder; ask with a picture, or leave the other collections out.")
        return Query(*(self._part(part) for part in query.parts if not isinstance(part, Where)))

    def _part(self, part: Part) -> Part:
        if not isinstance(part, Like | Unlike):
            return part
        (row,) = self.first.rows(self.first.find([part.item]), ["hash"])
        same = [id_ for id_, content in self._theirs.items() if content == row["hash"]]
        if not same:
            raise UsageError(
                f"{self.other.path} lacks {row['path']!r}, which the query names; sync it there, or leave it out."
            )
        return replace(part, item=same[0])

    def _here(self, ids: Sequence[str], theirs: Sequence[Hit]) -> tuple[Hit, ...]:
        scores = np.array([hit.score for hit in theirs], np.float32)
        sure = np.array([hit.confidence for hit in theirs], np.float64)
        made = candidates(self.first, rows_of(self.first, ids), scores, sure, frozenset())
        return tuple(replace(hit, same_file=other.same_file) for hit, other in zip(made, theirs, strict=True))


def orders_by(how: dict[str, Any]) -> list[str]:
    """What decides about the order of a search beside its query, in words."""
    given = {
        "A granularity": level_of(how.get("granularity", FINE)) > FINE,
        "A search by parts": how.get("parts") is not None,
        "An eye": how.get("eye") is not None,
    }
    return [name for name, there in given.items() if there]


def others_of(first: Collection, also: Sequence[Collection], how: dict[str, Any]) -> list[Elsewhere]:
    """The other collections as they stand now, each to be asked ``how`` the first is.

    Raises UsageError for one that is given twice or has an encoder that is asked already, and for what one collection
    alone can be asked: a granularity, parts, an eye.
    """
    if not also:
        return []
    for name in orders_by(how):
        raise UsageError(f"{name} is for one collection at a time; leave it or the other collections out.")
    asked = [first]
    for one in also:
        one.refresh()
        for before in asked:
            if one.path.resolve() == before.path.resolve():
                raise UsageError(f"{one.path} is given twice; name each collection once.")
            if one.fingerprint == before.fingerprint:
                raise UsageError(
                    f"{one.path} has the same encoder as {before.path} ({one.encoder_name}); name one of another."
                )
        asked.append(one)
    return [Elsewhere(first, one) for one in also]
