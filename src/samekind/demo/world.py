"""The little world: three collections of pictures with a hierarchy of likeness, drawn from a seed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from samekind.demo import flowers, scene, shields, tiles
from samekind.events import Event, Progress

Kind = tuple[str, str, str]

LEVELS = ("coarse", "middle", "label")
"""Columns of labels.csv from the broadest level of likeness to the finest."""

PICTURES_A_KIND = 4
SEED = 7


@dataclass(frozen=True)
class Theme:
    """One collection of the world: what its three levels are called, its finest kinds, how one is photographed."""

    name: str
    levels: tuple[str, str, str]
    kinds: tuple[Kind, ...]
    photo: Callable[[Kind, np.random.Generator], Image.Image]


def _tile_photo(kind: Kind, rng: np.random.Generator) -> Image.Image:
    return scene.photograph(tiles.draw(kind, rng), None, rng, turn=20, size=(1.45, 1.8))


def _flower_photo(kind: Kind, rng: np.random.Generator) -> Image.Image:
    return scene.photograph(flowers.draw(kind, rng), scene.garden(rng), rng, turn=24, size=(0.8, 1.15))


def _shield_photo(kind: Kind, rng: np.random.Generator) -> Image.Image:
    return scene.photograph(shields.draw(kind, rng), scene.wall(rng), rng, turn=12, size=(0.98, 1.14))


THEMES = (
    Theme("tiles", ("symmetry group", "motif", "colourway"), tiles.KINDS, _tile_photo),
    Theme("flowers", ("family", "species", "variety"), flowers.KINDS, _flower_photo),
    Theme("shields", ("division", "charge", "tincture"), shields.KINDS, _shield_photo),
)


def draw_world(folder: Path, seed: int = SEED) -> Generator[Event, None, None]:
    """Writes every theme into ``folder``: JPEG files in folders by kind and a labels.csv beside them.

    Equal seeds draw equal pictures. Labels are nested: two pictures share a ``label`` when all three levels agree,
    ``middle`` when two do, ``coarse`` when the first does.
    """
    total = sum(len(theme.kinds) for theme in THEMES) * PICTURES_A_KIND
    done = 0
    for number, theme in enumerate(THEMES):
        rows = []
        for place, kind in enumerate(theme.kinds):
            for take in range(PICTURES_A_KIND):
                rng = np.random.default_rng([seed, number, place, take])
                path = "/".join(_slug(part) for part in kind) + f"-{take + 1}.jpg"
                file = folder / theme.name / path
                file.parent.mkdir(parents=True, exist_ok=True)
                theme.photo(kind, rng).save(file, quality=int(rng.integers(82, 95)))
                rows.append([path, " ".join(kind), kind[0], "both", "", " ".join(kind[:2])])
                done += 1
                yield Progress("drawing", done, total)
        with (folder / theme.name / "labels.csv").open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([["path", "label", "coarse", "split", "subset", "middle"], *rows])


def _slug(name: str) -> str:
    return name.replace(" ", "-")
