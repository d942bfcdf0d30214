"""The toy world: one to three things of a shape, colour and size, in a row or a column, on a plain ground. Ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

import numpy as np

from samekind.errors import UsageError

T = TypeVar("T")

SHAPES = ("circle", "square", "triangle", "star")
COLOURS = ("red", "green", "blue", "yellow", "purple")
SIZES = ("small", "large")
BACKGROUNDS = (*COLOURS, "white", "black")
MOST = 3
"""So many things fit into a scene."""

ROWS = {1: ("middle",), 2: ("left", "right"), 3: ("left", "middle", "right")}
"""The positions of things side by side, by how many there are."""

COLUMNS = {2: ("top", "bottom"), 3: ("top", "middle", "bottom")}
"""The positions of things one above the other; a single thing is neither."""


@dataclass(frozen=True)
class Thing:
    """One thing: its attributes, each a word of this world, and where it is."""

    shape: str
    colour: str
    size: str
    position: str = "middle"

    def __post_init__(self) -> None:
        for value, known in ((self.shape, SHAPES), (self.colour, COLOURS), (self.size, SIZES)):
            if value not in known:
                raise UsageError(f"A thing of the toy world is no {value!r}; choose one of {', '.join(known)}.")

    @property
    def look(self) -> tuple[str, str, str]:
        """Size, colour and shape: what is the same in things that are counted together."""
        return self.size, self.colour, self.shape


@dataclass(frozen=True)
class Scene:
    """Things from left to right or from top to bottom, on a ground of another colour than any of them.

    Raises UsageError for anything else: two scenes that look the same are equal.
    """

    things: tuple[Thing, ...]
    background: str

    def __post_init__(self) -> None:
        count = len(self.things)
        places = tuple(thing.position for thing in self.things)
        if not 1 <= count <= MOST:
            raise UsageError(f"A scene of the toy world holds one to {MOST} things, not {count}.")
        if places not in (ROWS[count], COLUMNS.get(count)):
            raise UsageError(f"{count} things cannot be at {', '.join(places)}; make the scene with Scene.of.")
        if self.background not in BACKGROUNDS:
            raise UsageError(f"There is no {self.background!r} ground; choose one of {', '.join(BACKGROUNDS)}.")
        if self.background in {thing.colour for thing in self.things}:
            raise UsageError(f"A {self.background} thing cannot be seen on a {self.background} ground.")

    @staticmethod
    def of(things: Sequence[Thing], background: str, column: bool = False) -> Scene:
        """A scene of things in this order, wherever they were before; a single thing is in the middle."""
        layouts = COLUMNS if column and len(things) > 1 else ROWS
        places = layouts.get(len(things), ("nowhere",) * len(things))
        return Scene(
            tuple(replace(thing, position=place) for thing, place in zip(things, places, strict=True)), background
        )

    @property
    def column(self) -> bool:
        """Whether the things stand one above the other."""
        return self.things[0].position == "top"

    @property
    def groups(self) -> tuple[tuple[Thing, int], ...]:
        """Neighbours that look the same, counted together: the first of each and how many they are."""
        runs = [list(run) for _, run in groupby(self.things, key=lambda thing: thing.look)]
        return tuple((run[0], len(run)) for run in runs)


def random_scene(rng: np.random.Generator) -> Scene:
    """A scene by chance: of one thing, of two or three alike, or of two or three of any looks."""
    background = pick(rng, BACKGROUNDS)
    colours = [colour for colour in COLOURS if colour != background]
    count = int(rng.integers(1, MOST + 1))
    things = [Thing(pick(rng, SHAPES), pick(rng, colours), pick(rng, SIZES)) for _ in range(count)]
    if rng.random() < 0.3:
        things = [things[0]] * count
    return Scene.of(things, background, column=bool(rng.random() < 0.4))


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """One of several by chance, each as likely."""
    return choices[int(rng.integers(len(choices)))]
