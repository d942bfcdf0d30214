"""Does the map of an explanation find what two pictures share?

    python benchmarks/reasons.py

One object is cut out of a picture on white and laid on two different photographs, at another place and in another size
each: the pair shares the object and, by chance, what the photographs have in common. Right is a map whose peak lies in
the object's box of the second picture. How the map is made was chosen on pairs of other seeds with the
same two kinds of objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import SHARED, save
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from samekind.encoders.base import Pixels
from samekind.encoders.patches import Patches, PatchNetwork, patches_of
from samekind.encoders.rows import unit_rows
from samekind.pictures.views import Box, View
from samekind.query.matching import match_of, softened
from samekind.settings import resolve

PAIRS = 200
SIDE = 256
SMALLEST, LARGEST = 0.25, 0.45
"""The longer side of an object, in sides of the picture."""
ENCODERS = ("dino", "lite", "tiny", "dino@336")
OBJECTS = (("ikea/products", 2), ("grocery/iconic", 3))
"""Folders, each with its seed."""
_WHITE = 242


@dataclass(frozen=True, eq=False)
class Pair:
    """Two pictures (SIDE, SIDE, 3) that share an object; ``box`` is where it lies in the second."""

    asked: Pixels
    found: Pixels
    box: Box


def pairs_of(objects: str, seed: int) -> Iterator[Pair]:
    """PAIRS pairs with objects of that folder."""
    rng = np.random.default_rng(seed)
    cut = [one for file in sorted((SHARED / objects).rglob("*.jpg")) if (one := cut_out(file))]
    grounds = sorted([*(SHARED / "unlabelled").rglob("*.jpg"), *(SHARED / "captions").rglob("*.jpg")])
    for _ in range(PAIRS):
        one = cut[rng.integers(len(cut))]
        (asked, _), (found, box) = (laid(one, grounds[n], rng) for n in rng.choice(len(grounds), 2, replace=False))
        yield Pair(asked, found, box)


def cut_out(file: Path) -> tuple[Image.Image, Image.Image] | None:
    """An object and its mask; None for a picture that is no compact object on white."""
    picture = Image.open(file).convert("RGB")
    dark = Image.fromarray((np.asarray(picture).min(axis=2) < _WHITE).astype(np.uint8) * 255)
    framed = Image.new("L", (dark.width + 2, dark.height + 2), 0)
    framed.paste(dark, (1, 1))
    ImageDraw.floodfill(framed, (0, 0), 128)
    mask = np.asarray(framed)[1:-1, 1:-1] != 128
    if not 0.15 <= mask.mean() <= 0.93:
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    shape = Image.fromarray(mask.astype(np.uint8) * 255).crop(box)
    return (picture.crop(box), shape) if np.asarray(shape).mean() >= 0.45 * 255 else None


def laid(one: tuple[Image.Image, Image.Image], ground: Path, rng: np.random.Generator) -> tuple[Pixels, Box]:
    """The object on the middle square of a photograph, and where."""
    picture = Image.open(ground).convert("RGB")
    edge = min(picture.size)
    left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
    picture = picture.crop((left, top, left + edge, top + edge)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    scale = rng.uniform(SMALLEST, LARGEST) * SIDE / max(one[0].size)
    size = max(1, round(scale * one[0].width)), max(1, round(scale * one[0].height))
    at = int(rng.integers(SIDE - size[0] + 1)), int(rng.integers(SIDE - size[1] + 1))
    picture.paste(one[0].resize(size, Image.Resampling.LANCZOS), at, one[1].resize(size))
    return np.asarray(picture), Box(*at, *size)


def best_cosine(asked: Patches, found: Patches, soft: bool) -> NDArray[np.float32]:
    """What a map usually is: each patch's best cosine to the other picture."""
    ours, theirs = (unit_rows(one.reshape(-1, one.shape[2])) for one in (asked, found))
    best = (theirs @ ours.T).max(axis=1).reshape(found.shape[:2])
    return softened(best) if soft else best


def hits(best: NDArray[np.float32], view: View, box: Box) -> bool:
    """Whether the map's peak lies in the box."""
    row, column = divmod(int(best.argmax()), best.shape[1])
    cell = view.side / best.shape[1]
    at = view.to_picture(Box((column + 0.5) * cell, (row + 0.5) * cell, 0, 0), SIDE, SIDE)
    return bool(box.left <= at.left < box.left + box.width and box.top <= at.top < box.top + box.height)


def row_of(network: PatchNetwork, encoder: str, objects: str, seed: int) -> dict[str, Any]:
    """Shares of pairs."""
    blank, found = network.blank(), []
    for pair in pairs_of(objects, seed):
        asked, other = network(pair.asked), network(pair.found)
        match = match_of(encoder, network.view, (asked, other, blank), ((SIDE, SIDE), (SIDE, SIDE)))
        maps = (match.found.heat, best_cosine(asked, other, True), best_cosine(asked, other, False))
        inside = [
            pair.box.left <= SIDE * x < pair.box.left + pair.box.width
            and pair.box.top <= SIDE * y < pair.box.top + pair.box.height
            for x, y in (one.found for one in match.pairs)
        ]
        chance = pair.box.width * pair.box.height / SIDE**2
        found.append([*(hits(one, network.view, pair.box) for one in maps), np.mean(inside or [0]), chance])
    names = ("peak in the object", "best cosine, softened", "best cosine alone", "pairs of points in it", "by chance")
    return {"encoder": encoder, "objects": objects, "seed": seed} | dict(
        zip(names, np.mean(found, axis=0).tolist(), strict=True)
    )


def main() -> None:
    """Measures all encoders."""
    rows = []
    for encoder in ENCODERS:
        network = patches_of(encoder, resolve())
        rows += [row_of(network, encoder, *on) for on in OBJECTS]
    title = "Reasons: does the map's peak lie in the object that two pictures share?"
    notes = [f"{PAIRS} generated pairs a row; shares of pairs."]
    save("reasons", title, rows, notes)


if __name__ == "__main__":
    main()
