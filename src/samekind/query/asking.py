"""Queries in the space that is searched: their nearest pictures, as hits, and those hits in another order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.query.filling import Row, candidates, confidence, rows_of
from samekind.query.hits import Hits
from samekind.query.maxsim import DEPTH
from samekind.query.wider import CANDIDATES, around, pulled

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.collection.spaces import Neighbours
    from samekind.collection.where import Where
    from samekind.tuning.space import Space

Likeness = Callable[[list[str | None]], NDArray[np.float32]]
"""Content hashes (n,) -> how alike, (n,)."""

_SPARE = 16
"""Candidates fetched beyond k at first, so that k hits remain when near-duplicates collapse."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What hits tell of pictures and their plain vectors (dim,), by id: read at once."""

    rows: dict[str, Row]
    vectors: dict[str, NDArray[np.float32]]

    @classmethod
    def of(cls, collection: Collection, ids: Sequence[str]) -> Seen:
        """Of pictures that are there."""
        vectors = collection.stored(ids, tuned=False)
        return cls({row["id"]: row for row in rows_of(collection, ids)}, dict(zip(ids, vectors, strict=True)))


@dataclass(frozen=True, eq=False)
class Asking:
    """One query in the space that is searched: ``vector`` (dim,), and the pictures that are ``left_out``."""

    collection: Collection
    vector: NDArray[np.float32]
    space: Space | None
    where: str | Where | None
    exact: bool | None
    left_out: frozenset[str]
    hashes: frozenset[str]

    def wider(self, vector: NDArray[np.float32], parts: Vectors, level: float) -> NDArray[np.float32]:
        """(dim,): the vector pulled towards what lies around it, up to ``level``; ``parts`` are the query's own."""
        near, _ = replace(self, where=None)._found(self.side_of(vector), CANDIDATES + len(self.left_out))
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
            ids, _ = self._found(asked, fetch)
            hits = self.filled(bare, ids, self._stored(ids) @ self.side_of(self.vector))
            if len(hits) == fine.k or len(ids) < fetch - len(self.left_out):
                return hits
            fetch *= 4

    def by_parts(self, likeness: Likeness, bare: Hits) -> Hits:
        """The nearest pictures in the order of another likeness, scored as the fine search of ``bare``."""
        fine = bare.fine or bare
        ids, scores = self._found(self.side_of(self.vector), DEPTH + len(self.left_out))
        alike = likeness(self.collection.hashes(ids))
        order, fetch = np.argsort(-alike, kind="stable"), fine.k + _SPARE
        while True:
            some = order[:fetch]
            hits = self.filled(bare, [ids[n] for n in some], scores[some])
            if len(hits) == fine.k or fetch >= len(ids):
                told = zip(hits.candidates, alike[some].tolist(), strict=True)
                return replace(hits, candidates=tuple(replace(hit, roles={"parts": value}) for hit, value in told))
            fetch *= 4

    def nearest(self, asked: NDArray[np.float32], fetch: int) -> Neighbours:
        """For each query side of a score (q, dim) the ``fetch`` nearest pictures that pass, and their scores."""
        tuned = self.space is not None
        return self.collection.nearest(asked, fetch, where=self.where, tuned=tuned, exact=self.exact)

    def _found(self, asked: NDArray[np.float32], fetch: int) -> tuple[list[str], NDArray[np.float32]]:
        """Ids of the ``fetch`` nearest to one side, less those left out, and their scores."""
        return self.admitted(*self.nearest(asked[None], fetch)[0])

    def admitted(self, ids: Sequence[str], scores: NDArray[np.float32]) -> tuple[list[str], NDArray[np.float32]]:
        """Those that are not left out."""
        keep = [n for n, id_ in enumerate(ids) if id_ not in self.left_out]
        return [ids[n] for n in keep], scores[keep]

    def side_of(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The query side of a score, one row."""
        return self.space.asking(vector[None])[0] if self.space else vector

    def _stored(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """The other side of a score, a row a picture."""
        return self.collection.stored(ids, tuned=self.space is not None)

    def filled(self, bare: Hits, ids: Sequence[str], scores: NDArray[np.float32], seen: Seen | None = None) -> Hits:
        """These pictures as hits, in this order; ``seen``: what was read of them already."""
        seen = seen or Seen.of(self.collection, ids)
        sure = confidence(self.collection, scores, bare.tuned)
        found = candidates(self.collection, [seen.rows[id_] for id_ in ids], scores, sure, self.hashes)
        vectors = [seen.vectors[id_] for id_ in ids]
        return replace(bare, candidates=found, vectors=np.stack(vectors) if vectors else bare.vectors)


def nearest_each(asking: Sequence[Asking], bare: Hits) -> list[Hits]:
    """The hits of each query, all of one collection and space, best first; under one filter by one product."""
    filters: dict[str, list[int]] = {}
    for n, one in enumerate(asking):
        filters.setdefault(repr(one.where), []).append(n)  # equal filters need not be the same: 1 is True
    found: dict[int, Hits] = {}
    for same in filters.values():
        found |= zip(same, _nearest([asking[n] for n in same], bare), strict=True)
    return [found[n] for n in range(len(asking))]


def _nearest(asking: Sequence[Asking], bare: Hits) -> list[Hits]:
    sides = np.stack([one.side_of(one.vector) for one in asking])
    found: dict[int, Hits] = {}
    fetch = bare.k + _SPARE
    while left := [n for n in range(len(asking)) if n not in found]:
        fetches = {n: fetch + len(asking[n].left_out) for n in left}
        near = dict(zip(left, asking[0].nearest(sides[left], max(fetches.values())), strict=True))
        seen = Seen.of(asking[0].collection, list(dict.fromkeys(id_ for ids, _ in near.values() for id_ in ids)))
        for n, (ids, scores) in near.items():
            hits = asking[n].filled(bare, *asking[n].admitted(ids[: fetches[n]], scores[: fetches[n]]), seen)
            if len(hits) == bare.k or len(ids) < fetches[n] or not _may_hold_more(hits):
                found[n] = hits
        fetch *= 4
    return [found[n] for n in range(len(asking))]


def _may_hold_more(hits: Hits) -> bool:
    """Whether pictures beyond those fetched could still pass the thresholds: scores only fall from here."""
    last = hits.candidates[-1] if hits.candidates else None
    return last is None or hits.passes(last)
