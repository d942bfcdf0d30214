from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.collection import Collection
from samekind.errors import StorageError, UsageError
from samekind.pictures.views import Box
from samekind.query import Drop, Keep, Like, Picture, Query, Unlike, Vector, Where, Words, search
from samekind.query.sheet import Row, Sheet, Tile, row_of, sheet_of, write_sheet
from samekind.query.sheet_html import page
from samekind.query.sheet_png import drawn
from samekind.query.thumbs import BOX_COLOUR, thumbnail
from tests.collection.mock import MockEncoder, draw_many

GREEN = np.full((40, 60, 3), (20, 160, 60), np.uint8)


class Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def sheet(*found: Tile) -> Sheet:
    return Sheet("birds & <co>", "mock", (Row("", (Tile(GREEN, "asked.png"),), found),))


def tile(confidence: float, **more: object) -> Tile:
    return Tile(GREEN, f"hit {confidence}", score=confidence, confidence=confidence, **more)  # type: ignore[arg-type]


def test_the_page_holds_everything_and_asks_for_nothing() -> None:
    text = page(sheet(tile(0.9), tile(0.3), Tile(None, '"><script>alert(1)</script>')))
    read = Reader(text)
    images = [attrs["src"] or "" for tag, attrs in read.tags if tag == "img"]
    assert len(images) == 3
    assert all(source.startswith("data:image/jpeg;base64,") for source in images)
    assert not any(tag == "script" or "href" in attrs for tag, attrs in read.tags)
    assert "birds & <co>" in read.words
    assert "no picture" in read.words
    assert text.index("hit 0.9") < text.index("weak from here") < text.index("hit 0.3")
    assert "prefers-color-scheme: dark" in text


def test_the_weak_line_is_only_there_when_needed() -> None:
    assert "weak from here" not in page(sheet(tile(0.9)))
    assert "Nothing good enough" in page(sheet())


def test_right_and_wrong_are_marked_by_more_than_colour() -> None:
    text = page(sheet(tile(0.9, right=True), tile(0.8, right=False), tile(0.7)))
    assert text.count("✓") == 1
    assert text.count("✗") == 1


def test_the_picture_grows_with_what_it_shows() -> None:
    sizes = []
    for found in ((), (tile(0.9),) * 6, (tile(0.9),) * 7, (tile(0.9),) * 6 + (tile(0.2, right=False),)):
        with Image.open(BytesIO(drawn(sheet(*found)))) as picture:
            assert picture.format == "PNG"
            sizes.append(picture.size)
    assert len({width for width, _ in sizes}) == 1
    assert sizes[0][1] == sizes[1][1] < sizes[2][1] < sizes[3][1]


def test_long_names_are_cut_not_drawn_over_their_neighbours() -> None:
    long = Tile(GREEN, "folder/" * 40 + "end.jpg", note="note " * 60)
    assert drawn(Sheet("title " * 80, "words " * 80, (Row("row " * 90, (long,), (long,)),)))


def test_thumbnails_shrink_and_show_the_crop(tmp_path: Path) -> None:
    file = tmp_path / "wide.jpg"
    Image.new("RGB", (1600, 800), (10, 20, 30)).save(file)
    picture = thumbnail(file, 200, Box(800, 400, 400, 200))
    assert picture is not None
    assert picture.size == (200, 100)
    assert picture.getpixel((125, 50)) == BOX_COLOUR
    assert picture.getpixel((50, 25)) != BOX_COLOUR
    assert thumbnail(tmp_path / "gone.jpg", 200) is None
    assert thumbnail(b"no picture", 200) is None


def test_a_sheet_of_a_search_shows_all_that_was_asked_with(tmp_path: Path) -> None:
    files = draw_many(tmp_path / "pictures", 12)
    encoder = MockEncoder()
    held = Collection.create(tmp_path / "c.samekind", encoder)
    held.sync([tmp_path / "pictures"], encoder=encoder, tune=False).result()
    query = Query(
        Picture(files[3], Box(0, 0, 12, 12), 2.0),
        Picture(files[4].read_bytes()),
        Unlike("5/00005.png"),
        Vector(np.ones(16)),
    )
    found = sheet_of(held, query, search(held, query, encoder=encoder, k=4))
    (row,) = found.rows
    assert [tile.caption for tile in row.asked] == ["00003.png", "picture", "5/00005.png", "a vector"]
    assert [tile.note for tile in row.asked] == ["weight 2", "", "unlike", ""]
    assert row.asked[0].box == Box(0, 0, 12, 12)
    worded = Query(Like("5/00005.png"), Words("red", 2), Keep("sky"), Drop("people"), Where("path~=1/"))
    told = row_of(held, worded, search(held, query, encoder=encoder, k=4)).asked[1:]
    assert [(tile.caption, tile.note) for tile in told] == [
        ('"red"', "weight 2"),
        ('"sky"', "to stay"),
        ('"people"', "to go"),
    ]
    assert len(row.found) == 4
    for name in ("sheet.png", "sheet.HTML"):
        write_sheet(found, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    assert not list(tmp_path.glob(".*"))


def test_a_sheet_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.png or \.html"):
        write_sheet(sheet(), tmp_path / "sheet.pdf")
    with pytest.raises(StorageError, match="nowhere"):
        write_sheet(sheet(), tmp_path / "nowhere" / "sheet.png")
    (tmp_path / "sheet.png").mkdir()
    with pytest.raises(StorageError):
        write_sheet(sheet(), tmp_path / "sheet.png")
    assert [file.name for file in tmp_path.iterdir()] == ["sheet.png"]
