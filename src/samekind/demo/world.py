"""The little world: three collections of pictures with a hierarchy of likeness, drawn from a seed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from samekind.demo import flowers, scene, shields, tiles
from samekind.errors import StorageError
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
    return scene.photograph(shields.draw(kind, rng), scene.wall(rng), rng, turn=8, size=(1.02, 1.16))


THEMES = (
    Theme("tiles", ("symmetry group", "motif", "colourway"), tiles.KINDS, _tile_photo),
    Theme("flowers", ("family", "species", "variety"), flowers.KINDS, _flower_photo),
    Theme("shields", ("division", "charge", "tincture"), shields.KINDS, _shield_photo),
)


@dataclass(frozen=True)
class Take:
    """One picture to be drawn: which of a theme's kinds (its place in the list), and which photo of it."""

    theme: int
    place: int
    take: int

    @property
    def kind(self) -> Kind:
        """Its labels, broadest first."""
        return THEMES[self.theme].kinds[self.place]

    @property
    def path(self) -> str:
        """Where it is kept below the theme's folder."""
        return "/".join(part.replace(" ", "-") for part in self.kind) + f"-{self.take + 1}.jpg"


def draw_world(folder: Path, threads: int = 1, seed: int = SEED) -> Generator[Event, None, None]:
    """Writes every theme into ``folder``: JPEG files in folders by kind and a labels.csv beside them.

    Equal seeds draw equal pictures. Labels are nested: two pictures share a ``label`` when all three levels agree,
    ``middle`` when two do, ``coarse`` when the first does. Raises StorageError.
    """
    takes = [
        Take(number, place, take)
        for number, theme in enumerate(THEMES)
        for place in range(len(theme.kinds))
        for take in range(PICTURES_A_KIND)
    ]

    def drawn(take: Take) -> None:
        draw_one(take, folder / THEMES[take.theme].name / take.path, seed)

    try:
        for take in takes:
            (folder / THEMES[take.theme].name / take.path).parent.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(threads) as pool:
            for done, _ in enumerate(pool.map(drawn, takes), 1):
                yield Progress("drawing", done, len(takes))
        for number, theme in enumerate(THEMES):
            _write_labels(folder / theme.name / "labels.csv", [take for take in takes if take.theme == number])
    except OSError as problem:
        raise StorageError(f"The demo cannot draw into {folder} ({problem.strerror}); choose another place.") from None


def draw_one(take: Take, file: Path, seed: int = SEED) -> None:
    """Draws one picture and writes it as a JPEG file; any number of photos can be taken of a kind."""
    rng = np.random.default_rng([seed, take.theme, take.place, take.take])
    THEMES[take.theme].photo(take.kind, rng).save(file, quality=int(rng.integers(82, 95)))


def _write_labels(file: Path, takes: list[Take]) -> None:
    rows = [[take.path, " ".join(take.kind), take.kind[0], "both", "", " ".join(take.kind[:2])] for take in takes]
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["path", "label", "coarse", "split", "subset", "middle"], *rows])
