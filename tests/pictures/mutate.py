"""Endless damaged pictures from a seed: cut short, bits flipped, stretches overwritten, wrong names, bombs, nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tests.pictures.awkward import bomb, encoded, turned

SUFFIXES = ("jpg", "png", "webp", "gif", "tif", "bmp", "avif")


@dataclass(frozen=True)
class Mutant:
    """A file to be: its ``name``, its ``data``, and the ``how`` of its damage."""

    name: str
    data: bytes
    how: str


def mutants(count: int, seed: int) -> Iterator[Mutant]:
    """``count`` damaged files; equal seeds give equal files. Some can still be decoded, as in life."""
    rng = np.random.default_rng(seed)
    seeds = _whole_files(rng)
    ways = (_cut, _flip, _flip_header, _overwrite, _double, _rename, _drop)
    for n in range(count):
        suffix, data = seeds[int(rng.integers(len(seeds)))]
        special = int(rng.integers(40))
        if special == 0:
            yield Mutant(f"m{n:05}.{suffix}", b"", "zero bytes")
        elif special == 1:
            side = int(rng.integers(30_000, 2**31 - 1))
            yield Mutant(f"m{n:05}.png", bomb(side, side), "bomb")
        elif special == 2:
            yield Mutant(f"m{n:05}.{suffix}", rng.bytes(int(rng.integers(1, 3000))), "random bytes")
        else:
            way = ways[int(rng.integers(len(ways)))]
            suffix, damaged = way(suffix, data, rng)
            yield Mutant(f"m{n:05}.{suffix}", damaged, way.__name__.strip("_").replace("_", " "))


def _whole_files(rng: np.random.Generator) -> list[tuple[str, bytes]]:
    colours = Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).resize((120, 90), Image.Resampling.BICUBIC)
    see_through = colours.copy()
    see_through.putalpha(128)
    wide = Image.fromarray(rng.integers(0, 65_536, (40, 60), np.uint16))
    return [
        ("jpg", encoded(colours, "JPEG")),
        ("jpg", encoded(colours, "JPEG", progressive=True)),
        ("jpg", encoded(colours.convert("CMYK"), "JPEG")),
        ("jpg", turned(6)),
        ("png", encoded(colours, "PNG")),
        ("png", encoded(see_through, "PNG")),
        ("png", encoded(colours.convert("P"), "PNG")),
        ("png", encoded(wide, "PNG")),
        ("webp", encoded(colours, "WEBP")),
        ("webp", encoded(see_through, "WEBP", lossless=True)),
        ("gif", encoded(colours, "GIF")),
        ("tif", encoded(colours, "TIFF")),
        ("tif", encoded(colours, "TIFF", compression="tiff_lzw")),
        ("tif", encoded(colours, "TIFF", compression="jpeg")),
        ("tif", encoded(colours.convert("1"), "TIFF", compression="group4")),
        ("bmp", encoded(colours, "BMP")),
        ("avif", encoded(colours, "AVIF")),
    ]


def _cut(suffix: str, data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    return suffix, data[: int(rng.integers(1, len(data)))]


def _flip(suffix: str, data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    return suffix, _flipped(data, len(data), rng)


def _flip_header(suffix: str, data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    return suffix, _flipped(data, min(256, len(data)), rng)


def _flipped(data: bytes, reach: int, rng: np.random.Generator) -> bytes:
    damaged = np.frombuffer(data, np.uint8).copy()
    for at in rng.integers(0, reach, int(rng.integers(1, 12))):
        damaged[at] ^= np.uint8(1 << int(rng.integers(8)))
    return damaged.tobytes()


def _overwrite(suffix: str, data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    start = int(rng.integers(len(data)))
    length = int(rng.integers(1, 64))
    fill = rng.bytes(length) if rng.integers(2) else b"\xff" * length
    return suffix, (data[:start] + fill + data[start + length :])[: len(data)]


def _drop(suffix: str, data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    start = int(rng.integers(len(data)))
    return suffix, data[:start] + data[start + int(rng.integers(1, 200)) :]


def _double(suffix: str, data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    start = int(rng.integers(len(data)))
    return suffix, data[:start] + data[max(0, start - int(rng.integers(1, 200))) :]


def _rename(suffix: str, data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    return SUFFIXES[int(rng.integers(len(SUFFIXES)))], data
