"""Shields: division > charge > tincture."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from samekind.demo.canvas import OVER, SIDE, Canvas, Colour, Points, arc, mix, petal, ring, star, turned

TINCTURES: dict[str, tuple[Colour, Colour]] = {
    "azure and or": ((34, 78, 160), (232, 188, 66)),
    "gules and argent": ((178, 34, 42), (232, 232, 226)),
    "vert and or": ((30, 110, 66), (236, 196, 84)),
    "sable and argent": ((36, 34, 40), (224, 226, 228)),
}


def _outline() -> Points:
    """A heater shield: flat top, sides that curve to a point."""
    side = np.concatenate([[[0.0, -0.82], [0.68, -0.82]], arc((0.68, -0.2), (0.62, 0.5), (0, 0.9))])
    return np.concatenate([side, side[::-1] * [-1, 1]])


def _box(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


DIVISIONS: dict[str, list[Points]] = {
    "per pale": [_box(0, -1, 1, 1)],
    "per bend": [np.array([[-1.0, -1.1], [1.0, -1.1], [1.0, 0.9]])],
    "quarterly": [_box(-1, -1, 0, -0.08), _box(0, -0.08, 1, 1)],
    "per chevron": [np.array([[0, -0.2], [1, 0.62], [1, 1], [-1, 1], [-1, 0.62]])],
}
"""The parts of the field that take the second tincture; a charge takes the other one of where it lies."""


def _mullet() -> list[Points]:
    return [star(5, 0.4)]


def _cross() -> list[Points]:
    arm = np.array([[-0.13, 0], [-0.13, -0.45], [-0.42, -0.95], [0, -0.78], [0.42, -0.95], [0.13, -0.45], [0.13, 0]])
    return [turned(arm, n * np.pi / 2) for n in range(4)]


def _lily() -> list[Points]:
    blade = petal(0.52, 0.55, 1.0) * [1, 1.25] + [0, 0.3]
    side = np.concatenate([arc((0.08, 0.3), (0.15, -0.5), (0.62, -0.5)), arc((0.62, -0.5), (1.0, -0.3), (0.6, 0.05))])
    side = np.concatenate(
        [side, arc((0.6, 0.05), (0.72, -0.28), (0.5, -0.24)), arc((0.5, -0.24), (0.34, 0), (0.2, 0.3))]
    )
    foot = petal(0.4, 0.6, 0.9) * [1, -0.62] + [0, 0.3]
    return [blade, side, side * [-1, 1], _box(-0.42, 0.24, 0.42, 0.38), foot]


def _tower() -> list[Points]:
    teeth = [_box(x, -0.9, x + 0.26, -0.6) for x in (-0.6, -0.13, 0.34)]
    return [_box(-0.46, -0.5, 0.46, 0.8), _box(-0.6, -0.66, 0.6, -0.46), _box(-0.62, 0.72, 0.62, 0.92), *teeth]


def _crescent() -> list[Points]:
    angle = np.linspace(0.35, 2 * np.pi - 0.35, 48)
    outer = np.stack([np.sin(angle), -np.cos(angle)], 1)
    inner = np.stack([np.sin(angle) * 0.72, -np.cos(angle) * 0.72 - 0.3], 1)
    return [np.concatenate([outer, inner[::-1]])]


def _trefoil() -> list[Points]:
    leaves = [ring(40) * 0.36 + at for at in ([0, -0.5], [-0.42, 0.06], [0.42, 0.06])]
    stalk = np.concatenate([arc((-0.05, -0.3), (0, 0.5), (-0.26, 0.95)), arc((-0.06, 1.0), (0.1, 0.5), (0.05, -0.3))])
    return [*leaves, stalk, ring(24) * 0.16 + [0, -0.1]]


CHARGES: dict[str, Callable[[], list[Points]]] = {
    "mullet": _mullet,
    "cross": _cross,
    "lily": _lily,
    "tower": _tower,
    "crescent": _crescent,
    "trefoil": _trefoil,
}

KINDS: tuple[tuple[str, str, str], ...] = tuple(
    (division, list(CHARGES)[(3 * d + c + d // 2) % 6], list(TINCTURES)[(d + c + t) % 4])
    for (d, division), c, t in product(enumerate(DIVISIONS), range(3), range(3))
)
"""Every (division, charge, tinctures) that is drawn: three charges a division, three tinctures a charge."""


def draw(kind: tuple[str, str, str], rng: np.random.Generator) -> Image.Image:
    """One painted shield on a transparent ground (RGBA); the painter's hand differs from picture to picture."""
    division, charge, tincture = kind
    first, second = (mix(colour, (128, 110, 90), rng.uniform(0, 0.14)) for colour in TINCTURES[tincture])
    shield = _mask([_outline()])
    size, lift = rng.uniform(0.46, 0.54), rng.uniform(-0.16, -0.06)
    figure = _mask([points * size + [0, lift] for points in CHARGES[charge]()])
    rim_of_figure = ImageChops.difference(figure.filter(ImageFilter.BoxBlur(3)).point([0] + [255] * 255), figure)
    swapped = ImageChops.difference(_mask(DIVISIONS[division]), figure)

    face = Image.composite(Image.new("RGB", shield.size, second), Image.new("RGB", shield.size, first), swapped)
    face.paste(mix(first, (10, 10, 14), 0.6), mask=rim_of_figure)
    canvas = Canvas()
    canvas.image.paste(face, mask=shield)
    _bosses(canvas, mix(second, (120, 90, 50), 0.4))
    canvas.image.putalpha(shield)
    return canvas.image


def _bosses(canvas: Canvas, colour: Colour) -> None:
    """A raised rim with nails."""
    edge = _outline()
    closed = np.concatenate([edge, edge[:1]])
    canvas.line(closed, mix(colour, (20, 14, 8), 0.6), 0.12)
    canvas.line(closed * 0.985, colour, 0.075)
    canvas.line(closed * 0.975 - [0.004, 0.004], mix(colour, (255, 244, 214), 0.5), 0.02)
    for nail in edge[2:-2:3] * 0.965:
        canvas.disc(nail, 0.022, mix(colour, (255, 244, 214), 0.7))


def _mask(outlines: list[Points]) -> Image.Image:
    mask = Image.new("L", (SIDE * OVER, SIDE * OVER), 0)
    pen = ImageDraw.Draw(mask)
    for outline in outlines:
        pen.polygon([(x, y) for x, y in ((outline + 1) * (SIDE * OVER / 2)).tolist()], fill=255)
    return mask
