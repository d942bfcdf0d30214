"""Whether two pictures show the very same thing: patches that are most like each other must agree on where they lie.

A geometric check of matches, as of duplicates and of instances: pairs of patches that are each other's nearest, one
similarity (moved, scaled, turned, mirrored) that most of them follow with their neighbours, and a second look from
nearby at what follows it. After GEMINI's geometry-checked dense matches; the second look is ours.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Pixels
from samekind.encoders.patches import Patches, PatchNetwork
from samekind.encoders.rows import unit_rows
from samekind.pictures.views import Box, crop
from samekind.query.matching import area_of

SURE = 0.2
"""From this score on it is the very same thing; benchmarks/geometry.py says how often that is wrong."""

_CONTRAST = 4.0
_LEAST = 0.125
_BESIDE = 2
_NEXT = _APART = 1.5
_SCALES = 4.0
_WORK = 1 << 21

Places = NDArray[np.complex128]
"""(n,) places in a picture, x + iy in pixels."""


@dataclass(frozen=True)
class Similarity:
    """A map of places in one picture to places in another: ``turn * z + shift``.

    Left and right of z are exchanged first where it is ``mirrored``.
    """

    turn: complex
    shift: complex
    mirrored: bool

    def __call__(self, places: Places) -> Places:
        """Where these places come to lie."""
        return self.turn * _faced(places, self.mirrored) + self.shift

    def refined(self, start: Places, end: Places) -> Similarity:
        """The one of its kind that brings these places nearest to those, by least squares."""
        places = _faced(start, self.mirrored)
        before, after = places - places.mean(), end - end.mean()
        turn = complex(np.vdot(before, after) / np.vdot(before, before))
        return Similarity(turn, complex(end.mean() - turn * places.mean()), self.mirrored)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; degrees clockwise."""
        degrees = math.degrees(cmath.phase(self.turn))
        return {"scale": round(abs(self.turn), 4), "degrees": round(degrees, 2), "mirrored": self.mirrored}


@dataclass(frozen=True)
class Same:
    """How far two pictures show the very same thing.

    ``score`` is 0..1: the cosines of the ``agreeing`` of ``pairs`` of patches (they follow one similarity, and so
    do two neighbours of each), summed, over how many patches show something, in the picture where fewer do, and over
    an eighth of the grid at least. A picture and itself have 1.
    ``asked`` and ``found`` are the boxes round the agreeing patches, in pixels of the query's picture (of its crop) and
    of the hit. Where nothing agrees, these and ``similarity`` are None.
    """

    score: float
    agreeing: int
    pairs: int
    similarity: Similarity | None
    asked: Box | None
    found: Box | None

    @property
    def sure(self) -> bool:
        """Whether it can be said."""
        return self.score >= SURE

    @property
    def mirrored(self) -> bool:
        """Whether it is seen as in a mirror."""
        return self.similarity is not None and self.similarity.mirrored

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "score": round(self.score, 4),
            "sure": self.sure,
            "agreeing": self.agreeing,
            "pairs": self.pairs,
            "similarity": self.similarity.to_dict() if self.similarity else None,
            "query": self.asked.to_dict() if self.asked else None,
            "hit": self.found.to_dict() if self.found else None,
        }


def same_in(network: PatchNetwork, asked: Pixels, found: Pixels, patches: tuple[Patches, Patches]) -> Same:
    """How far pictures (h, w, 3) show the very same thing, from their patches.

    Unless that is sure, what agrees is cut out of both and seen once more, so that a small thing fills the grid.
    """
    whole = [Box(0, 0, one.shape[1], one.shape[0]) for one in (asked, found)]
    first = agreement(*(Seen.of(network, *one) for one in zip((asked, found), whole, patches, strict=True)))
    if first.sure or first.asked is None or first.found is None:
        return first
    parts = ((crop(asked, first.asked), first.asked), (crop(found, first.found), first.found))
    closer = agreement(*(Seen.of(network, pixels, box, network(pixels)) for pixels, box in parts))
    return max(first, closer, key=lambda same: same.score)


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network sees of the part of a picture that ``box`` (pixels) cuts out.

    Its ``patches`` (rows, columns, d), the ``area`` of the picture that they cover, in pixels, and which of them show
    something: the others have no more contrast than an empty background, and so match any other such.
    """

    patches: Patches
    box: Box
    area: Box
    shows: NDArray[np.bool_]

    @classmethod
    def of(cls, network: PatchNetwork, pixels: Pixels, box: Box, patches: Patches) -> Seen:
        """Of the pixels in the box, and their patches."""
        share = area_of(network.view, pixels.shape[1], pixels.shape[0])
        left, top = box.left + share.left * box.width, box.top + share.top * box.height
        area = Box(left, top, share.width * box.width, share.height * box.height)
        grey = network.view.apply(pixels).mean(axis=2)
        cells = [np.array_split(row, patches.shape[1], axis=1) for row in np.array_split(grey, patches.shape[0])]
        shows = np.array([[cell.std() > _CONTRAST for cell in row] for row in cells])
        return cls(patches, box, area, shows)

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of a cell in pixels."""
        return self.area.width / self.patches.shape[1], self.area.height / self.patches.shape[0]

    def rows(self) -> tuple[NDArray[np.float32], Places]:
        """(n, d) patches that show something, and their middles."""
        rows, columns = self.shows.shape
        across = self.area.left + (np.arange(columns) + 0.5) * self.cell[0]
        down = self.area.top + (np.arange(rows) + 0.5) * self.cell[1]
        return self.patches[self.shows], (across + 1j * down[:, None])[self.shows]


