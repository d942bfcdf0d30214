"""The demo: on a little world drawn by code, or on a folder of one's own."""

from __future__ import annotations

import shlex
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from samekind.collection import Collection
from samekind.demo.ground import FOLDER, claim, collection_at, encoder_for
from samekind.demo.results import FolderReport, Found, Level, Quality, ThemeResult, WorldReport
from samekind.demo.spread import well_spread
from samekind.demo.world import LEVELS, PICTURES_A_KIND, THEMES, Take, draw_one, draw_world
from samekind.encoders.base import Encoder
from samekind.errors import UsageError
from samekind.evaluation.metrics import score
from samekind.evaluation.ranking import rank
from samekind.events import Event, Job, Progress
from samekind.query import Hits, Like, Picture, Query, search
from samekind.query.sheet import Row, Sheet, row_of, tile_of, write_sheet
from samekind.settings import Settings, usable_threads

_SHOWN = 6
_EXAMPLES = 6
_ASKED_KINDS = (13, 22, 4)
"""The kind of each theme that the example search asks for."""


def demo(settings: Settings, folder: Path = FOLDER) -> Job[WorldReport]:
    """Draws the little world into ``folder``, syncs it, searches it, scores it, writes a contact sheet.

    Raises UsageError where ``folder`` holds something else, WeightsMissing where an encoder that was asked for
    cannot be had, and what sync and search raise.
    """
    return Job(_on_world(settings, folder))


def demo_on(pictures: Path, settings: Settings, folder: Path = FOLDER) -> Job[FolderReport]:
    """Makes a collection in ``folder`` of one's own ``pictures``; shows well-spread searches on a contact sheet.

    Raises as ``demo`` does, and UsageError where there are no pictures.
    """
    return Job(_on_folder(pictures, settings, folder))


def _on_world(settings: Settings, folder: Path) -> Generator[Event, None, WorldReport]:
    started = time.perf_counter()
    claim(folder)
    encoder, fallback = yield from encoder_for(settings)
    world = folder / "world"
    if not (world / THEMES[-1].name / "labels.csv").exists():
        yield from draw_world(world, usable_threads(settings))
    themes, rows = [], []
    for number, theme in enumerate(THEMES):
        collection = collection_at(world / f"{theme.name}.samekind", encoder)
        labels = world / theme.name / "labels.csv"
        yield from _named(theme.name, collection.sync([labels], encoder=encoder, settings=settings))
        asked = Take(number, _ASKED_KINDS[number], PICTURES_A_KIND)
        example, shown = _example(collection, asked, world / f"{theme.name}-new.jpg", encoder)
        rows += shown
        themes.append(
            ThemeResult(
                theme.name,
                collection.path,
                len(collection.vectors(tuned=False)),
                collection.tuned,
                collection.why,
                _levels(collection, theme.levels),
                example,
            )
        )
    sheet = folder / "world.html"
    subtitle = f"new photos of known kinds, searched with {encoder.name}; a tick marks the very same kind"
    write_sheet(Sheet("samekind: a little world", subtitle, tuple(rows)), sheet)
    return WorldReport(
        folder,
        encoder.name,
        fallback,
        tuple(themes),
        sheet,
        time.perf_counter() - started,
        (
            "samekind demo ~/Pictures/SOME-FOLDER",
            "samekind sync ~/Pictures/SOME-FOLDER --into my.samekind",
            "samekind search my.samekind --picture PHOTO.jpg --sheet found.html",
            f"samekind evaluate {shlex.quote(str(world / 'flowers' / 'labels.csv'))}",
        ),
    )


