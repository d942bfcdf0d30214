"""Changes the encoder of a collection, while everybody goes on searching with the one before.

The new encoder's vectors gather on a shelf, a commit every few hundred pictures, by content: what syncs do in between
only changes which contents are asked for. When all are there they become columns of the table, are tuned, and one
commit of the table's metadata names encoder, columns and tuning together. A kill at any moment leaves either
collection whole; the same command goes on from the shelf. The former encoder's vectors stay on a shelf of their own.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from samekind.collection import index, retune
from samekind.collection.lock import writing
from samekind.collection.made_by import ENCODER, MadeBy
from samekind.collection.pipeline import ready
from samekind.collection.plan import MISSING, NOT_ENCODED, SKIPPED
from samekind.collection.reencode import reencode
from samekind.collection.shelf import Shelf, clear, shelves
from samekind.collection.spaces import PRESENT_ROWS
from samekind.collection.table import Table, to_matrix
from samekind.collection.upkeep import persist, upkeep
from samekind.encoders.base import Encoder
from samekind.encoders.rates import note_rate
from samekind.errors import EXIT_FOUND, EXIT_PARTIAL, UsageError
from samekind.events import Chosen, Event, Progress
from samekind.settings import Settings

if TYPE_CHECKING:
    from samekind.collection.collection import Collection

FORMER = "samekind.former"
_COMPARED = 4_000
_RATED_FROM = 100
_SEED = 20_261_121


@dataclass(frozen=True)
class MigrateReport:
    """The collection went from encoder ``former`` to ``encoder``; ``switched`` False where it had that one already
    (perhaps by another name, which it takes over).

    ``pictures`` have its vectors, ``encoded`` of them now, at ``rate`` a second. ``left_out`` counts by reason the
    pictures whose files could not be used; they and the missing ones, ``without`` in all, have no vector until a sync
    finds their files. ``compatibility`` is the share of held-out pictures that their former vector, mapped, finds among
    the new ones; None below 50 pictures. ``tuned`` and ``why`` as in a sync's report.
    """

    former: str
    encoder: str
    pictures: int
    switched: bool = True
    encoded: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    without: int = 0
    compatibility: float | None = None
    tuned: bool = False
    why: str = ""
    seconds: float = 0.0
    rate: float = 0.0
    chosen: tuple[Chosen, ...] = ()

    @property
    def exit_code(self) -> int:
        """3 when pictures are without a vector of the new encoder, else 0."""
        return EXIT_PARTIAL if self.without else EXIT_FOUND

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "former": self.former,
            "encoder": self.encoder,
            "switched": self.switched,
            "pictures": self.pictures,
            "encoded": self.encoded,
            "left_out": dict(self.left_out),
            "without": self.without,
            "compatibility": None if self.compatibility is None else round(self.compatibility, 4),
            "tuned": self.tuned,
            "why": self.why,
            "seconds": round(self.seconds, 3),
            "pictures_per_second": round(self.rate, 1),
            "chosen": {choice.what: choice.value for choice in self.chosen},
        }


def migrate(
    collection: Collection, encoder: Encoder | str | None, settings: Settings, tune: bool
) -> Generator[Event, None, MigrateReport]:
    """The steps of ``Collection.migrate``, and with ``encoder`` None those of ``Collection.back``."""
    started, since = time.perf_counter(), time.time()
    folder = collection.path
    with writing(folder):
        collection.refresh()
        table, old = collection.table, collection.made
        chosen: list[Chosen] = []
        if encoder is None:
            new = former(collection)
            if new is None:
                raise UsageError(f"{folder} has no former encoder to go back to; name one with --encoder.")
        else:
            encoder = yield from ready(encoder, settings)
            chosen += getattr(encoder, "choices", ())
            yield from chosen
            new = MadeBy.of(encoder)
        if new.fingerprint == old.fingerprint:
            if new.name != old.name:
                table.annotate({ENCODER: replace(old, name=new.name).to_json()})
            _finish(collection)
            return MigrateReport(old.name, new.name, table.count(PRESENT_ROWS), switched=False, why=collection.why)
        new = new.moving_in()
        retune.sweep(folder, table)
        clear(folder, [new.fingerprint, table.metadata.get(FORMER, "")])
        shelf = Shelf.make(folder, new)
        encoded, rate, left_out = yield from reencode(collection, shelf, encoder, settings)
        if encoded >= _RATED_FROM:
            note_rate(new.name, rate)
        yield Progress("moving in", 0, 3)
        table.add_encoded(new.look, new.views, new.dim, old.views, shelf.fill)
        had_one = f"(state != '{SKIPPED}' AND (reason IS NULL OR reason = '{NOT_ENCODED}'))"
        without = f"{had_one} AND {new.look} IS NULL"
        absent = table.count(without)
        if absent:
            table.update({"state": f"'{MISSING}'", "reason": f"'{NOT_ENCODED}'"}, without)
        yield Progress("moving in", 1, 3)
        compatibility = _compatibility(table, old, new)
        yield Progress("moving in", 2, 3)
        Shelf.make(folder, old).keep(table)
        yield Progress("moving in", 3, 3)
        tuning = None
        if tune and table.count(PRESENT_ROWS):
            tuning = yield from retune.prepare(folder, table, new)
        if tuning is None or not tuning.helps:
            index.keep(table, new.look, new.look, lambda vectors: vectors)
        retune.retire(folder, retune.active(table)[0])
        persist(folder, since)
        table.switch({ENCODER: new.to_json(), FORMER: old.fingerprint, **retune.values(tuning)})
        persist(folder, since)
        _finish(collection)
        yield from upkeep(folder, table, since, *collection.searched)
        collection.refresh()
        return MigrateReport(
            former=old.name,
            encoder=new.name,
            pictures=table.count(PRESENT_ROWS),
            encoded=encoded,
            left_out=left_out,
            without=absent,
            compatibility=compatibility,
            tuned=collection.tuned,
            why=collection.why,
            seconds=time.perf_counter() - started,
            rate=rate,
            chosen=tuple(chosen),
        )


def former(collection: Collection) -> MadeBy | None:
    """The encoder that the collection can go back to, if it can."""
    wanted = collection.table.metadata.get(FORMER)
    return next((one for one in shelves(collection.path) if one.fingerprint == wanted), None)


def under_way(collection: Collection) -> tuple[MadeBy, int, int] | None:
    """A migration that was begun: its encoder, and how many of the present contents have its vectors already."""
    known = (collection.fingerprint, collection.table.metadata.get(FORMER))
    for made in shelves(collection.path):
        if made.fingerprint not in known:
            shelf = Shelf.at(collection.path, made)
            wanted = set(collection.table.read(["hash"], PRESENT_ROWS)["hash"].to_pylist())
            return made, sum(hash_ in shelf for hash_ in wanted), len(wanted)
    return None


def _finish(collection: Collection) -> None:
    """What follows the switch; where that was cut off, the same command does it again."""
    table, new = collection.table, collection.made
    back = f"reason = '{NOT_ENCODED}'"
    if table.count(back):
        table.update({"reason": "NULL"}, f"{back} AND {new.look} IS NOT NULL")
    retune.sweep(collection.path, table)
    clear(collection.path, [table.metadata.get(FORMER, "")])


def _compatibility(table: Table, old: MadeBy, new: MadeBy) -> float | None:
    """How well a linear map of the former vectors stands in for the new ones, on a sample of the present pictures."""
    from samekind.tuning.compatible import FEWEST, compatible_map

    row_ids = table.read([], PRESENT_ROWS, row_ids=True)["_rowid"].to_numpy()
    if len(row_ids) < FEWEST:
        return None
    if len(row_ids) > _COMPARED:
        row_ids = np.sort(np.random.default_rng(_SEED).choice(row_ids, _COMPARED, replace=False))
    rows = table.take(row_ids, [old.look, new.look])
    return compatible_map(*(to_matrix(rows[name].combine_chunks())[0] for name in (old.look, new.look))).found
