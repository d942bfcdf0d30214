"""What a second look at pictures gives, kept beside the table by content: made once, then by each sync of new ones."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samekind.collection.lock import writing
from samekind.collection.made_by import MadeBy
from samekind.collection.reencode import reencode
from samekind.collection.shelf import Shelf, clear
from samekind.collection.spaces import PRESENT_ROWS
from samekind.events import Event

if TYPE_CHECKING:
    from samekind.collection.collection import Collection
    from samekind.encoders.base import Encoder, Vectors
    from samekind.settings import Settings


@dataclass(frozen=True)
class LearnReport:
    """How many pictures were looked at now, and how many of all could not be and why."""

    looked_at: int
    rate: float
    left_out: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"looked_at": self.looked_at, "rate": round(self.rate, 1), "left_out": self.left_out}


@dataclass(frozen=True)
class Beside:
    """One kind of second look: the ``folder`` it is kept in, what it is called while it is made, and who looks.

    ``encoder`` gives the looks of a collection's pictures, unit vectors (n, dim).
    """

    folder: str
    stage: str
    encoder: Callable[[Collection, Settings], Encoder]

    def learn(self, collection: Collection, settings: Settings) -> Generator[Event, None, LearnReport]:
        """Looks at all present pictures that were not looked at yet.

        Nothing is locked or written where all were. Raises CollectionBusy, StorageError and what the encoder raises.
        """
        if not self._lacking(collection, settings):
            return LearnReport(0, 0.0, {})
        encoder = self.encoder(collection, settings)
        made = MadeBy.of(encoder)
        with writing(collection.path):
            collection.refresh()
            clear(collection.path, [made.fingerprint], self.folder)
            shelf = Shelf.make(collection.path, made, self.folder)
            done, rate, left_out = yield from reencode(
                collection, shelf, encoder, settings, views=False, stage=self.stage
            )
        return LearnReport(done, rate, dict(left_out))

    def has_some(self, collection: Collection) -> bool:
        """Whether it was asked of this collection before."""
        return any((collection.path / self.folder).glob("*"))

    def read(
        self, collection: Collection, hashes: Sequence[str | None], settings: Settings
    ) -> tuple[Vectors, NDArray[np.bool_]]:
        """Looks (m, dim) of the pictures with these contents that have one, and (n,) which these are."""
        shelf = self._shelf(collection, settings)
        looks, there, _ = shelf.fill(hashes, np.zeros(len(hashes), bool))
        return looks, there

    def _lacking(self, collection: Collection, settings: Settings) -> bool:
        hashes = collection.table.read(["hash"], PRESENT_ROWS)["hash"].to_pylist()
        shelf = self._shelf(collection, settings)
        return any(hash_ and hash_ not in shelf for hash_ in hashes)

    def _shelf(self, collection: Collection, settings: Settings) -> Shelf:
        return Shelf.at(collection.path, MadeBy.of(self.encoder(collection, settings)), self.folder)
