"""A drawing ground in unit coordinates, and the few outlines that everything in the little world is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Points = NDArray[np.float64]
"""(n, 2) float64, x to the right and y down; -1..1 is the canvas."""

Place = Sequence[float] | NDArray[np.float64]
"""One point: two numbers."""

Colour = tuple[int, int, int]

SIDE = 256
"""Pixels of a finished picture's side."""

OVER = 2
"""Supersampling: things are drawn this many times larger and shrunk, which smooths their edges."""


class Canvas:
    """A square picture, SIDE x OVER pixels wide, transparent or of one colour."""

    def __init__(self, ground: Colour | None = None) -> None:
        self.side = SIDE * OVER
        self.image = Image.new("RGBA", (self.side, self.side), (*ground, 255) if ground else (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)

    def fill(self, points: Points, colour: Colour) -> None:
        """A filled outline."""
        self._draw.polygon(self._pixels(points), fill=colour)

    def line(self, points: Points, colour: Colour, width: float) -> None:
        """An open line, ``width`` in unit coordinates."""
        self._draw.line(self._pixels(points), fill=colour, width=max(1, round(width * self.side / 2)), joint="curve")

    def disc(self, centre: Place, radius: float, colour: Colour) -> None:
        """A filled circle."""
        self.fill(ring(48) * radius + np.asarray(centre, np.float64), colour)

    def _pixels(self, points: Points) -> list[tuple[float, float]]:
        return [(x, y) for x, y in ((points + 1) * (self.side / 2)).tolist()]


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two: ``share`` 0 gives the first, 1 the second."""
    r, g, b = (round(a + (z - a) * share) for a, z in zip(first, second, strict=True))
    return r, g, b


def turned(points: Points, angle: float) -> Points:
    """Points turned clockwise (as seen) by ``angle`` radians about the origin."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]), np.float64)


def ring(count: int) -> Points:
    """``count`` points on the unit circle, the first straight up."""
    angle = np.arange(count) * (2 * np.pi / count)
    return np.stack([np.sin(angle), -np.cos(angle)], 1)


def star(rays: int, inner: float) -> Points:
    """A star of unit radius whose inner corners lie at ``inner``."""
    points = ring(2 * rays)
    points[1::2] *= inner
    return points


def petal(width: float, belly: float = 0.5, tip: float = 1.0, notch: float = 0.0, steps: int = 18) -> Points:
    """A petal or leaf from the origin straight up to height 1.

    ``width`` is its greatest width, ``belly`` the height of it (0..1), ``tip`` above 1 sharpens and below 1 rounds both
    ends, ``notch`` cuts in at the top.
    """
    height = np.linspace(0, 1, steps)
    bend = np.log(0.5) / np.log(belly)
    half = width / 2 * np.sin(np.pi * height**bend) ** tip
    top = height - notch * np.exp(-(((1 - height) / 0.12) ** 2)) * (1 - half / (width / 2))
    right = np.stack([half, -top], 1)
    return np.concatenate([right, right[::-1] * [-1, 1]])


def arc(start: Place, over: Place, end: Place, steps: int = 16) -> Points:
    """A curve from ``start`` to ``end``, drawn towards ``over`` (quadratic Bezier)."""
    t = np.linspace(0, 1, steps)[:, None]
    a, b, c = (np.asarray(point, np.float64) for point in (start, over, end))
    return np.asarray((1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c, np.float64)
