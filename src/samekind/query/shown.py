"""What a query shows: one vector for each picture, stored item and given vector, and what is asked with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Encoder, Vectors
from samekind.errors import UsageError
from samekind.query.feedback import Refined, held, refined
from samekind.query.looking import look_at, plain_rows, summed
from samekind.query.model import Like, Query, Unlike
from samekind.query.parts import pull

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.tuning.space import Space


@dataclass(frozen=True, eq=False)
class Shown:
    """A query's shown parts, n of them in order, as unit rows (n, dim): ``plain`` and ``mapped`` to the searched space.

    ``pulls`` (n,) are their weights, ``marks`` (n,) says which are marks on hits; ``items`` are the ids of the pictures
    that are left out of the results, ``hashes`` of what files there were pictures of.
    """

    plain: Vectors
    mapped: Vectors
    pulls: NDArray[np.float32]
    marks: NDArray[np.bool_]
    space: Space | None
    items: tuple[str, ...]
    hashes: frozenset[str]

    @property
    def vector(self) -> NDArray[np.float32]:
        """(dim,): what is asked with, without marks. UsageError where the parts cancel out."""
        return summed(self.mapped[~self.marks], self.pulls[~self.marks])

    def refined(self, start: NDArray[np.float32] | None = None) -> Refined:
        """What marks make of it, or of ``start`` (dim,), which an eye made of it; never too far from the query."""
        liked, disliked = self.marks & (self.pulls > 0), self.marks & (self.pulls < 0)
        made = refined(self.vector if start is None else start, self.mapped[liked], self.mapped[disliked])
        if start is None:
            return made
        near = held(made.vector.astype(np.float64), self.vector.astype(np.float64))
        return replace(made, vector=near.astype(np.float32))

    def asked(self, start: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The query side of the score that orders the hits, (dim,) or (dim + 1,), marks on ``start`` as ``refined``."""
        if not self.marks.any():
            return self.side_of(self.vector if start is None else start)
        found = self.refined(start)
        return found.asked if self.space else found.vector

    def side_of(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The query side of a score, one row."""
        return self.space.asking(vector[None])[0] if self.space else vector


def shown(collection: Collection, query: Query, tune: bool, encoder: Encoder | None) -> Shown:
    """The vectors of a query; ``encoder`` is needed for its pictures. Raises as ``search`` does."""
    return shown_each(collection, [query], tune, encoder)[0]


def shown_each(collection: Collection, queries: Sequence[Query], tune: bool, encoder: Encoder | None) -> list[Shown]:
    """The same for each of several queries, whose pictures the encoder looks at in one call."""
    looked, hashes = look_at([picture for query in queries for picture in query.pictures], encoder, collection)
    stops = np.cumsum([len(query.pictures) for query in queries]).tolist()
    found = []
    for query, stop in zip(queries, stops, strict=True):
        own = slice(stop - len(query.pictures), stop)
        found.append(_shown(collection, query, tune, looked[own], frozenset(filter(None, hashes[own]))))
    return found


def _shown(collection: Collection, query: Query, tune: bool, looked: Vectors, hashes: frozenset[str]) -> Shown:
    items = collection.find([part.item for part in query.items])
    plain = plain_rows(collection, query, looked, items) if query.shown else looked
    pulls = np.array([pull(part) for part in query.shown], np.float32)
    space = collection.tuning.space if collection.tuning is not None and tune else None
    mapped = space.apply(plain) if space else plain
    return Shown(plain, mapped, pulls, _marks(query, pulls), space, tuple(items), hashes)


def _marks(query: Query, pulls: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(n,) which of what is shown are marks on hits: likes and unlikes, where something else is asked with."""
    marks = np.array([bool(query.marks) and isinstance(part, Like | Unlike) for part in query.shown], np.bool_)
    if (np.abs(pulls[marks]) != 1).any():
        raise UsageError(
            "Beside a picture or a vector, likes and unlikes are marks and have no weights; leave the weights out, or "
            "name the pictures' files and weigh those."
        )
    return marks
