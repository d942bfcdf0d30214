"""A contact sheet as a PNG picture."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from samekind.query.sheet import Row, Sheet, Tile
from samekind.query.thumbs import thumbnail

_SIDE = 180
_GAP = 16
_WORDS = 56
_COLUMNS = 6
_LEFT = _SIDE + 2 * _GAP
_WIDTH = _LEFT + 3 * _GAP + _COLUMNS * (_SIDE + _GAP)

_PAPER = (250, 249, 246)
_CARD = (236, 234, 228)
_INK = (34, 34, 38)
_PALE = (122, 120, 114)
_BAR = (46, 116, 181)
_WEAK = (190, 150, 60)
_RIGHT = (40, 140, 80)
_WRONG = (200, 60, 50)

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def drawn(sheet: Sheet) -> bytes:
    """The sheet as the bytes of a PNG file: what was asked with on the left, what was found beside it."""
    big, middle, small = (ImageFont.load_default(size) for size in (28, 18, 13))
    heights = [_height(row) for row in sheet.rows]
    page = Image.new("RGB", (_WIDTH, 92 + sum(heights) + _GAP), _PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((2 * _GAP, 20), _fitting(sheet.title, big, _WIDTH - 4 * _GAP), _INK, big)
    pen.text((2 * _GAP, 58), _fitting(sheet.subtitle, middle, _WIDTH - 4 * _GAP), _PALE, middle)
    top = 92
    for row, height in zip(sheet.rows, heights, strict=True):
        _draw_row(page, pen, row, top, middle, small)
        top += height
    out = BytesIO()
    page.save(out, "PNG", optimize=True)
    return out.getvalue()


def _height(row: Row) -> int:
    lines = _lines(row.strong) + _lines(row.weak)
    tall = max(lines, len(row.asked), 1) * (_SIDE + _WORDS)
    return tall + (30 if row.weak else 0) + (34 if row.title else 0) + _GAP


def _lines(tiles: Sequence[Tile]) -> int:
    return -(-len(tiles) // _COLUMNS)


def _draw_row(page: Image.Image, pen: ImageDraw.ImageDraw, row: Row, top: int, middle: _Font, small: _Font) -> None:
    if row.title:
        pen.text((2 * _GAP, top + 4), _fitting(row.title, middle, _WIDTH - 4 * _GAP), _INK, middle)
        top += 34
    for n, tile in enumerate(row.asked):
        _draw_tile(page, pen, tile, (2 * _GAP, top + n * (_SIDE + _WORDS)), small)
    across = _LEFT + 2 * _GAP
    pen.line((_LEFT + _GAP // 2, top, _LEFT + _GAP // 2, top + _height(row) - _GAP - 50), _CARD, 2)
    top = _draw_tiles(page, pen, row.strong, across, top, small)
    if row.weak:
        text = "weak from here"
        pen.line((across, top + 10, _WIDTH - 2 * _GAP, top + 10), _WEAK, 2)
        wide = pen.textlength(text, middle)
        pen.rectangle((across + 24, top, across + 40 + wide, top + 22), _PAPER)
        pen.text((across + 32, top), text, _WEAK, middle)
        _draw_tiles(page, pen, row.weak, across, top + 30, small)


def _draw_tiles(
    page: Image.Image, pen: ImageDraw.ImageDraw, tiles: Sequence[Tile], across: int, top: int, small: _Font
) -> int:
    for n, tile in enumerate(tiles):
        line, column = divmod(n, _COLUMNS)
        _draw_tile(page, pen, tile, (across + column * (_SIDE + _GAP), top + line * (_SIDE + _WORDS)), small)
    return top + _lines(tiles) * (_SIDE + _WORDS)


def _draw_tile(page: Image.Image, pen: ImageDraw.ImageDraw, tile: Tile, at: tuple[int, int], small: _Font) -> None:
    left, top = at
    pen.rounded_rectangle((left, top, left + _SIDE, top + _SIDE), 6, _CARD)
    picture = thumbnail(tile.picture, _SIDE, tile.box)
    if picture is None:
        pen.text((left + _SIDE / 2, top + _SIDE / 2), "no picture", _PALE, small, anchor="mm")
    else:
        page.paste(picture, (left + (_SIDE - picture.width) // 2, top + (_SIDE - picture.height) // 2))
    if tile.right is not None:
        _mark(pen, tile.right, left, top)
    words = top + _SIDE + 4
    if tile.confidence is not None:
        pen.rectangle((left, words, left + _SIDE, words + 4), _CARD)
        pen.rectangle((left, words, left + round(_SIDE * tile.confidence), words + 4), _WEAK if tile.weak else _BAR)
        words += 7
    numbers = "" if tile.score is None or tile.confidence is None else f"{tile.confidence:.0%}  {tile.score:.2f}  "
    pen.text((left, words), _fitting(numbers + tile.note, small, _SIDE), _PALE, small)
    pen.text((left, words + 15 if numbers or tile.note else words), ending(tile.caption, small, _SIDE), _INK, small)


def _mark(pen: ImageDraw.ImageDraw, right: bool, left: int, top: int) -> None:
    colour = _RIGHT if right else _WRONG
    pen.rectangle((left, top, left + _SIDE, top + _SIDE), outline=colour, width=3)
    x, y = left + _SIDE - 16, top + 16
    pen.ellipse((x - 12, y - 12, x + 12, y + 12), colour)
    if right:
        pen.line((x - 6, y, x - 1, y + 5, x + 6, y - 5), (255, 255, 255), 3)
    else:
        pen.line((x - 5, y - 5, x + 5, y + 5), (255, 255, 255), 3)
        pen.line((x - 5, y + 5, x + 5, y - 5), (255, 255, 255), 3)


def _fitting(text: str, font: _Font, width: float) -> str:
    """The text, its end cut off where it is too long."""
    text = text.replace("\n", " ")
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."


def ending(text: str, font: _Font, width: float) -> str:
    """The text, its beginning cut off where it is too long: the end of a path says more."""
    text = text.replace("\n", " ")
    if font.getlength(text) <= width:
        return text
    while text and font.getlength("..." + text) > width:
        text = text[1:]
    return "..." + text
