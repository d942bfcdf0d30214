"""Contact sheets: what was asked with and what was found, as a PNG or as one HTML page that needs nothing beside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from samekind.collection import Collection
from samekind.encoders.base import Pixels
from samekind.errors import StorageError, UsageError
from samekind.pictures.views import Box
from samekind.query.hits import WEAK_BELOW, Hit, Hits, about_order, remark
from samekind.query.model import Drop, Keep, Like, Part, Picture, Query, Unlike, Vector, Where, Words
from samekind.query.parts import pull

KINDS = (".png", ".html")


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture on a sheet.

    ``picture`` None shows an empty frame; ``box`` is drawn on it; ``right`` True or False marks an answer that is known
    to be right or wrong.
    """

    picture: Path | bytes | Pixels | None
    caption: str
    note: str = ""
    score: float | None = None
    confidence: float | None = None
    box: Box | None = None
    right: bool | None = None

    @property
    def weak(self) -> bool:
        """True for a hit below the confidence from which on it can be relied on."""
        return self.confidence is not None and self.confidence < WEAK_BELOW


@dataclass(frozen=True, eq=False)
class Row:
    """One search: what was asked with, what was found, best first.

    ``apart`` False leaves weak hits where they are: their order is not that of the confidence.
    """

    title: str
    asked: tuple[Tile, ...]
    found: tuple[Tile, ...]
    apart: bool = True

    @property
    def strong(self) -> tuple[Tile, ...]:
        """The hits that can be relied on."""
        return tuple(tile for tile in self.found if not (tile.weak and self.apart))

    @property
    def weak(self) -> tuple[Tile, ...]:
        """The others, shown below a line."""
        return tuple(tile for tile in self.found if tile.weak and self.apart)


@dataclass(frozen=True, eq=False)
class Sheet:
    """A page of searches under one title."""

    title: str
    subtitle: str
    rows: tuple[Row, ...]


def sheet_of(collection: Collection, query: Query, hits: Hits) -> Sheet:
    """The sheet of one search."""
    space = "tuned to this collection" if hits.tuned else "plain"
    subtitle = f"{hits.encoder}, {space}, {hits.seconds.search * 1000:.0f} ms"
    if hits.understood and hits.understood.notice:
        subtitle = f"{subtitle}; {hits.understood.notice}"
    if said := about_order(hits):
        subtitle += f"; {said}"
    if hits.nothing_here:
        subtitle += "; nothing here is likely to be the same kind"
    return Sheet(collection.name, subtitle, (row_of(collection, query, hits),))


def row_of(collection: Collection, query: Query, hits: Hits, title: str = "") -> Row:
    """One search as a part of a larger sheet."""
    asked, found = tuple(_asked(collection, query)), tuple(tile_of(hit) for hit in hits)
    return Row(title, asked, found, apart=hits.weak_last)


def tile_of(hit: Hit, right: bool | None = None) -> Tile:
    """One hit as a tile."""
    return Tile(hit.file, hit.path, note=remark(hit), score=hit.score, confidence=hit.confidence, right=right)


def write_sheet(sheet: Sheet, file: Path) -> None:
    """Writes a sheet as PNG or HTML, by the file's ending; the file is whole or not there.

    Raises UsageError for another ending and StorageError where it cannot be written.
    """
    if check_sheet_name(file) == ".png":
        from samekind.query.sheet_png import drawn

        data = drawn(sheet)
    else:
        from samekind.query.sheet_html import page

        data = page(sheet).encode("utf-8")
    write_whole(data, file, "contact sheet")


def write_whole(data: bytes, file: Path, what: str) -> None:
    """Writes a file whole or not at all. Raises StorageError, which calls it a ``what``."""
    part = None
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".", suffix=".part", delete=False) as out:
            part = out.name
            out.write(data)
        Path(part).chmod(0o666 & ~_umask())
        Path(part).replace(file)
    except OSError as problem:
        if part:
            Path(part).unlink(missing_ok=True)
        raise StorageError(f"The {what} {file} cannot be written ({problem.strerror}); choose another place.") from None


def check_sheet_name(file: Path) -> str:
    """The file's ending, in small letters; UsageError for one that is no kind of sheet."""
    ending = file.suffix.lower()
    if ending not in KINDS:
        raise UsageError(f"A contact sheet is a .png or .html file, not {file.name!r}.")
    return ending


def _asked(collection: Collection, query: Query) -> Iterator[Tile]:
    for part in query.parts:
        match part:
            case Where():
                continue
            case Picture(source=source, crop=crop):
                tile = Tile(source, source.name if isinstance(source, Path) else "picture", box=crop)
            case Like(item=item) | Unlike(item=item):
                (row,) = collection.rows(collection.find([item]), [])
                tile = Tile(row["file"], row["path"])
            case Vector():
                tile = Tile(None, "a vector")
            case Words(text=text) | Keep(text=text) | Drop(text=text):
                tile = Tile(None, f'"{text}"')
        yield replace(tile, note=_note(part))


def _note(part: Part) -> str:
    """What is said of a part beside its name."""
    match part:
        case Keep():
            return "to stay"
        case Drop():
            return "to go"
        case Unlike(weight=1):
            return "unlike"
    return "" if pull(part) == 1 else f"weight {pull(part):g}"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
