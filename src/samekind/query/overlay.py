"""Reasons as a PNG picture: query and hit side by side, warm where they correspond, and what the score is made of."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from samekind.encoders.base import Pixels
from samekind.errors import PictureError, UsageError
from samekind.query.matching import Match, Side
from samekind.query.model import Part
from samekind.query.pixels import pixels_of
from samekind.query.sheet import write_whole
from samekind.query.sheet_png import ending

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.query.reasons import Reasons, Split

_SIDE = 420
_GAP = 20
_WIDTH = 2 * _SIDE + 3 * _GAP
_BAR = 13
_NAMES = 230

_PAPER = (250, 249, 246)
_INK = (34, 34, 38)
_PALE = (122, 120, 114)
_MORE = (46, 116, 181)
_LESS = (190, 96, 60)
_HOT = np.array((255, 140, 0), np.float32)
_COLD = 0.45
_COLOURS = ((228, 26, 28), (55, 126, 184), (77, 175, 74), (152, 78, 163), (255, 127, 0))


_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def check_overlay_name(file: Path) -> None:
    """UsageError for a file that is no .png."""
    if file.suffix.lower() != ".png":
        raise UsageError(f"An overlay is a .png file, not {file.name!r}.")


def write_overlay(collection: Collection, reasons: Reasons, file: Path) -> None:
    """Draws reasons into a PNG file, which is whole or not there. Raises UsageError and StorageError."""
    check_overlay_name(file)
    asked, found = (_pixels(collection, one) for one in (reasons.beside, reasons.file))
    write_whole(drawn(reasons, asked, found), file, "overlay")


def drawn(reasons: Reasons, asked: Pixels | None, found: Pixels | None) -> bytes:
    """The bytes of a PNG file; ``asked`` and ``found`` are the pictures, (h, w, 3) uint8, None where there is none."""
    middle, small = ImageFont.load_default(17), ImageFont.load_default(13)
    lines = _wrapped(reasons.sentence, middle, _WIDTH - 2 * _GAP)
    pictures = [_shown(pixels, side) for pixels, side in zip((asked, found), _sides(reasons.match), strict=True)]
    tall = max((one.height for one in pictures if one), default=0)
    words = _GAP + tall + (_GAP if tall else 0)
    bars = words + 23 * len(lines) + 14
    splits = reasons.telling
    page = Image.new("RGB", (_WIDTH, bars + sum(map(_height, splits)) + _GAP), _PAPER)
    pen = ImageDraw.Draw(page)
    corners = [(_GAP + n * (_SIDE + _GAP) + (_SIDE - one.width) // 2, _GAP) for n, one in _numbered(pictures)]
    for corner, (_, one) in zip(corners, _numbered(pictures), strict=True):
        page.paste(one, corner)
    if reasons.match and all(pictures):
        _draw_pairs(page, reasons.match, corners, [one.size for _, one in _numbered(pictures)], small)
    if tall and reasons.beside is None:
        _draw_words(pen, reasons, tall)
    for n, line in enumerate(lines):
        pen.text((_GAP, words + 23 * n), line, _INK, middle)
    for split in splits:
        _draw_bars(pen, split, bars, small)
        bars += _height(split)
    out = BytesIO()
    page.save(out, "PNG", optimize=True)
    return out.getvalue()


def warmed(picture: Image.Image, side: Side) -> Image.Image:
    """The picture, dark where there is no heat and outside the map, with its own colours and a tint where there is."""
    width, height = picture.size
    area = side.area
    size = max(1, round(area.width * width)), max(1, round(area.height * height))
    heat = Image.fromarray(side.heat).resize(size, Image.Resampling.BICUBIC)
    whole = Image.new("F", picture.size, 0.0)
    whole.paste(heat, (round(area.left * width), round(area.top * height)))
    warm = np.clip(np.asarray(whole), 0, 1)[..., None]
    colours = np.asarray(picture, np.float32)
    grey = colours.mean(axis=2, keepdims=True)
    cold = _COLD * (0.6 * grey + 0.4 * colours)
    hot = 0.72 * colours + 0.28 * _HOT
    mixed = cold + np.minimum(1.3 * warm, 1) * (colours - cold)
    tint = np.clip(2 * warm - 1, 0, 1)
    return Image.fromarray(np.clip(mixed + tint * (hot - colours), 0, 255).astype(np.uint8))


def _pixels(collection: Collection, shown: Part | Path | None) -> Pixels | None:
    try:
        return pixels_of(collection, shown) if shown else None
    except PictureError:
        return None


def _sides(match: Match | None) -> tuple[Side | None, Side | None]:
    return (match.asked, match.found) if match else (None, None)


def _numbered(pictures: Sequence[Image.Image | None]) -> list[tuple[int, Image.Image]]:
    return [(n, one) for n, one in enumerate(pictures) if one is not None]


def _shown(pixels: Pixels | None, side: Side | None) -> Image.Image | None:
    if pixels is None:
        return None
    picture = Image.fromarray(pixels)
    scale = _SIDE / max(picture.size)
    size = max(1, round(scale * picture.width)), max(1, round(scale * picture.height))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    return warmed(picture, side) if side else picture


def _draw_pairs(
    page: Image.Image, match: Match, corners: Sequence[tuple[int, int]], sizes: Sequence[tuple[int, int]], font: _Font
) -> None:
    pen = ImageDraw.Draw(page)
    places = [
        [
            (corner[0] + at[0] * size[0], corner[1] + at[1] * size[1])
            for corner, at, size in zip(corners, (pair.asked, pair.found), sizes, strict=True)
        ]
        for pair in match.pairs
    ]
    for (one, other), colour in zip(places, _COLOURS, strict=False):
        pen.line((*one, *other), (255, 255, 255), 3)
        pen.line((*one, *other), colour, 1)
    for number, (ends, colour) in enumerate(zip(places, _COLOURS, strict=False), 1):
        for x, y in ends:
            pen.ellipse((x - 10, y - 10, x + 10, y + 10), colour, (255, 255, 255), 2)
            pen.text((x, y), str(number), (255, 255, 255), font, anchor="mm")


def _draw_words(pen: ImageDraw.ImageDraw, reasons: Reasons, tall: int) -> None:
    """What was asked in words, where the query has no picture to lay there."""
    large = ImageFont.load_default(26)
    said = [term.name for term in reasons.splits[0].terms if term.kind in ("words", "keep", "drop")]
    lines = [line for name in said for line in _wrapped(name, large, _SIDE - 2 * _GAP)]
    top = _GAP + tall / 2 - 17 * (len(lines) - 1)
    for n, line in enumerate(lines):
        pen.text((_GAP + _SIDE / 2, top + 34 * n), ending(line, large, _SIDE), _INK, large, anchor="mm")


def _height(split: Split) -> int:
    return 24 + 20 * len(split.terms)


def _draw_bars(pen: ImageDraw.ImageDraw, split: Split, top: int, font: _Font) -> None:
    """What the score is made of by one way to split it: a bar to the right for more, to the left for less."""
    pen.text((_GAP, top), f"score {split.total:.2f}, by {split.by}", _PALE, font)
    most = max((abs(term.value) for term in split.terms), default=0) or 1
    least = min([term.value for term in split.terms] + [0.0])
    room = _WIDTH - 2 * _GAP - _NAMES - 60
    start = _GAP + _NAMES + (room * -least / (most - least) if least < 0 else 0)
    scale = (_GAP + _NAMES + room - start) / most
    for n, term in enumerate(split.terms):
        y = top + 22 + 20 * n
        pen.text((_GAP, y), ending(term.name, font, _NAMES - 10), _INK, font)
        ends = sorted((start, start + scale * term.value))
        pen.rectangle((ends[0], y + 2, ends[1], y + 2 + _BAR - 3), _MORE if term.value >= 0 else _LESS)
        pen.text((ends[1] + 6, y), f"{term.value:+.3f}", _PALE, font)


def _wrapped(text: str, font: _Font, width: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
