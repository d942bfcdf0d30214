"""The collection as people meet it: open, sync, tune, look inside, search by vector, take back."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samekind.collection import captions, concept_filter, index, kinds, retune
from samekind.collection import manifest as manifests
from samekind.collection.beside import LearnReport
from samekind.collection.concepts import CONCEPTS
from samekind.collection.info import Info, describe
from samekind.collection.lock import writing
from samekind.collection.made_by import MadeBy, made_by
from samekind.collection.make import absolute, make
from samekind.collection.manifest import Manifest
from samekind.collection.migrate import MigrateReport, former, migrate
from samekind.collection.multi_vector import PARTS, VECTORS
from samekind.collection.plan import MISSING, STATES
from samekind.collection.shelf import clear
from samekind.collection.spaces import PRESENT_ROWS, Loaded, Neighbours, load, scan_nearest
from samekind.collection.sync import SyncReport, sync
from samekind.collection.table import FOLDER, OWN, Map, Table, in_list, sql_text, to_matrix
from samekind.collection.upkeep import persist, upkeep
from samekind.collection.where import Where, to_sql
from samekind.collection.written import parse_where
from samekind.encoders.base import Encoder, Part
from samekind.errors import CollectionError, DamagedCollection, UsageError, unknown_name
from samekind.events import Event, Job
from samekind.settings import Settings, resolve

if TYPE_CHECKING:
    from samekind.pictures.scan import Source
    from samekind.tuning import Tuning


class Collection:
    """Pictures of some folders, their vectors, and what was learned from them: one folder on disk.

    A collection reads one version of its table, so that all answers fit each other, until ``refresh`` moves on to the
    latest (a job that writes does so by itself). Any number of processes read while one writes.
    """

    def __init__(self, path: Path, manifest: Manifest, table: Table) -> None:
        """Use ``Collection.open`` or ``Collection.create``."""
        self.path = path
        self.manifest = manifest
        self.table = table
        self._loaded: dict[str, Loaded] = {}
        self._tuning: tuple[str, Tuning] | None = None

    def __repr__(self) -> str:
        return f"Collection({str(self.path)!r}, encoder={self.encoder_name!r})"

    @classmethod
    def create(cls, path: str | Path, encoder: Encoder) -> Collection:
        """An empty collection for the vectors of ``encoder``, in a new folder.

        Raises UsageError where there is a collection, NotACollection where there is something else, StorageError.
        """
        make(absolute(path), encoder)
        return cls.open(path)

    @classmethod
    def open(cls, path: str | Path) -> Collection:
        """The collection at ``path``.

        Raises NotACollection, NewerFormat, DamagedCollection or StorageError.
        """
        path = absolute(path)
        manifest = manifests.read(path)
        if not (path / FOLDER).is_dir():
            raise DamagedCollection(f"{path / FOLDER} is gone; restore it from a copy, or make the collection anew.")
        table = Table.open(path / FOLDER)
        made = made_by(table, manifest.made)
        field = table.schema.field(made.look) if made.look in table.schema.names else None
        if field is None or getattr(field.type, "list_size", None) != made.dim:
            raise DamagedCollection(f"The table of {path} does not fit its {manifests.FILE}; restore both from a copy.")
        return cls(path, manifest, table)

    @classmethod
    def open_or_create(cls, path: str | Path, encoder: Encoder) -> Collection:
        """The collection at ``path``, made where there is none. Raises EncoderMismatch and what the two raise."""
        if not (absolute(path) / manifests.FILE).exists():
            return cls.create(path, encoder)
        collection = cls.open(path)
        collection.check(encoder)
        return collection

    # what it is

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def made(self) -> MadeBy:
        """The encoder whose vectors the version that is read holds, and their columns."""
        return made_by(self.table, self.manifest.made)

    def check(self, encoder: Encoder) -> None:
        """Raises EncoderMismatch unless the encoder's vectors can be compared with the stored ones."""
        self.made.check(encoder, self.path)

    @property
    def encoder_name(self) -> str:
        """The name that its encoder is loaded by."""
        return self.made.name

    @property
    def fingerprint(self) -> str:
        """The encoder's fingerprint."""
        return self.made.fingerprint

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.made.dim

    @property
    def parts(self) -> tuple[Part, ...]:
        """The slices of a vector."""
        return self.made.parts

    @property
    def settings(self) -> Settings:
        """The settings that hold for this collection."""
        return resolve(collection_file=self.manifest.settings)

    @property
    def tuned(self) -> bool:
        """Whether searches use a tuning: there is one, and it helps."""
        return retune.active(self.table)[1] is not None

    @property
    def tuning(self) -> Tuning | None:
        """The active tuning (its calibration holds even where its map does not help), or None if there was none yet."""
        stamp, _ = retune.active(self.table)
        if stamp is None:
            return None
        if self._tuning is None or self._tuning[0] != stamp:
            self._tuning = stamp, retune.read(self.path, stamp)
        return self._tuning[1]

    @property
    def why(self) -> str:
        """Why searches are tuned, or why not."""
        tuning = self.tuning
        return "never tuned" if tuning is None else tuning.why

    @property
    def searched(self) -> tuple[str, Map]:
        """The column that is searched, and what makes queries for it of the encoder's vectors."""
        _, column = retune.active(self.table)
        tuning = self.tuning if column else None
        return (column, tuning.asked) if column and tuning else (self.made.look, _as_they_are)

    def info(self) -> Info:
        """What it holds, how it was tuned, how large it is."""
        self.refresh()
        return describe(self)

    def file_of(self, root: str, path: str) -> Path:
        """The absolute file of a picture."""
        if root not in self.manifest.roots:
            raise DamagedCollection(
                f"{self.path / manifests.FILE} does not name folder {root!r} of some pictures; restore it from a copy."
            )
        return self.manifest.roots[root].folder / path

    # looking

    def refresh(self) -> None:
        """Moves on to what was last written."""
        self.table.refresh()  # before the roots: a root is written before the rows that name it
        self.manifest = manifests.read(self.path)

    def vectors(self, tuned: bool = True) -> Loaded:
        """The vectors of all present pictures, in the tuned space where there is one and ``tuned``; kept in memory."""
        column = self._column(tuned)
        loaded = self._loaded.get(column)
        if loaded is None or loaded.version != self.table.version:
            loaded = load(self.table, column)
            self._loaded = {name: one for name, one in self._loaded.items() if one.version == loaded.version}
            self._loaded[column] = loaded
        return loaded

    def views(self) -> tuple[list[str], NDArray[np.float32]]:
        """Ids of the pictures with second views, and those views' vectors, (m, v, dim)."""
        views = self.made.views
        rows = self.table.read(["id", views], f"{PRESENT_ROWS} AND {views} IS NOT NULL")
        flat = rows[views].combine_chunks()
        ids: list[str] = rows["id"].to_pylist()
        if not ids:
            return [], np.zeros((0, 0, self.dim), np.float32)
        return ids, np.asarray(flat.flatten()).astype(np.float32).reshape(len(ids), -1, self.dim)

    def nearest(
        self,
        vectors: NDArray[np.float32],
        k: int,
        where: str | Where | None = None,
        tuned: bool = True,
        exact: bool | None = None,
    ) -> Neighbours:
        """For each of ``vectors`` (q, dim), rows to ask with: ids of the ``k`` nearest, and their scores.

        They are unit rows of the encoder, or what the tuning's ``asked`` makes of such for the tuned space. Best first;
        fewer than ``k`` only where fewer pictures pass ``where``, which is applied before the search.
        ``exact`` None searches by the index where there is one, so from some 200,000 pictures on. Raises UsageError.
        """
        if k < 1:
            raise UsageError(f"k must be at least 1, not {k}.")
        column = self._column(tuned)
        vectors = np.atleast_2d(np.asarray(vectors, np.float32))
        if vectors.shape[1] != self.table.dim(column):
            raise UsageError(
                f"A query vector must have {self.table.dim(column)} numbers for {self.name}, not {vectors.shape[1]}; "
                f"use its encoder {self.encoder_name!r}."
            )
        asked = self._present(where)
        if not exact and self.table.has_index(column):
            return index.search(self.table, column, vectors, k, asked)
        if self._many():
            return scan_nearest(self.table, column, vectors, k, asked)
        passing = None if where is None else self.table.read([], asked, row_ids=True)["_rowid"].to_numpy()
        return self.vectors(tuned).nearest(vectors, k, passing)

    def passing(self, where: str | Where | None) -> set[str]:
        """Ids of the present pictures that pass. Raises UsageError."""
        return set(self.table.read(["id"], self._present(where))["id"].to_pylist())

    def contents(self, where: str | Where | None = None) -> dict[str, str]:
        """Ids of the present pictures that pass, each with its content hash. Raises UsageError."""
        found = self.table.read(["id", "hash"], self._present(where))
        return dict(zip(found["id"].to_pylist(), found["hash"].to_pylist(), strict=True))

    def rows(self, ids: Sequence[str], columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The pictures with these ids, in this order; each a dict with "id", "root", "path", "file" and ``columns``.

        ``columns`` None gives the person's own columns. An id that is gone is left out. Raises UsageError for a column
        that is not there.
        """
        names = list(self.table.person_columns if columns is None else columns)
        for name in names:
            if name not in self.table.schema.names:
                raise unknown_name("column", name, [*OWN, *self.table.person_columns])
        wanted = list(dict.fromkeys(["id", "root", "path", *names]))
        found = {row["id"]: row for row in self.table.by_ids(ids, wanted).to_pylist()}
        return [
            {**found[id_], "file": self.file_of(found[id_]["root"], found[id_]["path"])} for id_ in ids if id_ in found
        ]

    def stored(self, ids: Sequence[str], tuned: bool = True) -> NDArray[np.float32]:
        """Stored vectors of these pictures, (n, dim) float32, in this order. Raises UsageError where one has none."""
        column = self._column(tuned)
        found = self.table.by_ids(ids, [column])
        vectors, there = to_matrix(found[column].combine_chunks())
        vectors = vectors[:, : self.table.dim(column)]
        have = [id_ for id_, ok in zip(found["id"].to_pylist(), there, strict=True) if ok]
        place = {id_: n for n, id_ in enumerate(have)}
        for id_ in ids:
            if id_ not in place:
                raise UsageError(f"Picture {id_} of {self.name} has no vector; name a present one.")
        return vectors[[place[id_] for id_ in ids]]

    def find(self, items: Sequence[str | Path]) -> list[str]:
        """Ids of pictures named by id, by path below a root, or by absolute path. Raises UsageError for others."""
        return [self._find(item) for item in items]

    def _find(self, item: str | Path) -> str:
        text = str(item)
        tests = [f"id = {sql_text(text)}", f"path = {sql_text(text)}"]
        place = Path(text)
        for name, root in self.manifest.roots.items():
            if place.is_absolute() and place.is_relative_to(root.folder):
                inside = place.relative_to(root.folder).as_posix()
                tests.append(f"(root = {sql_text(name)} AND path = {sql_text(inside)})")
        found = self.table.read(["id", "state", "root"], " OR ".join(tests)).to_pylist()
        found.sort(key=lambda row: (row["id"] != text, STATES.index(row["state"])))
        if not found:
            raise UsageError(
                f"There is no picture {text!r} in {self.name}; name an id or a path as samekind list shows them."
            )
        if len(found) > 1 and found[1]["state"] == found[0]["state"] and found[0]["id"] != text:
            raise UsageError(f"{text!r} is in several roots of {self.name}; name its id or its absolute path.")
        return str(found[0]["id"])

    def pictures(
        self, where: str | Where | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """All pictures in any state, each a dict of ``columns`` (None: all but vectors) and "file".

        With all columns comes "kind", its name or address, once kinds were found.
        """
        names = list(columns) if columns is not None else [*OWN, *self.table.person_columns]
        for name in names:
            if name not in self.table.schema.names:
                raise unknown_name("column", name, [*OWN, *self.table.person_columns])
        kind = kinds.shown(self.table) if columns is None else None
        named = kinds.names(self.table) if kind else {}
        wanted = list(dict.fromkeys(["root", "path", *names, *([kind] if kind else [])]))
        for batch in self.table.batches(wanted, None if where is None else self._sql(where)):
            for row in batch.to_pylist():
                file = self.file_of(row["root"], row["path"])
                own = {kinds.FILTER: kinds.called(row[kind], named)} if kind else {}
                yield {name: row[name] for name in names} | own | {"file": file}

    def _sql(self, where: str | Where) -> str:
        tree = parse_where(where) if isinstance(where, str) else where
        tree = kinds.resolved(concept_filter.resolved(tree, self), self.table, self.name)
        return to_sql(tree, self.table.schema)

    def _present(self, where: str | Where | None) -> str:
        """SQL: the picture is present and passes."""
        return PRESENT_ROWS if where is None else f"({self._sql(where)}) AND {PRESENT_ROWS}"

    def _many(self) -> bool:
        """Whether there are too many vectors to hold them all in memory for a search."""
        return self.table.count() >= index.FROM_PICTURES

    def _column(self, tuned: bool) -> str:
        return (retune.active(self.table)[1] if tuned else None) or self.made.look

    # changing

    def sync(
        self,
        sources: Sequence[str | Path | Source] = (),
        *,
        encoder: Encoder | None = None,
        settings: Settings | None = None,
        tune: bool = True,
        dry_run: bool = False,
    ) -> Job[SyncReport]:
        """Brings the collection up to date with ``sources`` (none: with all its folders), and tunes it when due.

        ``encoder`` is loaded by name, when there is something to encode, where none is given. The job raises UsageError
        (an unknown source, a clashing column), CollectionBusy, EncoderMismatch, StorageError and what loading an
        encoder raises; what was committed before stays, and running it again goes on from there.
        """
        return Job(self._sync(sources, encoder, settings or self.settings, tune, dry_run))

    def _sync(
        self, sources: Sequence[str | Path | Source], encoder: Encoder | None, settings: Settings, *how: bool
    ) -> Generator[Event, None, SyncReport]:
        report = yield from sync(self, sources, encoder, settings, *how)
        for look in (CONCEPTS, PARTS):
            if not report.dry_run and look.has_some(self):
                yield from look.learn(self, settings)
        return report

    def learn_words(self, *, settings: Settings | None = None) -> Job[LearnReport]:
        """Looks at what words need of all present pictures: once, and whatever is new later on.

        The job raises CollectionBusy and StorageError.
        """
        return Job(CONCEPTS.learn(self, settings or self.settings))

    def learn_parts(self, *, settings: Settings | None = None) -> Job[LearnReport]:
        """Looks at the parts of all present pictures, for searches by parts: once, and whatever is new later on.

        The job raises CollectionBusy, StorageError, and EncoderError for an encoder that does not show what it sees
        where.
        """
        return Job(PARTS.learn(self, settings or self.settings))

    def learn_captions(self, *, settings: Settings | None = None) -> Job[int]:
        """Reads captions and keywords out of the files of all present pictures: once, and of new ones later on.

        The job gives how many were read now; it raises CollectionBusy and StorageError.
        """
        return Job(captions.learn(self, settings or self.settings))

    def knows(self, kinds: Iterable[str]) -> bool:
        """Whether "concepts" or "captions" were learned once and not forgotten; those of later pictures may lack."""
        made = {"concepts": CONCEPTS.has_some(self), "captions": captions.has_some(self)}
        return all(made[kind] for kind in kinds)

    def captions_of(self, hashes: Sequence[str | None]) -> list[tuple[str, ...]]:
        """The captions and keywords in files with these contents; none where there are none or they were not read."""
        known = captions.read(self.path)
        return [known.get(hash_ or "", ()) for hash_ in hashes]

    def hashes(self, ids: Sequence[str]) -> list[str | None]:
        """The content hashes of present pictures, None for an id that is gone."""
        by_id = self.contents()
        return [by_id.get(id_) for id_ in ids]

    def concepts_of(self, hashes: list[str | None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """What pictures with these contents show, (m, 1013) of those known so far, and (n,) which are known."""
        return CONCEPTS.read(self, hashes, self.settings)

    def parts_of(self, hashes: list[str | None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Vectors of the parts of pictures with these contents, (m, VECTORS, d) of those known, and (n,) which are."""
        found, there = PARTS.read(self, hashes, self.settings)
        return found.reshape(len(found), VECTORS, found.shape[1] // VECTORS), there

    def tune(self) -> Job[retune.TuneReport]:
        """Fits the collection to its own pictures again, whether or not that is due."""
        return Job(self._tune())

    def _tune(self) -> Generator[Event, None, retune.TuneReport]:
        since = time.time()
        with writing(self.path):
            self.refresh()
            if not self.table.count(PRESENT_ROWS):
                raise CollectionError(f"{self.path} holds no pictures yet; sync a folder first.")
            report = yield from retune.retune(self.path, self.table, self.made)
            yield from upkeep(self.path, self.table, since, *self.searched)
        return report

    def migrate(
        self, encoder: Encoder | str, *, settings: Settings | None = None, tune: bool = True
    ) -> Job[MigrateReport]:
        """Changes to another encoder (or its name): encodes all present pictures anew, tunes, and switches at once.

        Everybody searches with the encoder before until then. Where it was broken off, the same call goes on. Pictures
        whose files are away or cannot be used are missing afterwards, until a sync finds them. The job raises
        CollectionBusy, StorageError and what loading an encoder raises.
        """
        return Job(migrate(self, encoder, settings or self.settings, tune))

    def back(self, *, settings: Settings | None = None, tune: bool = True) -> Job[MigrateReport]:
        """Changes back to the former encoder, whose vectors are kept until ``purge`` or another migration.

        It is loaded where pictures came since. The job raises UsageError where there is none, EncoderMismatch where it
        has another version by now, and what ``migrate`` raises.
        """
        return Job(migrate(self, None, settings or self.settings, tune))

    def remove(self, where: str | Where | None = None, ids: Sequence[str | Path] = ()) -> int:
        """Takes pictures out (their files stay); returns how many. A sync of their folder brings them back."""
        if where is None and not ids:
            raise UsageError("Say which pictures to remove: by a filter, or by ids.")
        tests = []
        if where is not None:
            tests.append(f"({self._sql(where)})")
        if ids:
            tests.append(in_list("id", self.find(ids)))
        return self._delete(" OR ".join(tests), "remove")

    def purge(self) -> int:
        """Forgets the pictures that are missing, and vectors of encoders that are not in use; returns how many."""
        return self._delete(f"state = '{MISSING}'", "purge", _forget)

    def _delete(self, where: str, label: str, then: Callable[[Path], None] = lambda _: None) -> int:
        since = time.time()
        with writing(self.path):
            self.refresh()
            count = self.table.count(where)
            if count:
                retune.sweep(self.path, self.table)
                changes = int(self.table.metadata.get(retune.CHANGES, 0)) + count
                self.table.begin(label, {retune.CHANGES: str(changes)})
                self.table.delete(where)
                for _ in upkeep(self.path, self.table, since, *self.searched):
                    pass
            then(self.path)
        return count

    def undo(self) -> str:
        """Goes back to before the last sync, remove or purge, rows and tuning; returns which. Raises UsageError."""
        since = time.time()
        with writing(self.path):
            self.refresh()
            label, before = self.table.undo_label, self.table.undo_table()
            if label is None or before is None:
                changed = former(self)
                remedy = "only the last sync can be undone, once"
                if changed is not None:
                    remedy = (
                        f"its encoder was changed since, and samekind migrate with --back returns to {changed.name!r}"
                    )
                raise UsageError(f"There is nothing to undo in {self.path}; {remedy}.")
            retune.retire(self.path, retune.active(self.table)[0])
            names = kinds.names(self.table) if kinds.active(self.table) == kinds.active(before) else None
            self.table.restore(before)
            if names is not None and names != kinds.names(self.table):
                kinds.rename(self.table, names)
            persist(self.path, since)
        self.refresh()
        return label

    def relocate(self, old: str, new: str | Path) -> str:
        """Tells the collection that a root (by name, or by the folder it had) is at folder ``new``; returns its name.

        Raises UsageError for an unknown root, or where ``new`` is no folder or another root's.
        """
        folder = absolute(new)
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}; name the one that the pictures are in now.")
        with writing(self.path):
            manifest = manifests.read(self.path).moved(old, folder)
            manifests.write(self.path, manifest)
            persist(self.path, time.time())
        self.manifest = manifest
        return next(name for name, root in manifest.roots.items() if root.folder == folder)


def _forget(path: Path) -> None:
    """Drops what is kept by content and can be made again: other encoders' vectors, and captions."""
    clear(path)
    captions.forget(path)


def _as_they_are(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors
