"""A small encoder without weights, and small labelled sets drawn for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import samekind.tuning
from samekind.encoders.base import Part

HEADER = "path,label,coarse,split,subset\n"
KINDS = {
    "apple": (200, 30, 30),
    "cherry": (160, 10, 40),
    "pear": (140, 190, 40),
    "plum": (80, 30, 110),
    "fig": (40, 20, 60),
}
PARENTS = {"apple": "red", "cherry": "red", "pear": "green", "plum": "dark", "fig": "dark"}


class ColourEncoder:
    """The mean colour of a picture, as a direction."""

    dim = 3
    parts = (Part("colour", 0, 3),)
    input_side = 8

    def __init__(self, name: str = "colour", turn: int = 0) -> None:
        self.name = name
        self.fingerprint = f"{name:0>16}"[:16]
        self.turn = turn
        self.seen = 0

    def prepare(self, pixels):
        return (np.asarray(Image.fromarray(pixels).resize((8, 8))),)

    def encode(self, batch):
        self.seen += len(batch)
        rows = np.array([one[0].reshape(-1, 3).mean(0) for one in batch], np.float32).reshape(-1, 3)
        rows = np.abs(rows - self.turn) + 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def encoder() -> ColourEncoder:
    return ColourEncoder()


@pytest.fixture
def draw_set(tmp_path: Path) -> Callable[..., Path]:
    """Draws a labelled set of noisy colours; returns its labels file."""

    def draw(name: str, each: int = 6, spread: float = 25, seed: int = 0, distractors: int = 0) -> Path:
        rng = np.random.default_rng(seed)
        folder = tmp_path / name
        folder.mkdir()
        lines = [HEADER]
        for kind, colour in KINDS.items():
            for at in range(each):
                mean = np.array(colour) + rng.normal(0, spread, 3)
                pixels = np.clip(rng.normal(mean, 20, (16, 20, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{kind} {at}.png")
                lines.append(f"{kind} {at}.png,{kind},{PARENTS[kind]},both,\n")
        for at in range(distractors):
            Image.fromarray(rng.integers(0, 255, (16, 20, 3), np.uint8)).save(folder / f"other{at}.png")
            lines.append(f"other{at}.png,other {at},,gallery,\n")
        (folder / "labels.csv").write_text("".join(lines))
        return folder / "labels.csv"

    return draw


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps caches and settings of the person out of the tests, and stands in for tuning by taking the mean away."""
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SAMEKIND_ENCODER", raising=False)

    def fit(vectors, parts, views, view_rows):
        assert len(views) == len(view_rows) <= len(vectors)
        mean = vectors.mean(axis=0)

        def apply(rows):
            moved = rows - mean
            return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6)

        return SimpleNamespace(asked=apply, stored=apply, helps=True, why="it helps")

    monkeypatch.setattr(samekind.tuning, "fit", fit, raising=False)
