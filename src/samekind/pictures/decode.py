"""Picture files to upright 8-bit sRGB pixels. The bytes decide what a file is, never its name.

Every failure is a PictureError with one of these reasons:

    empty file        no bytes at all
    not a picture     the bytes begin like no format that is known here
    broken            they begin like one, but it cannot be decoded to the end
    too many pixels   the header names more than the limit (checked before any pixel is decoded)
    too many bytes    the file is larger than the limit (checked before it is read)
    unreadable        the system does not hand the file out: no permission, gone, a failing disk, not a plain file
    needs extra       a format whose decoder is installed separately; the detail holds the install line

Formats: JPEG, PNG, WebP, GIF, TIFF (first frames), BMP, AVIF; HEIC with samekind[heif]; the previews in cameras' RAW
files with samekind[raw]. WebP and TIFF above 178 million pixels are "too many pixels" whatever the limit, because
Pillow itself refuses them there.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from samekind.errors import PictureError
from samekind.pictures.colour import is_plain, to_srgb
from samekind.pictures.formats import opened, raw_preview, size_before_opening
from samekind.pictures.signature import kind_of
from samekind.pictures.tags import orientation

BROKEN = (
    OSError,
    SyntaxError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What decoders raise at damaged files. Pillow names no exception of its own for it."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ROOM = 2


@dataclass(frozen=True)
class Limits:
    """What is still decoded: ``max_pixels`` (width x height) and ``max_bytes`` of the file."""

    max_pixels: int = 400_000_000
    max_bytes: int = 500_000_000


@dataclass(frozen=True, eq=False)
class Decoded:
    """``pixels`` (h, w, 3) uint8 upright sRGB; ``width`` and ``height`` of the upright original, in pixels.

    Of a RAW file all are those of its preview.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int


def read_picture(file: Path, limits: Limits, side: int | None = None) -> Decoded:
    """Reads and decodes one file. Raises PictureError; safe in many threads at once."""
    return decode(read_bytes(file, limits), limits, side)


def read_bytes(file: Path, limits: Limits) -> bytes:
    """The bytes of a plain file. Raises PictureError "too many bytes" (before reading) or "unreadable"."""
    try:
        # Not blocking, so that a named pipe does not hold the caller until somebody writes to it.
        handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "rb") as stream:  # noqa: PTH123 - a descriptor, not a path
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise PictureError("unreadable", "not a plain file")
            _check_bytes(found.st_size, limits)
            return stream.read(limits.max_bytes + 1)
    except OSError as problem:
        raise PictureError("unreadable", problem.strerror or str(problem)) from None
    except ValueError as problem:
        raise PictureError("unreadable", str(problem)) from None


def decode(data: bytes, limits: Limits, side: int | None = None) -> Decoded:
    """Decodes the bytes of a picture file.

    With ``side`` the pixels may be a smaller copy whose shorter side is still at least ``side`` (or the picture's own
    shorter side): JPEGs are decoded at 1/2, 1/4 or 1/8, any picture is box-averaged to twice that or more. Raises
    PictureError; safe in many threads at once, and the interpreter lock is free while pixels are decoded.
    """
    if not data:
        raise PictureError("empty file")
    _check_bytes(len(data), limits)
    kind = kind_of(data)
    if kind is None:
        raise PictureError("not a picture", "the bytes begin like no known picture format")
    try:
        if kind == "raw":
            preview, turn = raw_preview(data)
            if isinstance(preview, bytes):
                return _decoded(preview, "jpeg", limits, side, turn)
            return _finished(preview, limits, side, turn)
        return _decoded(data, kind, limits, side)
    except MemoryError:
        raise PictureError("too many pixels", "there is not enough memory to decode it") from None
    except Image.DecompressionBombError as problem:
        raise PictureError("too many pixels", str(problem)) from None
    except BROKEN as problem:
        raise PictureError("broken", _said(problem)) from None


def _decoded(data: bytes, kind: str, limits: Limits, side: int | None, turn: int = 1) -> Decoded:
    size = size_before_opening(data, kind)
    if size:
        _check_pixels(size, limits)
    with opened(data, kind) as picture:
        if not isinstance(picture, TiffImageFile):  # Pillow turns those by itself
            turn = orientation(picture.info.get("exif")) or turn
        return _finished(picture, limits, side, turn)


def _finished(picture: Image.Image, limits: Limits, side: int | None, turn: int) -> Decoded:
    width, height = picture.size
    _check_pixels((width, height), limits)
    if side and isinstance(picture, JpegImageFile):
        picture.draft(None, (side, side))
    picture.load()
    loaded: Image.Image = picture
    if side and is_plain(loaded):
        loaded = _reduced(loaded, side)
    loaded = to_srgb(loaded)
    if side:
        loaded = _reduced(loaded, side)
    if turn in _TURNS:
        loaded = loaded.transpose(_TURNS[turn])
    if turn >= 5:
        width, height = height, width
    return Decoded(np.asarray(loaded), width, height)


def _reduced(picture: Image.Image, side: int) -> Image.Image:
    """Box-averaged by a whole number, keeping ``_ROOM`` times ``side`` so that the final resampling stays good."""
    factor = min(picture.size) // (_ROOM * side)
    if factor < 2:
        return picture
    smaller = picture.reduce(factor)
    smaller.info = picture.info
    return smaller


def _check_bytes(size: int, limits: Limits) -> None:
    if size > limits.max_bytes:
        raise PictureError("too many bytes", f"{size:,} bytes; the limit max_bytes is {limits.max_bytes:,}")


def _check_pixels(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        pixels = f"{width:,} x {height:,} = {width * height:,} pixels"
        raise PictureError("too many pixels", f"{pixels}; the limit max_pixels is {limits.max_pixels:,}")


def _said(problem: BaseException) -> str:
    """What a decoder said, as one short line."""
    text = " ".join(str(problem).split()) or type(problem).__name__
    return text if len(text) <= 160 else text[:157] + "..."
