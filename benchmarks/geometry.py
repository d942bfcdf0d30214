"""How often is it said rightly, and how often wrongly, that two pictures show the very same thing?

    python benchmarks/geometry.py            writes results/geometry.json
    python benchmarks/geometry.py tuning     prints the same of the other half, on which the threshold was chosen

The same object on two photographs, as in reasons.py, and edited copies: squares of 70 to 90 % of a picture's area, and
mirrored pictures. Against them other objects on other photographs, other photographs, other products on white, and two
pictures of the same kind of thing. Objects and photographs are those that were not looked at when the threshold was
chosen; pictures of the same kind are drawn with another seed.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import SHARED, save
from PIL import Image
from reasons import OBJECTS, SIDE, cut_out, laid

from samekind.encoders.base import Pixels
from samekind.encoders.patches import PatchNetwork, patches_of
from samekind.pictures.views import Box, crop, mirror
from samekind.query.geometry import same_in
from samekind.settings import resolve

PAIRS = 100
ENCODERS = ("dino", "lite", "tiny")
KINDS = ("birds", "flowers", "clothing")

Pair = tuple[Pixels, Pixels]


def squared(file: Path) -> Pixels:
    """The middle square of a picture, (SIDE, SIDE, 3)."""
    picture = Image.open(file).convert("RGB")
    edge = min(picture.size)
    left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
    square = picture.crop((left, top, left + edge, top + edge))
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def on_photographs(objects: str, grounds: Sequence[Path], half: int, same: bool) -> Iterator[Pair]:
    """One object, or two, on two photographs."""
    rng = np.random.default_rng(10 + half)
    cut = [one for file in sorted((SHARED / objects).rglob("*.jpg")) if (one := cut_out(file))][half::2]
    for _ in range(PAIRS):
        pair, on = rng.choice(len(cut), 2, replace=False), rng.choice(len(grounds), 2, replace=False)
        if same:
            pair[1] = pair[0]
        first, second = (laid(cut[n], grounds[m], rng)[0] for n, m in zip(pair, on, strict=True))
        yield first, second


def cropped(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A square of 70 to 90 % of the area, anywhere."""
    side = int(np.sqrt(rng.uniform(0.7, 0.9)) * SIDE)
    left, top = rng.integers(SIDE - side + 1, size=2).tolist()
    return np.ascontiguousarray(crop(pixels, Box(left, top, side, side)))


def of_a_kind(name: str, half: int) -> Iterator[Pair]:
    """Two pictures with the same label."""
    rng, by_label = np.random.default_rng(20 + half), dict[str, list[str]]()
    with (SHARED / name / "labels.csv").open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            by_label.setdefault(row["label"], []).append(row["path"])
    labels = sorted(label for label, paths in by_label.items() if len(paths) > 1)
    for _ in range(PAIRS):
        first, second = rng.choice(by_label[labels[rng.integers(len(labels))]], 2, replace=False)
        yield squared(SHARED / name / first), squared(SHARED / name / second)


def pairs_of(half: int) -> Iterator[tuple[str, bool, list[Pair]]]:
    """What is compared, whether it is the very same thing, and the pairs."""
    files = sorted([*(SHARED / "unlabelled").rglob("*.jpg"), *(SHARED / "captions").rglob("*.jpg")])[half::2]
    rng = np.random.default_rng(half)
    photographs = [squared(files[n]) for n in rng.choice(len(files), PAIRS, replace=False)]
    yield "a picture, and a part of it", True, [(one, cropped(one, rng)) for one in photographs]
    yield "a picture, and it mirrored", True, [(one, mirror(one)) for one in photographs]
    for objects, _ in OBJECTS:
        yield f"{objects}, the same", True, list(on_photographs(objects, files, half, True))
    for objects, _ in OBJECTS:
        yield f"{objects}, two", False, list(on_photographs(objects, files, half, False))
    yield "photographs", False, [(photographs[n], photographs[n - 1]) for n in range(PAIRS)]
    products = sorted((SHARED / OBJECTS[0][0]).rglob("*.jpg"))[half::2]
    drawn = [rng.choice(len(products), 2, replace=False) for _ in range(PAIRS)]
    white = [(squared(products[one]), squared(products[other])) for one, other in drawn]
    yield "products on white", False, white
    for name in KINDS:
        yield f"{name} of a kind", False, list(of_a_kind(name, half))


def row_of(network: PatchNetwork, encoder: str, what: str, same: bool, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Shares of pairs, and scores."""
    found = [same_in(network, *pair, (network(pair[0]), network(pair[1]))) for pair in pairs]
    scores = np.array([one.score for one in found])
    return {
        "encoder": encoder,
        "pairs": what,
        "the very same": "yes" if same else "no",
        "said to be": float(np.mean([one.sure for one in found])),
        "score, median": float(np.median(scores)),
        "5 %": float(np.quantile(scores, 0.05)),
        "95 %": float(np.quantile(scores, 0.95)),
        "greatest": float(scores.max()),
    }


def main() -> None:
    """Measures all encoders."""
    half = 0 if sys.argv[1:] == ["tuning"] else 1
    sets, rows = list(pairs_of(half)), []
    for encoder in ENCODERS:
        network = patches_of(encoder, resolve())
        for one in sets:
            rows.append(row_of(network, encoder, *one))
            print(*rows[-1].values(), flush=True)
    if half:
        title = "The very same thing: how often is it said of what is, and of what is not?"
        save("geometry", title, rows, [f"{PAIRS} pairs a row; shares of pairs, and scores 0..1."])


if __name__ == "__main__":
    main()