def _on_folder(pictures: Path, settings: Settings, folder: Path) -> Generator[Event, None, FolderReport]:
    started = time.perf_counter()
    if not pictures.is_dir():
        raise UsageError(f"There is no folder {pictures}; name one that holds pictures.")
    claim(folder)
    encoder, fallback = yield from encoder_for(settings)
    path = folder / f"{pictures.resolve().name or 'pictures'}.samekind"
    collection = collection_at(path, encoder)
    job = collection.sync([pictures], encoder=encoder, settings=settings)
    yield from job
    report = job.result()
    if report.pictures < 2:
        raise UsageError(f"There are {report.pictures} usable pictures in {pictures}; the demo needs two or more.")
    loaded = collection.vectors(tuned=False)
    asked = [loaded.ids[row] for row in well_spread(loaded.matrix, _EXAMPLES)]
    rows = []
    for id_ in asked:
        query = Query(Like(id_))
        rows.append(row_of(collection, query, search(collection, query, k=_SHOWN)))
    sheet = path.with_suffix(".html")
    space = "tuned to it" if collection.tuned else "plain"
    write_sheet(
        Sheet(pictures.resolve().name, f"{report.pictures} pictures, {encoder.name}, {space}", tuple(rows)), sheet
    )
    into = shlex.quote(str(path))
    return FolderReport(
        path,
        encoder.name,
        fallback,
        report.pictures,
        sum(report.skipped.values()),
        collection.tuned,
        collection.why,
        tuple(row["path"] for row in collection.rows(asked)),
        sheet,
        time.perf_counter() - started,
        (
            f"samekind search {into} --picture PHOTO.jpg --sheet found.html",
            f"samekind search {into} --picture PHOTO.jpg --crop 100,100,300,300",
            f"samekind info {into}",
            f"samekind sync --into {into}",
        ),
    )


def _named(name: str, events: Iterable[Event]) -> Iterator[Event]:
    """The same events, their stages with a name before them, so that each collection has bars of its own."""
    for event in events:
        yield replace(event, stage=f"{name}: {event.stage}") if isinstance(event, Progress) else event


def _example(collection: Collection, asked: Take, file: Path, encoder: Encoder) -> tuple[Found, list[Row]]:
    """Searches with a photo that is not in the collection; the rows for the sheet, plain before tuned."""
    draw_one(asked, file)
    kind = " ".join(asked.kind)
    query = Query(Picture(file))
    theme = THEMES[asked.theme]
    rows: list[Row] = []
    right: tuple[bool, ...] = ()
    for tune in (False, True) if collection.tuned else (False,):
        hits = search(collection, query, k=_SHOWN, tune=tune, encoder=encoder)
        right = tuple(hit.columns["label"] == kind for hit in hits)
        title = f"{theme.name}, {'tuned' if tune else 'plain'}: {', '.join(asked.kind)}"
        rows.append(_marked(row_of(collection, query, hits, title), hits, asked))
    return Found(file, kind, right, PICTURES_A_KIND), rows


def _marked(row: Row, hits: Hits, asked: Take) -> Row:
    """The row with what was wanted and found in words, and ticks and crosses."""
    kind, names = asked.kind, THEMES[asked.theme].levels
    wanted = {column: " ".join(kind[: depth + 1]) for depth, column in enumerate(LEVELS)}
    found = []
    for hit in hits:
        agree = [name for name, column in zip(names, LEVELS, strict=True) if hit.columns[column] == wanted[column]]
        note = f"same {agree[-1]}" if agree else f"another {names[0]}"
        tile = replace(tile_of(hit, right=hit.columns["label"] == wanted["label"]), caption=str(hit.columns["label"]))
        found.append(replace(tile, note=note))
    return replace(row, found=tuple(found))


def _levels(collection: Collection, names: tuple[str, ...]) -> tuple[Level, ...]:
    """Leave-one-out scores at each level of likeness, plain and tuned."""
    loaded = collection.vectors(tuned=False)
    labels = {row["id"]: row for row in collection.rows(loaded.ids, LEVELS)}
    kinds = {}
    for column in LEVELS:
        _, codes = np.unique([labels[id_][column] for id_ in loaded.ids], return_inverse=True)
        kinds[column] = (codes.astype(np.int64), codes.astype(np.int64))
    own = np.arange(len(loaded), dtype=np.int64)
    tuning = collection.tuning
    sides = {False: (loaded.matrix, loaded.matrix)}
    sides[True] = (tuning.asked(loaded.matrix), tuning.stored(loaded.matrix)) if tuning else sides[False]
    quality: dict[tuple[bool, str], Quality] = {}
    for tuned, (asked, stored) in sides.items():
        ranking = rank(asked, stored, own, kinds)
        for column in LEVELS:
            scores = score(ranking.found[column])
            quality[tuned, column] = Quality(float(scores["recall@1"].mean()), float(scores["map@r"].mean()))
    return tuple(
        Level(name, quality[False, column], quality[True, column]) for name, column in zip(names, LEVELS, strict=True)
    )
