"""Flowers: family > species > variety."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from samekind.demo.canvas import Canvas, Colour, Points, arc, mix, petal, ring, turned


@dataclass(frozen=True)
class Variety:
    """Colours of a petal's edge and of its base, and of the middle of the flower."""

    edge: Colour
    base: Colour
    heart: Colour


VARIETIES: dict[str, Variety] = {
    "snow": Variety((246, 246, 240), (226, 232, 208), (232, 188, 60)),
    "rose": Variety((236, 140, 170), (200, 66, 120), (246, 214, 120)),
    "dusk": Variety((140, 110, 206), (84, 56, 150), (240, 200, 90)),
    "ember": Variety((244, 170, 60), (206, 82, 40), (110, 50, 34)),
    "wine": Variety((160, 40, 70), (96, 20, 48), (230, 190, 110)),
}
_LEAF = (70, 120, 62)
_DARK_LEAF = (40, 84, 50)


@dataclass(frozen=True)
class Bloom:
    """Where a flower head stands, how large it is and how far it is turned."""

    canvas: Canvas
    colours: Variety
    centre: Points
    size: float
    turn: float
    rng: np.random.Generator

    def petals(
        self, outline: Points, count: int, *, start: float = 0, near: Colour, far: Colour, veins: int = 0
    ) -> None:
        """A whorl of petals, each a little different, shaded from ``near`` the middle to ``far`` from it."""
        step = 2 * np.pi / count
        for n in range(count):
            angle = self.turn + start + n * step + self.rng.normal(0, 0.06 * step)
            stretch = np.array([1.0, self.rng.normal(1, 0.03)])
            self.leaf(outline * stretch, angle, near, far, veins)

    def leaf(self, outline: Points, angle: float, near: Colour, far: Colour, veins: int = 0) -> None:
        """One petal at ``angle``, with a darker rim and a lighter face."""
        face = np.array([0.0, -0.5]) + (outline - [0, -0.5]) * 0.93
        self._fill(outline, angle, mix(near, far, 0.3))
        self._fill(face, angle, far)
        for share in (0.8, 0.6, 0.42):
            self._fill(outline * [share, share], angle, mix(near, far, share))
        half = float(np.abs(outline[:, 0]).max())
        for vein in np.linspace(-0.5, 0.5, veins):
            line = arc((0, -0.1), (vein * half * 1.6, -0.5), (vein * half, -0.82))
            self.canvas.line(self.placed(line, angle), mix(near, far, 0.35), 0.008 * self.size)

    def disc(self, radius: float, colour: Colour, at: tuple[float, float] = (0, 0)) -> None:
        """A round spot in the flower's own measure."""
        self._fill(ring(32) * radius + np.asarray(at), 0, colour)

    def dots(self, count: int, inner: float, outer: float, radius: float, colour: Colour) -> None:
        """Seeds or anthers on a sunflower spiral between two radii."""
        n = np.arange(count)
        reach = inner + (outer - inner) * np.sqrt((n + 0.5) / count)
        for angle, far in zip(n * 2.39996 + self.turn, reach, strict=True):
            self.disc(radius, colour, (far * np.sin(angle), -far * np.cos(angle)))

    def stamens(self, count: int, length: float, colour: Colour) -> None:
        """Threads with an anther at the end of each."""
        for angle in self.turn + np.arange(count) * 2 * np.pi / count + 0.3:
            thread = turned(arc((0, 0), (0.04, -length / 2), (0, -length)), angle)
            self.canvas.line(self.placed(thread), mix(self.colours.edge, (255, 255, 240), 0.6), 0.022 * self.size)
            self._fill(turned(ring(16) * [0.05, 0.03] + [0, -length], angle), 0, colour)

    def placed(self, points: Points, angle: float = 0) -> Points:
        """Points of the flower's own measure on the canvas."""
        return turned(points, angle) * self.size + self.centre

    def _fill(self, points: Points, angle: float, colour: Colour) -> None:
        self.canvas.fill(self.placed(points, angle), colour)


def _oxeye(bloom: Bloom) -> None:
    c = bloom.colours
    for start in (0.0, 0.15):
        bloom.petals(petal(0.2, 0.66, 0.6), 21, start=start, near=c.base, far=c.edge, veins=2)
    bloom.disc(0.3, mix(c.heart, (90, 60, 20), 0.3))
    bloom.dots(90, 0.0, 0.27, 0.022, mix(c.heart, (255, 250, 200), 0.25))


def _cosmos(bloom: Bloom) -> None:
    c = bloom.colours
    bloom.petals(petal(0.7, 0.74, 0.7, notch=0.1), 8, near=c.base, far=c.edge, veins=5)
    bloom.disc(0.17, mix(c.heart, (120, 80, 20), 0.2))
    bloom.dots(40, 0.0, 0.15, 0.02, mix(c.heart, (80, 50, 10), 0.5))


