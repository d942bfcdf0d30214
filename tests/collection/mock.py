"""A small encoder without weights, and pictures for it; also used by the processes that tests start and kill."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from samekind.encoders.base import Part, Pixels, Prepared, Vectors

DIM = 16


class MockEncoder:
    """Mean colours of a 2 x 3 grid, turned by a fixed matrix: equal pictures, equal vectors."""

    dim = DIM
    parts = (Part("mock", 0, DIM),)
    input_side = 12

    def __init__(self, name: str = "mock", seconds: float = 0.0) -> None:
        self.name = name
        self.fingerprint = f"{name:0>16}"[:16]
        self.seconds = seconds
        self.seen = 0
        self._turn = np.random.default_rng(1).standard_normal((18, DIM)).astype(np.float32)

    def prepare(self, pixels: Pixels) -> Prepared:
        small = Image.fromarray(pixels).resize((12, 12), Image.Resampling.BILINEAR)
        return (np.asarray(small),)

    def encode(self, batch: Sequence[Prepared]) -> Vectors:
        if not batch:
            return np.zeros((0, self.dim), np.float32)
        time.sleep(self.seconds)
        self.seen += len(batch)
        pixels = np.stack([one[0] for one in batch]).astype(np.float32)
        cells = pixels.reshape(len(batch), 2, 6, 3, 4, 3).mean((2, 4)).reshape(len(batch), 18) / 255 - 0.5
        rows = cells @ self._turn + 1e-3
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class OtherEncoder(MockEncoder):
    """Another one, with longer vectors."""

    dim = 24
    parts = (Part("other", 0, 24),)

    def __init__(self, name: str = "other", seconds: float = 0.0) -> None:
        super().__init__(name, seconds)
        self._turn = np.random.default_rng(2).standard_normal((18, self.dim)).astype(np.float32)


def draw(file: Path, seed: int, side: int = 24) -> Path:
    """A picture of its own for each seed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    cells = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    Image.fromarray(cells).resize((side, side), Image.Resampling.NEAREST).save(file)
    return file


def draw_many(folder: Path, count: int, start: int = 0) -> list[Path]:
    return [draw(folder / f"{n % 7}" / f"{n:05}.png", n) for n in range(start, start + count)]


def age(folder: Path) -> None:
    """Makes all files a minute older, so that a change right afterwards shows in their times."""
    for file in folder.rglob("*"):
        if file.is_file():
            stat = file.stat()
            os.utime(file, ns=(stat.st_atime_ns - 60 * 10**9, stat.st_mtime_ns - 60 * 10**9))
