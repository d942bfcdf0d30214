"""Brings a collection up to date: look, plan, write what is new, mark what is away, tune, tidy."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samekind.collection import manifest as manifests
from samekind.collection import retune, roots
from samekind.collection.lock import writing
from samekind.collection.made_by import columns_of
from samekind.collection.pipeline import Looked, look, ready
from samekind.collection.plan import MISSING, Found, Place, Plan, Scope, Stored, Value, passing, plan, unsettled
from samekind.collection.spaces import PRESENT_ROWS
from samekind.collection.table import Table, sql_text
from samekind.collection.upkeep import upkeep
from samekind.collection.writer import Writer, blocks, new_columns
from samekind.encoders.base import Encoder
from samekind.encoders.rates import note_rate
from samekind.errors import EXIT_FOUND, EXIT_PARTIAL, PictureError
from samekind.events import Chosen, Event, Progress, Skipped, Warned
from samekind.settings import Settings, usable_threads

if TYPE_CHECKING:
    from samekind.collection.collection import Collection
    from samekind.collection.manifest import Manifest
    from samekind.pictures.scan import Source

SYNCED = "samekind.synced"
VIEWS_AT_MOST, VIEWS_AT_LEAST, VIEWS_SHARE = 250, 60, 1 / 3
COMMIT_PICTURES = 512
COMMIT_SECONDS = 20.0
_HASHED_AT_ONCE = 256
_RATED_FROM = 100


@dataclass(frozen=True)
class SyncReport:
    """What a sync found and did.

    ``counts`` by class of the plan; ``skipped`` by reason; ``pictures`` present afterwards; ``encoded`` of them looked
    at now, at ``rate`` a second; ``tuned`` whether searches use a tuning, and ``why``; ``chosen`` every "auto".
    """

    counts: Mapping[str, int]
    pictures: int
    skipped: Mapping[str, int] = field(default_factory=dict)
    away: tuple[str, ...] = ()
    encoded: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    tuned: bool = False
    why: str = ""
    retuned: bool = False
    dry_run: bool = False
    chosen: tuple[Chosen, ...] = ()

    @property
    def exit_code(self) -> int:
        """3 when something was skipped or away this time, else 0."""
        return EXIT_PARTIAL if self.skipped or self.away else EXIT_FOUND

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **self.counts,
            "pictures": self.pictures,
            "skipped": sum(self.skipped.values()),
            "reasons": dict(self.skipped),
            "away": list(self.away),
            "encoded": self.encoded,
            "seconds": round(self.seconds, 3),
            "pictures_per_second": round(self.rate, 1),
            "tuned": self.tuned,
            "why": self.why,
            "retuned": self.retuned,
            "dry_run": self.dry_run,
            "chosen": {choice.what: choice.value for choice in self.chosen},
        }


@dataclass
class _Seen:
    """What a look at the sources found."""

    manifest: Manifest
    found: dict[Place, Found] = field(default_factory=dict)
    scopes: list[Scope] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    blind: list[Place] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def sync(
    collection: Collection,
    sources: Sequence[str | Path | Source],
    encoder: Encoder | None,
    settings: Settings,
    tune: bool,
    dry_run: bool,
) -> Generator[Event, None, SyncReport]:
    """The steps of ``Collection.sync``."""
    started, since = time.perf_counter(), time.time()
    folder = collection.path
    with nullcontext() if dry_run else writing(folder):
        collection.refresh()
        table = collection.table
        seen = yield from _look_around(collection, sources)
        stored = _stored(table, seen)
        planned = yield from _planned(stored, seen, settings)
        if dry_run:
            return SyncReport(planned.counts, _present(table), seen.skipped, tuple(sorted(seen.away)), dry_run=True)
        chosen: list[Chosen] = []
        encoded, rate = 0, 0.0
        inner = [one for one in roots.inner_roots(seen.manifest) if table.count(f"root = {sql_text(one[0])}")]
        if inner or not planned.nothing:
            if planned.encode:
                encoder = yield from ready(encoder or collection.encoder_name, settings)
                collection.made.check(encoder, folder)
                chosen += getattr(encoder, "choices", ())
                yield from chosen
            added = new_columns(table, seen.found.values())
            seen.found.clear()  # the plan holds what is still needed of it
            _name_roots(collection, seen.manifest)
            retune.sweep(folder, table)
            changes = int(table.metadata.get(retune.CHANGES, 0)) + planned.changes
            now = datetime.now(UTC).isoformat(timespec="seconds")
            table.begin("sync", {retune.CHANGES: str(changes), SYNCED: now})
            if added:
                table.add_person_columns(added)
            for name, outer, prefix in inner:
                moved = {"root": sql_text(outer), "path": f"{sql_text(prefix)} || path"}
                table.update(moved, f"root = {sql_text(name)}")
            encoded, rate = yield from _write(collection, planned, stored, encoder, settings, seen.skipped)
            if encoded >= _RATED_FROM:
                note_rate(collection.encoder_name, rate)
        _name_roots(collection, seen.manifest)
        written = not planned.nothing or bool(inner)
        tuning = None
        if tune and retune.due(table):
            table.compact()
            tuning = yield from retune.retune(folder, table, collection.made)
        if written or tuning:
            yield from upkeep(folder, table, since, *collection.searched)
        collection.refresh()
        return SyncReport(
            counts=planned.counts,
            pictures=_present(table),
            skipped=dict(seen.skipped),
            away=tuple(sorted(seen.away)),
            encoded=encoded,
            seconds=time.perf_counter() - started,
            rate=rate,
            tuned=collection.tuned,
            why=collection.why,
            retuned=tuning is not None,
            chosen=tuple(chosen),
        )


def _name_roots(collection: Collection, manifest: Manifest) -> None:
    """Before any row names a new root."""
    if manifest != collection.manifest:
        manifests.write(collection.path, manifest)
        collection.manifest = manifest


def _look_around(collection: Collection, sources: Sequence[str | Path | Source]) -> Generator[Event, None, _Seen]:
    """Scans the sources, or all known roots where none are named."""
    from samekind.pictures.scan import Source, scan, sources_from

    seen = _Seen(collection.manifest)
    gone_roots = roots.away(seen.manifest)
    given: list[Source] = []
    for source in sources:
        if isinstance(source, Source):
            given.append(source)
            continue
        place = Path(os.path.abspath(source))  # noqa: PTH100 - must not follow links
        home = None if place.exists() else roots.home_of(seen.manifest, place)
        if home is None:
            given += sources_from([str(source)])
        else:
            seen.scopes.append(Scope(*home))
            seen.away |= gone_roots & {home[0]}
    if not sources:
        inner = {name for name, _, _ in roots.inner_roots(seen.manifest)}
        for name, root in seen.manifest.roots.items():
            if name in inner:
                continue
            seen.scopes.append(Scope(name))
            if name in gone_roots:
                seen.away.add(name)
                continue
            given += sources_from([str(root.folder / prefix) for prefix in root.whole])
            _look_at_known(collection.table, name, root, seen)
    seen.manifest, rooted = roots.settle(seen.manifest, given, collection.path)
    for name in sorted(seen.away):
        folder = seen.manifest.roots[name].folder
        yield Warned(f"Folder {folder} is away; its pictures are kept and counted as missing until it is back.")
    for one in rooted:
        if scope := roots.scope_of(one):
            seen.scopes.append(scope)
        for n, file in enumerate(scan(one.source)):
            if isinstance(file, Skipped):
                seen.skipped[file.reason] += 1
                if file.reason == "unreadable" and (hidden := roots.home_of(seen.manifest, Path(file.path))):
                    seen.blind.append((hidden[0], hidden[1].rstrip("/")))
                yield file
                continue
            _add(seen, one.found(file))
            if n % 1000 == 0:
                yield Progress("looking", len(seen.found))
    yield Progress("looking", len(seen.found), len(seen.found))
    return seen


def _add(seen: _Seen, file: Found) -> None:
    known = seen.found.get(file.place)
    seen.found[file.place] = file if known is None else file._replace(columns={**known.columns, **file.columns})


def _look_at_known(table: Table, name: str, root: manifests.Root, seen: _Seen) -> None:
    """The files of a root that were named one by one: only those are wanted, so only those are looked for."""
    for path in table.read(["path"], f"root = {sql_text(name)}")["path"].to_pylist():
        if not path.startswith(root.whole):
            try:
                stat = (root.folder / path).stat()
            except OSError:
                continue
            _add(seen, Found(name, path, stat.st_size, stat.st_mtime_ns))


def _stored(table: Table, seen: _Seen) -> list[Stored]:
    """All rows as planning sees them; those of a root inside another by their place in the outer one."""
    own = ["id", "root", "path", "hash", "size", "mtime_ns", "state", "reason"]
    persons = sorted({name for file in seen.found.values() for name in file.columns} & set(table.person_columns))
    rows = table.read([*own, *persons])
    values: list[Mapping[str, Value]] = rows.select(persons).to_pylist() if persons else [{}] * rows.num_rows
    stored = list(map(Stored, *(rows[name].to_pylist() for name in own), values))
    outer = {name: (home, prefix) for name, home, prefix in roots.inner_roots(seen.manifest)}
    if not outer:
        return stored
    return [
        row._replace(root=outer[row.root][0], path=outer[row.root][1] + row.path) if row.root in outer else row
        for row in stored
    ]


def _planned(stored: list[Stored], seen: _Seen, settings: Settings) -> Generator[Event, None, Plan]:
    from samekind.pictures.scan import content_hash

    found = sorted(seen.found.values(), key=lambda file: file.place)
    asked = unsettled(stored, found)

    def file_of(file: Found) -> Path:
        return seen.manifest.roots[file.root].folder / file.path

    def digests(files: Sequence[Found]) -> list[tuple[Place, str]]:
        known = []
        for file in files:
            with suppress(OSError):  # encoding will say why it cannot be read
                known.append((file.place, content_hash(file_of(file))))
        return known

    hashes: dict[Place, str] = {}
    runs = list(blocks(asked, _HASHED_AT_ONCE))
    with ThreadPoolExecutor(2 * usable_threads(settings)) as pool:
        for n, known in enumerate(pool.map(digests, runs), 1):
            hashes.update(known)
            yield Progress("comparing", min(n * _HASHED_AT_ONCE, len(asked)), len(asked))
        retry = passing(stored, found)
        as_before = pool.map(lambda one: _skipped_for(file_of(one[0]), settings) == one[1], retry)
        stuck = {file.place for (file, _), still in zip(retry, as_before, strict=True) if still}
    return plan(stored, found, seen.scopes, hashes, seen.away, seen.blind, stuck)


def _skipped_for(file: Path, settings: Settings) -> str | None:
    """The reason why a file would be skipped now; None where it can be used."""
    from samekind.pictures.decode import Limits, read_picture

    try:
        read_picture(file, Limits(settings.max_pixels, settings.max_bytes), side=1)
    except PictureError as problem:
        return problem.reason
    return None


def _write(
    collection: Collection,
    planned: Plan,
    stored: Sequence[Stored],
    encoder: Encoder | None,
    settings: Settings,
    skipped: Counter[str],
) -> Generator[Event, None, tuple[int, float]]:
    """Carries the plan out, known vectors before those that are not; returns pictures encoded, and their rate."""
    table = collection.table
    _, column = retune.active(table)
    tuning = collection.tuning if column else None
    writer = Writer(table, column, tuning.stored if tuning else None)
    for revised in blocks(planned.revised):
        writer.revised(revised)
    for carried in blocks(planned.carried):
        writer.carried(carried)
    done, started = 0, time.perf_counter()
    if planned.encode and encoder is not None:
        waiting: list[Looked] = []
        committed = time.perf_counter()
        looks = look(
            planned.encode,
            lambda file: collection.manifest.roots[file.root].folder / file.path,
            encoder,
            _sampled(table, planned, stored),
            usable_threads(settings) + 1,
            settings.max_pixels,
            settings.max_bytes,
        )
        yield Progress("encoding", 0, len(planned.encode))
        for one in looks:
            waiting.append(one)
            done += 1
            if one.reason:
                skipped[one.reason] += len(one.group)
                for item in one.group:
                    yield Skipped(item.found.path, one.reason, one.detail)
            now = time.perf_counter()
            if len(waiting) >= COMMIT_PICTURES or now - committed > COMMIT_SECONDS:
                writer.encoded(waiting)
                waiting, committed = [], now
            if done % 16 == 0:
                yield Progress("encoding", done, len(planned.encode))
        if waiting:
            writer.encoded(waiting)
        yield Progress("encoding", done, len(planned.encode))
    seconds = time.perf_counter() - started
    for missing in blocks(planned.missing):
        writer.missing(missing)
    return done, done / seconds if done else 0.0


def _sampled(table: Table, planned: Plan, stored: Sequence[Stored]) -> set[str]:
    """Ids whose second views are encoded too: spread by chance, the same however often a sync is broken off."""
    looked_at = {item.id for group in planned.encode for item in group}
    after = {row.id for row in stored if row.state != MISSING} - set(planned.missing) | looked_at
    after |= {one.item.id for one in planned.carried} | {item.id for item in planned.revised}
    kept = set(table.read(["id"], f"{PRESENT_ROWS} AND {columns_of(table)[1]} IS NOT NULL")["id"].to_pylist())
    wanted = min(VIEWS_AT_MOST, max(VIEWS_AT_LEAST, round(VIEWS_SHARE * len(after))))
    candidates = sorted(group[0].id for group in planned.encode)
    return set(candidates[: max(0, wanted - len(kept & after - looked_at))])


def _present(table: Table) -> int:
    return table.count("state = 'present'")