def _gazania(bloom: Bloom) -> None:
    c = bloom.colours
    bloom.petals(petal(0.4, 0.55, 1.0), 14, near=c.base, far=c.edge)
    bloom.petals(
        petal(0.24, 0.55, 1.0) * 0.55, 14, near=mix(c.base, (30, 16, 24), 0.75), far=mix(c.base, (30, 16, 24), 0.5)
    )
    bloom.disc(0.22, mix(c.heart, (60, 40, 10), 0.4))
    bloom.dots(50, 0.0, 0.19, 0.022, c.heart)


def _madonna(bloom: Bloom) -> None:
    c = bloom.colours
    for start, wide in ((0.0, 0.62), (np.pi / 3, 0.5)):
        bloom.petals(petal(wide, 0.56, 0.95), 3, start=start, near=c.base, far=c.edge, veins=3)
    bloom.disc(0.12, mix(c.base, (120, 160, 80), 0.6))
    bloom.stamens(6, 0.48, mix(c.heart, (140, 70, 20), 0.5))


def _tiger(bloom: Bloom) -> None:
    c = bloom.colours
    bloom.petals(petal(0.36, 0.46, 1.25), 6, near=c.base, far=c.edge, veins=1)
    spot = mix(c.base, (30, 10, 20), 0.75)
    for angle in bloom.turn + np.arange(6) * np.pi / 3:
        for far in np.linspace(0.22, 0.62, 5):
            for side in (-0.07, 0.07):
                at = turned(np.array([[side * (1.1 - far), -far]]), angle)[0]
                bloom.disc(0.02, spot, (at[0], at[1]))
    bloom.stamens(6, 0.7, mix(c.heart, (100, 40, 20), 0.6))


def _crocus(bloom: Bloom) -> None:
    c = bloom.colours
    bloom.petals(petal(0.74, 0.6, 0.72), 3, start=np.pi / 3, near=c.base, far=mix(c.base, c.edge, 0.7), veins=5)
    bloom.petals(petal(0.64, 0.6, 0.72) * 0.88, 3, near=c.base, far=c.edge, veins=5)
    bloom.disc(0.1, mix(c.base, (40, 20, 40), 0.4))
    bloom.stamens(3, 0.3, c.heart)


def _briar(bloom: Bloom) -> None:
    c = bloom.colours
    bloom.petals(petal(1.08, 0.7, 0.6, notch=0.16), 5, near=mix(c.base, (255, 255, 240), 0.5), far=c.edge, veins=5)
    bloom.disc(0.14, mix((190, 200, 90), c.heart, 0.4))
    bloom.dots(44, 0.16, 0.34, 0.02, mix(c.heart, (120, 70, 10), 0.15))


def _tea_rose(bloom: Bloom) -> None:
    c = bloom.colours
    for n, size in enumerate(np.linspace(1, 0.16, 11)):
        shade = n / 10
        outer, inner = mix(c.edge, c.base, shade * 0.7), mix(c.base, (40, 10, 20), shade * 0.4)
        bloom.petals(petal(1.15, 0.66, 0.55) * size, 3, start=n * 1.05, near=inner, far=outer)


def _ranunculus(bloom: Bloom) -> None:
    c = bloom.colours
    for n, size in enumerate(np.linspace(1, 0.2, 8)):
        near, far = mix(c.base, c.edge, 0.1), mix(c.edge, c.base, 0.09 * n)
        bloom.petals(petal(0.62, 0.8, 0.5) * size, 9, start=n * 0.35, near=near, far=far)
    bloom.disc(0.13, mix((96, 130, 60), c.heart, 0.25))
    bloom.dots(24, 0.0, 0.11, 0.018, mix((60, 90, 40), c.heart, 0.15))


def _bell(width: float, flare: float, lobes: int) -> Points:
    """The outline of a bell that hangs down from the origin, height 1."""
    down = np.linspace(0, 1, 14)
    half = width / 2 * (np.sin(np.pi / 2 * np.minimum(1, down / 0.45)) * 0.8 + flare * down**3)
    right = np.stack([half, down], 1)
    across = np.linspace(1, -1, 6 * lobes + 1)
    mouth = np.stack([across * half[-1], 1 + 0.1 * np.abs(np.sin(across * np.pi * lobes / 2))], 1)
    return np.concatenate([right, mouth, right[::-1] * [-1, 1]])


