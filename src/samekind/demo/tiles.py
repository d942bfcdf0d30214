"""Patterned tiles: symmetry group > motif > colourway."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.demo.canvas import Canvas, Colour, Points, arc, mix, petal, ring, star, turned

Layer = tuple[Points, int]
"""An outline and which of a colourway's colours fills it."""

_QUARTERS = [np.linalg.matrix_power(np.array([[0, 1], [-1, 0]]), n).astype(np.float64) for n in range(4)]
_MIRROR = np.array([[-1.0, 0.0], [0.0, 1.0]])
_SIXTHS = [turned(np.eye(2), n * np.pi / 3) for n in range(6)]

Operation = tuple[NDArray[np.float64], tuple[float, float]]
Group = tuple[tuple[tuple[float, float], tuple[float, float]], list[Operation]]

GROUPS: dict[str, Group] = {
    "p4": (((1, 0), (0, 1)), [(turn, (0, 0)) for turn in _QUARTERS]),
    "p4m": (((1, 0), (0, 1)), [(turn, (0, 0)) for turn in (*_QUARTERS, *(_MIRROR @ q for q in _QUARTERS))]),
    "pgg": (
        ((1, 0), (0, 1)),
        [(np.eye(2), (0, 0)), (-np.eye(2), (0, 0)), (_MIRROR, (0.5, 0.5)), (-_MIRROR, (0.5, 0.5))],
    ),
    "p6": (((1, 0), (0.5, 3**0.5 / 2)), [(turn, (0, 0)) for turn in _SIXTHS]),
}
"""Wallpaper groups: the lattice's two vectors, and what is done to the motif within one cell (matrix, shift)."""


def _leaf() -> list[Layer]:
    blade = petal(0.46, 0.42, 1.15)
    vein = petal(0.1, 0.4, 1.2) * [1, 0.92]
    return [(blade, 1), (vein, 0), (ring(24) * 0.16 + [0.34, -0.52], 2)]


def _wave() -> list[Layer]:
    outer = np.concatenate([arc((-0.1, 0), (0.35, -0.9), (0.62, -0.62)), arc((0.62, -0.62), (0.2, -0.45), (0.24, 0))])
    return [(outer, 1), (ring(24) * 0.14 + [0.52, -0.42], 2), (ring(24) * 0.08 + [0.02, -0.62], 1)]


def _kite() -> list[Layer]:
    kite = np.array([[0, 0], [0.3, -0.38], [0.08, -0.98], [-0.12, -0.42]])
    return [(kite, 1), (kite * 0.5 + [0.04, -0.22], 2), (star(4, 0.4) * 0.17 + [0.4, -0.7], 2)]


def _bud() -> list[Layer]:
    bulb = petal(0.5, 0.6, 0.8) * [1, 0.62] + [0, -0.3]
    stalk = arc((0, 0), (0.32, -0.1), (0.02, -0.5))
    stem = np.concatenate([stalk, stalk[::-1] + np.array([0.07, 0.02])])
    return [(stem, 2), (bulb, 1), (petal(0.2, 0.5, 1) * [1, 0.4] + [0, -0.34], 2), (ring(20) * 0.09 + [0.45, -0.3], 1)]


MOTIFS: dict[str, Callable[[], list[Layer]]] = {"leaf": _leaf, "wave": _wave, "kite": _kite, "bud": _bud}

COLOURWAYS: dict[str, tuple[Colour, Colour, Colour]] = {
    "delft": ((238, 240, 236), (38, 74, 140), (112, 150, 200)),
    "terracotta": ((240, 224, 198), (176, 78, 46), (58, 88, 92)),
    "celadon": ((226, 236, 222), (62, 122, 104), (206, 166, 74)),
    "night": ((34, 42, 66), (222, 178, 84), (150, 190, 204)),
}

KINDS: tuple[tuple[str, str, str], ...] = tuple(
    (list(GROUPS)[g], list(MOTIFS)[(g + m) % 4], list(COLOURWAYS)[(g + m + c) % 4])
    for g, m, c in product(range(4), range(3), range(3))
)
"""Every (group, motif, colourway) that is drawn: three motifs a group, three colourways a motif."""


def draw(kind: tuple[str, str, str], rng: np.random.Generator) -> Image.Image:
    """One wall of tiles, opaque RGBA; where the pattern starts and how large it is differ from picture to picture."""
    group, motif, colourway = kind
    lattice, operations = GROUPS[group]
    colours = COLOURWAYS[colourway]
    canvas = Canvas(colours[0])
    cell = rng.uniform(0.34, 0.46)
    start = rng.uniform(-0.5, 0.5, 2)
    reach = range(-9, 10)
    layers = MOTIFS[motif]()
    centres = [start + cell * (a * np.array(lattice[0]) + b * np.array(lattice[1])) for a, b in product(reach, reach)]
    centres = [centre for centre in centres if np.abs(centre).max() < 1 + cell]
    for outline, ink in layers:
        for matrix, shift in operations:
            shape = (outline * 0.56) @ matrix.T * cell
            for centre in centres:
                canvas.fill(shape + centre + cell * np.array(shift), colours[ink])
    for centre in centres:
        canvas.disc(centre, 0.05 * cell, mix(colours[1], colours[2], 0.5))
    if lattice[1][0] == 0:
        _grout(canvas, start, cell, mix(colours[0], (90, 84, 78), 0.45))
    return canvas.image


def _grout(canvas: Canvas, start: NDArray[np.float64], cell: float, colour: Colour) -> None:
    """The joints between square tiles, two cells apart."""
    for axis in range(2):
        for step in np.arange(-6, 7) * 2 * cell + start[axis] + cell / 2:
            ends = np.full((2, 2), step)
            ends[:, 1 - axis] = (-1.2, 1.2)
            canvas.line(ends, colour, 0.014)
