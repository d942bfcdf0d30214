"""From a drawn thing to a photo of it: a place, a stand of the camera, light, and a camera's faults."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from samekind.demo.canvas import SIDE, Colour, Points, mix, turned

_WIDE = 2 * SIDE
"""Scenes are put together at twice the finished size."""

_SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def photograph(
    thing: Image.Image, place: Image.Image | None, rng: np.random.Generator, *, turn: float, size: tuple[float, float]
) -> Image.Image:
    """One photo, SIDE x SIDE RGB, of a drawn ``thing`` (RGBA).

    ``place`` is what lies behind it; None where the thing fills the picture. ``turn`` is the greatest turn in degrees,
    ``size`` the range of its size against the picture's.
    """
    seen = _seen_from(thing, rng, turn, size)
    if place is None:
        scene = seen.convert("RGB")
    else:
        scene = place.resize((_WIDE, _WIDE), Image.Resampling.BILINEAR)
        alpha = seen.getchannel("A")
        fall = rng.uniform(4, 18, 2) * rng.choice([-1, 1], 2)
        shadow = ImageChops.offset(alpha, int(fall[0]), int(abs(fall[1]))).filter(ImageFilter.GaussianBlur(9))
        scene.paste((18, 18, 24), mask=shadow.point([round(v * 0.5) for v in range(256)]))
        scene.paste(seen.convert("RGB"), mask=alpha)
    small = scene.resize((SIDE, SIDE), Image.Resampling.BOX)
    return _developed(_lit(np.asarray(small, np.float32) / np.float32(255), rng), rng)


def garden(rng: np.random.Generator) -> Image.Image:
    """A bed of green far out of focus, sky or shade above it, with discs of light."""
    top: Colour = [(150, 190, 216), (92, 130, 84), (40, 62, 56), (196, 186, 160)][rng.integers(4)]
    low: Colour = [(60, 96, 54), (96, 110, 62), (46, 70, 60), (104, 88, 66)][rng.integers(4)]
    return _blurred_discs(rng, top, low, count=46, blur=5)


def wall(rng: np.random.Generator) -> Image.Image:
    """Oak boards or coursed stone."""
    return _boards(rng) if rng.random() < 0.5 else _stones(rng)


def _boards(rng: np.random.Generator) -> Image.Image:
    grain = _smooth_noise(rng, (110, 4), 0.12)
    boards = np.repeat(rng.uniform(0.8, 1.12, 8), SIDE // 8)
    boards[:: SIDE // 8] *= 0.4
    boards[1 :: SIDE // 8] *= 0.7
    colour: Colour = [(122, 84, 52), (92, 70, 54), (158, 122, 84)][rng.integers(3)]
    return _textured(colour, grain * boards[None, :])


def _stones(rng: np.random.Generator) -> Image.Image:
    light = _smooth_noise(rng, (60, 60), 0.09)
    tall = SIDE // 6
    for row in range(7):
        edges = np.cumsum(rng.integers(36, 80, 10)) - rng.integers(0, 40)
        top = row * tall
        light[top : top + 3] *= 0.62
        for left, right in pairwise(edges.tolist()):
            light[top : top + tall, max(left, 0) : max(right, 0)] *= rng.uniform(0.84, 1.1)
            light[top : top + tall, max(left, 0) : max(left + 3, 0)] *= 0.66
    colour: Colour = [(148, 142, 132), (122, 124, 128), (168, 148, 118)][rng.integers(3)]
    return _textured(colour, light)


def _blurred_discs(rng: np.random.Generator, top: Colour, low: Colour, count: int, blur: float) -> Image.Image:
    down = np.linspace(0, 1, SIDE // 2)
    y, x = np.mgrid[0 : SIDE // 2, 0 : SIDE // 2] / (SIDE / 4) - 1.0
    ground = np.array([mix(top, low, float(share)) for share in down], np.float32)
    light = np.repeat(ground[:, None], SIDE // 2, 1)
    for _ in range(count):
        at, radius = rng.uniform(-1.1, 1.1, 2), rng.uniform(0.06, 0.24)
        inside = (x - at[0]) ** 2 + (y - at[1]) ** 2 < radius**2
        tint = np.array(mix(mix(top, low, rng.random()), (236, 230, 170), rng.uniform(0, 0.45)), np.float32)
        light[inside] += (tint * rng.uniform(0.6, 1.25) - light[inside]) * 0.5
    picture = Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))
    return picture.filter(ImageFilter.GaussianBlur(blur * rng.uniform(0.5, 1.3)))


def _textured(colour: Colour, light: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.clip(light[..., None] * np.array(colour), 0, 255).astype(np.uint8))


def _smooth_noise(rng: np.random.Generator, cells: tuple[int, int], strength: float) -> NDArray[np.float64]:
    """(SIDE, SIDE) about 1: noise drawn on ``cells`` (across, down) and stretched."""
    coarse = rng.normal(0, 1, (cells[1], cells[0])).astype(np.float32)
    stretched = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(1 + strength * (np.asarray(stretched, np.float64) + 0.4 * rng.normal(0, 1, (SIDE, SIDE))))


def _seen_from(thing: Image.Image, rng: np.random.Generator, turn: float, size: tuple[float, float]) -> Image.Image:
    """The thing as a camera sees it that stands a little aside and holds a little askew."""
    corners = turned(_SQUARE * rng.uniform(*size), np.deg2rad(rng.uniform(-turn, turn)))
    slack = max(0.0, 1 - float(np.abs(corners).max()))
    corners = corners + rng.uniform(-0.08, 0.08, (4, 2)) + rng.uniform(-1, 1, 2) * (slack * 0.7 + 0.03)
    target = (corners + 1) * (_WIDE / 2)
    source = (_SQUARE + 1) * (thing.width / 2)
    return thing.transform(
        (_WIDE, _WIDE), Image.Transform.PERSPECTIVE, _homography(target, source), Image.Resampling.BILINEAR
    )


def _homography(source: Points, target: Points) -> list[float]:
    """The eight numbers that take four points to four others, as Pillow wants them."""
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return [float(number) for number in np.linalg.solve(np.array(rows), np.array(right))]


def _lit(light: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Light from one side, warm or cold, sometimes with a gleam."""
    y, x = (np.mgrid[0:SIDE, 0:SIDE] / (SIDE / 2) - 1).astype(np.float32)
    way = rng.uniform(0, 2 * np.pi)
    slope = 1 + rng.uniform(0.05, 0.35) * (x * np.cos(way) + y * np.sin(way))
    warmth = rng.normal(0, 0.09)
    tint = np.array([1 + warmth, 1 + rng.normal(0, 0.02), 1 - warmth], np.float32)
    lit = light ** rng.uniform(0.8, 1.3) * slope[..., None] * tint * rng.uniform(0.75, 1.15)
    if rng.random() < 0.4:
        at = rng.uniform(-0.8, 0.8, 2)
        gleam = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / rng.uniform(0.05, 0.4))
        lit = lit + rng.uniform(0.08, 0.3) * gleam[..., None]
    return np.asarray(lit, np.float32)


def _developed(light: NDArray[np.float32], rng: np.random.Generator) -> Image.Image:
    """Out of focus a little, with noise of the sensor."""
    noisy = light + rng.normal(0, rng.uniform(0.003, 0.018), light.shape)
    picture = Image.fromarray((np.clip(noisy, 0, 1) * 255).astype(np.uint8))
    return picture.filter(ImageFilter.GaussianBlur(max(0.0, rng.normal(0.5, 0.5))))
