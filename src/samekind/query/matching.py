"""Where two pictures look alike: patches of the one compared with patches of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.patches import Patches
from samekind.encoders.rows import unit_rows
from samekind.errors import UsageError
from samekind.pictures.views import Box, View

POINTS = 5
_APART = 0.15
_LEAST = 0.5
_SOFT = (0.25, 0.5, 0.25)

Map = NDArray[np.float32]
"""(rows, columns) float32."""


@dataclass(frozen=True)
class Pair:
    """Two places that correspond, (x, y) of the query's picture and of the hit's, in shares of width and height.

    ``strength`` (0..1) is how much the two stand out there, the most that do at 1.
    """

    asked: tuple[float, float]
    found: tuple[float, float]
    strength: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "query": [round(share, 4) for share in self.asked],
            "hit": [round(share, 4) for share in self.found],
            "strength": round(self.strength, 4),
        }


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two pictures: its ``heat``, 0..1, and the ``area`` that the map covers, in shares of the picture."""

    heat: Map
    area: Box

    @property
    def peak(self) -> tuple[float, float]:
        """(x, y) of the hottest cell's middle, in shares of the picture."""
        return self.at(int(self.heat.argmax()))

    def at(self, cell: int) -> tuple[float, float]:
        """(x, y) of a cell's middle; cells are numbered row by row."""
        row, column = divmod(cell, self.heat.shape[1])
        across = self.area.left + (column + 0.5) / self.heat.shape[1] * self.area.width
        down = self.area.top + (row + 0.5) / self.heat.shape[0] * self.area.height
        return across, down

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; the heat row by row."""
        rows = [[round(float(value), 3) for value in row] for row in self.heat]
        peak = [round(share, 4) for share in self.peak]
        return {"peak": peak, "area": self.area.to_dict(), "heat": rows}


@dataclass(frozen=True, eq=False)
class Match:
    """How two pictures correspond, by the patches of ``network``; ``pairs`` the strongest first."""

    network: str
    asked: Side
    found: Side
    pairs: tuple[Pair, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "network": self.network,
            "query": self.asked.to_dict(),
            "hit": self.found.to_dict(),
            "pairs": [pair.to_dict() for pair in self.pairs],
        }


def matched(asked: Patches, found: Patches, blank: Patches) -> tuple[Map, Map, list[tuple[int, int, float]]]:
    """Heat 0..1 over the query's and the hit's patches, and pairs (cell, cell, strength) of them.

    Patches (rows, columns, d) are centred on their common mean. A patch stands out by its best cosine to the other
    picture, less its mean cosine to its own (what is everywhere explains nothing) and less its best cosine to the
    patches of a ``blank`` picture (what a network says whatever it is shown). The map is softened over neighbouring
    cells; heat is 0 at its middle value, 1 at its peak. Pairs are mutual nearest neighbours that lie apart. Ours.
    Raises UsageError for patches of different networks.
    """
    if not asked.shape[2] == found.shape[2] == blank.shape[2]:
        raise UsageError(f"Patches of {asked.shape[2]}, {found.shape[2]} and {blank.shape[2]} numbers do not compare.")
    rows = [one.reshape(-1, one.shape[2]) for one in (asked, found, blank)]
    middle = np.concatenate(rows[:2]).mean(axis=0)
    ours, theirs, nothing = (unit_rows(one - middle) for one in rows)
    cosines = ours @ theirs.T
    hot = _heat(cosines.max(axis=1), ours, nothing, asked.shape[:2])
    warm = _heat(cosines.max(axis=0), theirs, nothing, found.shape[:2])
    return hot, warm, _pairs(cosines, hot, warm)


def match_of(network: str, view: View, patches: tuple[Patches, Patches, Patches], sizes: tuple[Any, Any]) -> Match:
    """The match of two pictures, ``sizes`` (width, height) each, seen by ``view``, from their patches and a blank's."""
    hot, warm, pairs = matched(*patches)
    asked, found = (Side(heat, area_of(view, *size)) for heat, size in zip((hot, warm), sizes, strict=True))
    return Match(network, asked, found, tuple(Pair(asked.at(a), found.at(b), strength) for a, b, strength in pairs))


def softened(values: Map) -> Map:
    """A map, each cell with its neighbours by binomial weights; cells at the edge are repeated."""
    padded = np.pad(values, 1, mode="edge")
    rows = sum(weight * padded[n : n + values.shape[0]] for n, weight in enumerate(_SOFT))
    soft = sum(weight * rows[:, n : n + values.shape[1]] for n, weight in enumerate(_SOFT))  # type: ignore[index, misc]
    return np.asarray(soft, np.float32)


def _heat(best: NDArray[np.float32], own: NDArray[np.float32], nothing: NDArray[np.float32], shape: Any) -> Map:
    common = own @ own.mean(axis=0)  # the mean of a cell's cosines to all cells
    values = softened((best - common - (own @ nothing.T).max(axis=1)).reshape(shape))
    low, high = float(np.median(values)), float(values.max())
    return np.asarray(np.clip((values - low) / max(high - low, 1e-6), 0, 1), np.float32)


def _pairs(cosines: NDArray[np.float32], hot: Map, warm: Map) -> list[tuple[int, int, float]]:
    forward, back = cosines.argmax(axis=1), cosines.argmax(axis=0)
    cells = np.flatnonzero(back[forward] == np.arange(len(forward)))
    strengths = np.minimum(hot.ravel()[cells], warm.ravel()[forward[cells]])
    chosen: list[tuple[int, int, float]] = []
    for n in np.argsort(-strengths, kind="stable"):
        cell, other, strength = int(cells[n]), int(forward[cells[n]]), float(strengths[n])
        if strength < _LEAST or len(chosen) == POINTS:
            break
        if all(_far(cell, a, hot) and _far(other, b, warm) for a, b, _ in chosen):
            chosen.append((cell, other, strength))
    return chosen


def _far(one: int, other: int, of: Map) -> bool:
    """Whether two cells of a map are so far apart that both are worth showing."""
    (row, column), (row2, column2) = divmod(one, of.shape[1]), divmod(other, of.shape[1])
    return bool(np.hypot((row - row2) / of.shape[0], (column - column2) / of.shape[1]) >= _APART)


def area_of(view: View, width: int, height: int) -> Box:
    """What a view covers of a picture, in shares of it."""
    whole = view.to_picture(Box(0, 0, view.side, view.side), width, height)
    return Box(whole.left / width, whole.top / height, whole.width / width, whole.height / height)