def _spike(bloom: Bloom, outline: Points, count: int, size: float, *, both: bool, lip: float, spots: bool) -> None:
    """Bells along a stem, the lowest first and largest."""
    c = bloom.colours
    stem = arc((-0.1, 1.9), (0.16 if both else -0.4, 0.0), (0.0 if both else 0.5, -0.92), 40)
    bloom.canvas.line(bloom.placed(stem), _DARK_LEAF, 0.04 * bloom.size)
    bloom.canvas.line(np.stack([bloom.placed(stem[0]), [bloom.centre[0] * 0.2, 1.2]]), _DARK_LEAF, 0.04 * bloom.size)
    for n, along in enumerate(np.linspace(17, 37, count)):
        top = stem[int(along)]
        side = (-1 if n % 2 else 1) if both else (1 if n % 3 else -1)
        lean = side * bloom.rng.uniform(0.35, 0.6)
        scale = size * (1.15 - 0.5 * n / count)
        hang = top + np.array([side * 0.1, 0.06])
        bloom.canvas.line(bloom.placed(arc(top, top + np.array([side * 0.1, -0.06]), hang)), _LEAF, 0.03 * bloom.size)
        for share, colour in ((1.0, mix(c.base, c.edge, 0.35)), (0.9, c.edge), (0.62, mix(c.edge, c.base, 0.3))):
            bloom.canvas.fill(bloom.placed(turned(outline * [share, 0.98], -lean) * scale + hang), colour)
        wide = float(outline[:, 0].max())
        mouth = ring(28) * [wide * 0.8, lip] + [0, 0.98]
        bloom.canvas.fill(bloom.placed(turned(mouth, -lean) * scale + hang), mix(c.base, (40, 20, 40), 0.35))
        if spots:
            for spot in np.linspace(-0.5, 0.5, 4):
                at = turned(np.array([[spot * wide, 0.98 + lip * 0.3]]), -lean)[0] * scale + hang
                bloom.canvas.disc(bloom.placed(at), 0.014 * bloom.size, mix(c.edge, (255, 255, 255), 0.5))
        cap = turned(ring(16) * [0.12, 0.08], -lean) * scale + hang
        bloom.canvas.fill(bloom.placed(cap), _LEAF)


def _bluebell(bloom: Bloom) -> None:
    _spike(bloom, _bell(0.42, 0.45, 3), 7, 0.52, both=False, lip=0.08, spots=False)


def _foxglove(bloom: Bloom) -> None:
    _spike(bloom, _bell(0.6, 0.15, 2), 11, 0.5, both=True, lip=0.16, spots=True)


def _harebell(bloom: Bloom) -> None:
    _spike(bloom, _bell(1.0, 0.1, 5), 4, 0.62, both=True, lip=0.1, spots=False)


SPECIES: dict[str, dict[str, Callable[[Bloom], None]]] = {
    "daisies": {"oxeye": _oxeye, "cosmos": _cosmos, "gazania": _gazania},
    "lilies": {"madonna lily": _madonna, "tiger lily": _tiger, "crocus": _crocus},
    "roses": {"briar": _briar, "tea rose": _tea_rose, "ranunculus": _ranunculus},
    "bells": {"bluebell": _bluebell, "foxglove": _foxglove, "harebell": _harebell},
}

_GROWN = ("snow", "rose", "dusk"), ("ember", "rose", "snow"), ("wine", "dusk", "ember")

KINDS: tuple[tuple[str, str, str], ...] = tuple(
    (family, species, variety)
    for family, members in SPECIES.items()
    for species, grown in zip(members, _GROWN, strict=True)
    for variety in grown
)
"""Every (family, species, variety) that is drawn: three species a family, three varieties a species."""


def draw(kind: tuple[str, str, str], rng: np.random.Generator) -> Image.Image:
    """One plant on a transparent ground (RGBA): stem, leaves, one flower and sometimes a second one behind it."""
    family, species, variety = kind
    canvas = Canvas()
    head = SPECIES[family][species]
    _leaves(canvas, rng)
    if rng.random() < 0.4:
        _flower(canvas, family, head, VARIETIES[variety], rng, size=0.36, centre=(rng.choice([-0.5, 0.52]), -0.48))
    _flower(canvas, family, head, VARIETIES[variety], rng, size=rng.uniform(0.56, 0.66), centre=(0, -0.12))
    return canvas.image


def _flower(
    canvas: Canvas,
    family: str,
    head: Callable[[Bloom], None],
    colours: Variety,
    rng: np.random.Generator,
    size: float,
    centre: tuple[float, float],
) -> None:
    at = np.array(centre) + rng.normal(0, 0.05, 2)
    if family != "bells":
        canvas.line(arc(at, at + np.array([rng.normal(0, 0.1), 0.5]), (rng.normal(0, 0.15), 1.2)), _DARK_LEAF, 0.05)
    head(Bloom(canvas, colours, at, size, rng.uniform(0, 2 * np.pi), rng))


def _leaves(canvas: Canvas, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(2, 5))):
        blade = petal(rng.uniform(0.2, 0.34), 0.4, 1.1) * rng.uniform(0.8, 1.2)
        angle = rng.choice([-1, 1]) * rng.uniform(0.3, 1.2)
        foot = np.array([rng.normal(0, 0.1), 0.95])
        colour = mix(_LEAF, _DARK_LEAF, rng.random())
        canvas.fill(turned(blade, angle) + foot, colour)
        canvas.fill(turned(blade * [0.5, 0.95] + [0.03, 0], angle) + foot, mix(colour, (170, 200, 120), 0.22))
