"""A scene of the toy world as pixels."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from samekind.encoders.base import Pixels
from samekind.evaluation.toy.world import Scene, Thing

SIDE = 224
_OVER = 4
"""Things are drawn this many times larger and shrunk, which smooths their edges."""

_RGB = {
    "red": (214, 40, 40),
    "green": (46, 150, 68),
    "blue": (36, 90, 200),
    "yellow": (250, 205, 40),
    "purple": (130, 60, 160),
    "white": (250, 250, 250),
    "black": (20, 20, 20),
}
_PLACES = {"left": (0.2, 0.5), "middle": (0.5, 0.5), "right": (0.8, 0.5), "top": (0.5, 0.2), "bottom": (0.5, 0.8)}
_RADII = {"small": 0.075, "large": 0.14}
"""Half of a thing's height as a share of the picture's side; large neighbours do not touch."""


def draw(scene: Scene, side: int = SIDE) -> Pixels:
    """(side, side, 3) uint8; the same scene gives the same pixels, different ones different pixels."""
    image = Image.new("RGB", (side * _OVER, side * _OVER), _RGB[scene.background])
    for thing in scene.things:
        _draw_thing(ImageDraw.Draw(image), thing, side * _OVER)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX), np.uint8)


def _draw_thing(ground: ImageDraw.ImageDraw, thing: Thing, side: int) -> None:
    x, y = (share * side for share in _PLACES[thing.position])
    radius = _RADII[thing.size] * side
    if thing.shape == "circle":
        ground.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_RGB[thing.colour])
        return
    if thing.shape == "square":
        half = 0.88 * radius
        ground.rectangle((x - half, y - half, x + half, y + half), fill=_RGB[thing.colour])
        return
    rays, inner = (3, 0.5) if thing.shape == "triangle" else (5, 0.42)
    corners = []
    for corner in range(2 * rays):
        length, angle = radius * (inner if corner % 2 else 1.0), math.pi * corner / rays
        corners.append((x + length * math.sin(angle), y - length * math.cos(angle)))
    ground.polygon(corners, fill=_RGB[thing.colour])
