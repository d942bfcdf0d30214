"""What pictures show, by name: kept beside the table by content, made when words are first asked."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from samekind.collection.lock import writing
from samekind.collection.made_by import MadeBy
from samekind.collection.reencode import reencode
from samekind.collection.shelf import Shelf, clear
from samekind.collection.spaces import PRESENT_ROWS
from samekind.events import Event

if TYPE_CHECKING:
    from samekind.collection.collection import Collection
    from samekind.encoders.base import Vectors
    from samekind.settings import Settings

FOLDER = "words"


@dataclass(frozen=True)
class WordsReport:
    """How many pictures were looked at now, and how many of all have no words and why."""

    looked_at: int
    rate: float
    left_out: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"looked_at": self.looked_at, "rate": round(self.rate, 1), "left_out": self.left_out}


def learn(collection: Collection, settings: Settings) -> Generator[Event, None, WordsReport]:
    """Looks at all present pictures whose concepts are not known yet.

    Nothing is locked or written where all are. Raises CollectionBusy, StorageError.
    """
    if not _lacking(collection, settings):
        return WordsReport(0, 0.0, {})
    encoder = _encoder(settings)
    made = MadeBy.of(encoder)
    with writing(collection.path):
        collection.refresh()
        clear(collection.path, [made.fingerprint], FOLDER)
        shelf = Shelf.make(collection.path, made, FOLDER)
        done, rate, left_out = yield from reencode(
            collection, shelf, encoder, settings, views=False, stage="learning words"
        )
    return WordsReport(done, rate, dict(left_out))


def has_some(collection: Collection) -> bool:
    """Whether words were asked of this collection before."""
    return any((collection.path / FOLDER).glob("*"))


def read(collection: Collection, hashes: list[str | None], settings: Settings) -> tuple[Vectors, np.ndarray[Any, Any]]:
    """Concepts (m, 1013) of the pictures with these contents that have some, and (n,) which these are."""
    shelf = Shelf.at(collection.path, MadeBy.of(_encoder(settings)), FOLDER)
    looks, there, _ = shelf.fill(hashes, np.zeros(len(hashes), bool))
    return looks, there


def _lacking(collection: Collection, settings: Settings) -> bool:
    hashes = collection.table.read(["hash"], PRESENT_ROWS)["hash"].to_pylist()
    shelf = Shelf.at(collection.path, MadeBy.of(_encoder(settings)), FOLDER)
    return any(hash_ and hash_ not in shelf for hash_ in hashes)


def _encoder(settings: Settings) -> Any:
    from samekind.meaning import concept_encoder

    return concept_encoder(settings)
