"""Writes a folder of awkward files, and says what is to be expected of each."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

LEFT_OUT = "left out"
"""Expected of files that a scan of the folder does not name at all."""


@dataclass(frozen=True)
class Expected:
    """``outcome``: None for a picture that can be used, a reason code, or ``LEFT_OUT``.

    ``size`` is the upright (width, height) and ``colour`` the mean of red, green and blue, where they are known.
    """

    path: str
    outcome: str | None = None
    size: tuple[int, int] | None = None
    colour: tuple[int, int, int] | None = None
    detail: str = ""


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    stream = BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def scene(width: int = 48, height: int = 32) -> Image.Image:
    """A picture with an up and a down, a left and a right: red grows to the right, green downwards."""
    pixels = np.full((height, width, 3), 60, np.uint8)
    pixels[..., 0] = np.linspace(20, 235, width)[None, :]
    pixels[..., 1] = np.linspace(20, 235, height)[:, None]
    return Image.fromarray(pixels)


def turned(orientation: int) -> bytes:
    """A JPEG of ``scene`` that is stored turned, with the tag that says so."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[274] = orientation
    stored = scene().transpose(undo[orientation]) if orientation in undo else scene()
    return encoded(stored, "JPEG", quality=95, exif=exif)


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few bytes whose header names 3.6 thousand million pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def profile(kind: str) -> bytes:
    """An ICC profile: "sRGB", or "swapped", which is sRGB with red and green exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    if kind == "swapped":
        count = struct.unpack_from(">I", data, 128)[0]
        at = {bytes(data[n : n + 4]): n for n in range(132, 132 + 12 * count, 12)}
        red, green = at[b"rXYZ"], at[b"gXYZ"]
        data[red : red + 4], data[green : green + 4] = data[green : green + 4], data[red : red + 4]
    return bytes(data)


def ink_profile() -> bytes:
    """An ICC profile (version 2, 8-bit table) by which every mix of four inks is a grey of lightness 50."""
    curve = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
    table += struct.pack(">9i", *(65_536 * one for one in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    table += 4 * curve + 16 * bytes([128, 128, 128]) + 3 * curve
    illuminant = struct.pack(">3i", 63_190, 65_536, 54_061)
    body = struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), b"none", 0x02100000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + illuminant
    return head.ljust(128, b"\0") + body


def _flat(mode: str, colour: Any, size: tuple[int, int] = (48, 32)) -> Image.Image:
    return Image.new(mode, size, colour)


def _with_hole() -> Image.Image:
    """Blue with a transparent left half whose hidden colour is black."""
    picture = _flat("RGBA", (0, 0, 0, 0))
    picture.paste((0, 0, 200, 255), (24, 0, 48, 32))
    return picture


def _palette(*, hole: bool) -> bytes:
    picture = Image.new("P", (48, 32), 1)
    picture.putpalette([0, 0, 0, 200, 100, 50])
    if hole:
        picture.paste(0, (0, 0, 24, 32))
        return encoded(picture, "PNG", transparency=0)
    return encoded(picture, "PNG")


def _frames(form: str) -> bytes:
    red, blue = _flat("RGB", (250, 10, 10)), _flat("RGB", (10, 10, 250))
    options = {"lossless": True} if form == "WEBP" else {}
    return encoded(red, form, save_all=True, append_images=[blue], **options)


def _sixteen(form: str, level: float) -> bytes:
    return encoded(Image.fromarray(np.full((32, 48), round(65_535 * level), np.uint16)), form)


def pictures() -> dict[str, tuple[bytes, Expected]]:
    """Files by name: every format and mode that must come out right, and every way in which files are broken."""
    jpeg = encoded(scene(), "JPEG", quality=95)
    whole = encoded(Image.effect_noise((200, 150), 80).convert("RGB"), "JPEG", quality=95)
    png = encoded(scene(), "PNG")
    noise = encoded(Image.effect_noise((200, 150), 80), "PNG")
    grey, plain = (128, 128, 128), (48, 32)
    half = (128, 128, 228)
    good: list[tuple[str, bytes, tuple[int, int], tuple[int, int, int] | None]] = [
        ("plain.jpg", jpeg, plain, None),
        ("progressive.jpeg", encoded(scene(), "JPEG", progressive=True), plain, None),
        ("plain.png", png, plain, None),
        ("plain.webp", encoded(scene(), "WEBP"), plain, None),
        ("plain.gif", encoded(scene(), "GIF"), plain, None),
        ("plain.tif", encoded(scene(), "TIFF"), plain, None),
        ("packed.tiff", encoded(scene(), "TIFF", compression="tiff_lzw"), plain, None),
        ("plain.bmp", encoded(scene(), "BMP"), plain, None),
        ("plain.avif", encoded(scene(), "AVIF"), plain, None),
        *((f"turned-{n}.jpg", turned(n), plain, None) for n in range(1, 9)),
        ("grey.jpg", encoded(_flat("L", 128), "JPEG"), plain, grey),
        ("ink.jpg", encoded(_flat("CMYK", (0, 255, 255, 0)), "JPEG"), plain, (255, 0, 0)),
        ("ink.tif", encoded(_flat("CMYK", (0, 255, 255, 0)), "TIFF"), plain, (255, 0, 0)),
        (
            "ink-profile.jpg",
            encoded(_flat("CMYK", (0, 255, 255, 0)), "JPEG", icc_profile=ink_profile()),
            plain,
            (119,) * 3,
        ),
        ("hole.png", encoded(_with_hole(), "PNG"), plain, half),
        ("hole.webp", encoded(_with_hole(), "WEBP", lossless=True), plain, half),
        ("grey-hole.png", encoded(_flat("LA", (0, 0)), "PNG"), plain, (255, 255, 255)),
        ("palette.png", _palette(hole=False), plain, (200, 100, 50)),
        ("palette-hole.png", _palette(hole=True), plain, (228, 178, 152)),
        ("one-bit.png", encoded(_flat("1", 1), "PNG"), plain, (255, 255, 255)),
        ("one-bit.tif", encoded(_flat("1", 0), "TIFF", compression="group4"), plain, (0, 0, 0)),
        ("sixteen.png", _sixteen("PNG", 0.5), plain, grey),
        ("sixteen.tif", _sixteen("TIFF", 0.25), plain, (64, 64, 64)),
        ("float.tif", encoded(_flat("F", 0.5), "TIFF"), plain, grey),
        ("whole-numbers.tif", encoded(_flat("I", 32_768), "TIFF"), plain, grey),
        ("lab.tif", encoded(_flat("LAB", (136, 128, 128)), "TIFF"), plain, (127, 127, 127)),
        ("srgb.jpg", encoded(_flat("RGB", (200, 50, 20)), "JPEG", icc_profile=profile("sRGB")), plain, (200, 50, 20)),
        (
            "swapped.png",
            encoded(_flat("RGB", (200, 50, 20)), "PNG", icc_profile=profile("swapped")),
            plain,
            (50, 200, 20),
        ),
        ("bad-profile.png", encoded(_flat("RGB", (200, 50, 20)), "PNG", icc_profile=b"none"), plain, (200, 50, 20)),
        ("frames.gif", _frames("GIF"), plain, (250, 10, 10)),
        ("frames.webp", _frames("WEBP"), plain, (250, 10, 10)),
        ("frames.tif", _frames("TIFF"), plain, (250, 10, 10)),
        ("frames.png", _frames("PNG"), plain, (250, 10, 10)),
        ("one-pixel.png", encoded(_flat("RGB", (7, 8, 9), (1, 1)), "PNG"), (1, 1), (7, 8, 9)),
        ("strip.png", encoded(_flat("RGB", (7, 8, 9), (20_000, 10)), "PNG"), (20_000, 10), (7, 8, 9)),
        ("pole.jpg", encoded(_flat("L", 9, (10, 20_000)), "JPEG"), (10, 20_000), (9, 9, 9)),
        ("really-a-png.jpg", png, plain, None),
        ("really-a-jpeg.gif", jpeg, plain, None),
        ("no-suffix", jpeg, plain, None),
        ("SHOUTED.JPG", jpeg, plain, None),
        ("two\nlines.jpg", jpeg, plain, None),
        ("spaces and 'quotes\".jpg", jpeg, plain, None),
        ("-dash.jpg", jpeg, plain, None),
        ("u\u0308ber-nfd.jpg", jpeg, plain, None),
        ("\u00fcber-nfc.jpg", jpeg, plain, None),
        ("\u732b\U0001f408.jpg", jpeg, plain, None),
        ("[brackets]*?.jpg", jpeg, plain, None),
        ("deep/er/and/deeper.png", png, plain, None),
    ]
    bad = [
        ("empty.jpg", b"", "empty file"),
        ("text.jpg", b"this is not a picture", "not a picture"),
        ("zeros.png", bytes(5_000), "not a picture"),
        ("page.jpg", b"<!DOCTYPE html><html><body>404</body></html>", "not a picture"),
        ("half.jpg", whole[: len(whole) // 2], "broken"),
        ("half.png", noise[: len(noise) // 2], "broken"),
        ("head-only.webp", encoded(scene(), "WEBP")[:20], "broken"),
        ("no-pixels.tif", encoded(scene(), "TIFF")[:64], "broken"),
        ("bomb.png", bomb(), "too many pixels"),
    ]
    files = {name: (data, Expected(name, None, size, colour)) for name, data, size, colour in good}
    return files | {name: (data, Expected(name, reason)) for name, data, reason in bad}


def write_awkward(folder: Path) -> list[Expected]:
    """Fills ``folder``; returns what is to be expected of each file, by path.

    Running as root, files without permission can be read all the same; then they are expected to be pictures.
    """
    expected = []
    for name, (data, one) in pictures().items():
        _write(folder / name, data)
        expected.append(one)
    jpeg = turned(1)
    left_out = [
        ".hidden.jpg",
        ".hidden/picture.jpg",
        "notes.txt",
        "Makefile",
        "ignored/picture.jpg",
        "nested/dropped.png",
        "nested/deeper/other.jpg",
        "other.samekind/picture.jpg",
    ]
    for name in left_out:
        _write(folder / name, b"text" if name in ("notes.txt", "Makefile") else jpeg)
        expected.append(Expected(name, LEFT_OUT))
    for name in ("nested/kept.jpg", "nested/deeper/kept.png"):
        _write(folder / name, jpeg)
        expected.append(Expected(name, None, (48, 32)))
    (folder / ".samekindignore").write_text("# what stays outside\nignored/\n*.png.bak\n", "utf-8")
    (folder / "nested/.samekindignore").write_text("*.png\n/deeper/other.jpg\n!/deeper/kept.png\n", "utf-8")
    (folder / "other.samekind/samekind.toml").write_text("format = 1\n", "utf-8")

    (folder / "circle").symlink_to(folder, target_is_directory=True)
    (folder / "deep/er/up").symlink_to("../..", target_is_directory=True)
    (folder / "link.jpg").symlink_to(folder / "plain.jpg")
    (folder / "dangling.jpg").symlink_to(folder / "nowhere.jpg")
    expected += [Expected(name, LEFT_OUT) for name in ("link.jpg", "dangling.jpg")]

    _write(folder / "secret.jpg", jpeg)
    (folder / "secret.jpg").chmod(0)
    readable = os.access(folder / "secret.jpg", os.R_OK)
    expected.append(Expected("secret.jpg", None if readable else "unreadable", (48, 32) if readable else None))
    os.mkfifo(folder / "pipe.jpg")
    expected.append(Expected("pipe.jpg", LEFT_OUT))
    if _takes_odd_names(folder):
        _write(folder / os.fsdecode(b"odd-\xff.jpg"), jpeg)
        expected.append(Expected("odd-\\udcff.jpg", "odd name"))
    return expected


def _takes_odd_names(folder: Path) -> bool:
    """Some file systems refuse names that are not UTF-8."""
    try:
        trial = folder / os.fsdecode(b"\xfe")
        trial.touch()
        trial.unlink()
    except OSError:
        return False
    return True


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