def agreement(asked: Seen, found: Seen) -> Same:
    """How far what was seen of two pictures is the very same thing."""
    (rows, places), (other_rows, other_places) = asked.rows(), found.rows()
    if not len(rows) or not len(other_rows):
        return Same(0.0, 0, 0, None, None, None)
    middle = np.concatenate([rows, other_rows]).mean(axis=0)
    cosines = unit_rows(rows - middle) @ unit_rows(other_rows - middle).T
    forward, back = cosines.argmax(axis=1), cosines.argmax(axis=0)
    ours = np.flatnonzero((back[forward] == np.arange(len(forward))) & (cosines.max(axis=1) > 0))
    start, end, worth = places[ours], other_places[forward[ours]], cosines[ours, forward[ours]]
    reach = math.sqrt(math.prod(asked.cell)), math.sqrt(math.prod(found.cell))
    similarity, agrees = fitted(start, end, worth, reach)
    if similarity is None:
        return Same(0.0, 0, len(ours), None, None, None)
    in_cells = start[agrees].real / asked.cell[0] + 1j * (start[agrees].imag / asked.cell[1])
    agrees[agrees] = (abs(in_cells[:, None] - in_cells) < _NEXT).sum(axis=1) > _BESIDE  # itself is near, too
    if not agrees.any():
        return Same(0.0, 0, len(ours), None, None, None)
    if agrees.sum() > _BESIDE:
        similarity = similarity.refined(start[agrees], end[agrees])
    few = asked.shows.size * _LEAST
    score = float(worth[agrees].sum()) / max(few, min(len(rows), len(other_rows)))
    boxes = _around(start[agrees], asked), _around(end[agrees], found)
    return Same(min(score, 1.0), int(agrees.sum()), len(ours), similarity, *boxes)


def fitted(
    start: Places, end: Places, worth: NDArray[np.float32], cells: tuple[float, float]
) -> tuple[Similarity | None, NDArray[np.bool_]]:
    """The similarity from ``start`` to ``end`` (n,) that pairs worth most follow, to a cell, and which do (n,).

    Each two pairs that lie apart give one; all are tried, or a fixed sample where they are too many (RANSAC; Fischler
    and Bolles, 1981). ``cells`` are the sides of a cell in both pictures, in pixels. None where no two pairs lie apart.
    """
    best: tuple[float, Similarity | None, NDArray[np.bool_]] = 0.0, None, np.zeros(len(start), np.bool_)
    first, second = np.triu_indices(len(start), 1)
    for mirrored in (False, True):
        places = _faced(start, mirrored)
        before, after = places[second] - places[first], end[second] - end[first]
        apart = np.flatnonzero((abs(before) > _APART * cells[0]) & (abs(after) > _APART * cells[1]))
        if len(apart) > (most := _WORK // len(start)):
            apart = np.random.default_rng(0).permutation(apart)[:most]
        turns = after[apart] / before[apart]
        scales = abs(turns) * cells[0] / cells[1]
        usual = (scales > 1 / _SCALES) & (scales < _SCALES)
        turns, through = turns[usual], first[apart[usual]]
        if not len(turns):
            continue
        shifts = end[through] - turns * places[through]
        reach = np.maximum(cells[1], abs(turns) * cells[0])
        agrees = abs(turns[:, None] * places + (shifts[:, None] - end)) <= reach[:, None]
        worths = agrees @ worth
        n = int(worths.argmax())
        if worths[n] > best[0]:
            best = float(worths[n]), Similarity(complex(turns[n]), complex(shifts[n]), mirrored), agrees[n]
    return best[1:]


def _faced(places: Places, mirrored: bool) -> Places:
    """With left and right exchanged, if so."""
    return -places.conj() if mirrored else places


def _around(places: Places, seen: Seen) -> Box:
    """The cells at these places and their neighbours, whole pixels within what was seen."""
    across, down = seen.cell
    left, right = places.real.min() - 1.5 * across, places.real.max() + 1.5 * across
    top, bottom = places.imag.min() - 1.5 * down, places.imag.max() + 1.5 * down
    left, top = max(seen.box.left, math.floor(left)), max(seen.box.top, math.floor(top))
    right = min(seen.box.left + seen.box.width, math.ceil(right))
    bottom = min(seen.box.top + seen.box.height, math.ceil(bottom))
    return Box(left, top, right - left, bottom - top)
