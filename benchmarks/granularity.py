"""Does --granularity put pictures of the same wider kind first, and what does it cost the finest kind?

    python benchmarks/granularity.py

Every set in its tuned space, protocol own: all of its pictures are fitted on and searched. Ways to pull a query towards
what lies around it are compared on grocery and on the demo's drawn world; the one that the product uses is then
measured on the confirming sets that have parent classes.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import SHARED, save
from numpy.typing import NDArray
from spaces import METRICS, Values, points, tuned

from samekind import Encoder, load_encoder
from samekind.adapt.gather import Gathered
from samekind.adapt.kinds import find_kinds
from samekind.demo.world import THEMES, draw_world
from samekind.encoders.rows import Array, unit_rows
from samekind.evaluation import protocols
from samekind.evaluation.compare import differences
from samekind.evaluation.labels import read_labels
from samekind.evaluation.metrics import score
from samekind.evaluation.ranking import Codes, rank
from samekind.evaluation.vectors import vectors_of
from samekind.events import Job
from samekind.query.wider import around, pulled
from samekind.settings import resolve

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
CHOSEN_ON, CONFIRMED_ON = "grocery", ("omniglot", "ikea")
DEEP = 64
"""So many candidates are looked at for neighbours that are no copies."""


@dataclass(frozen=True, eq=False)
class Set:
    """Queries (q, d) and pictures (g, d) in the searched space, what hubs lose (g,), and who is near to whom.

    ``near``: for each query the gallery numbers of its nearest pictures, best first, its copies left out; ``chosen``:
    those that the product pulls it towards. ``labels``: name -> codes of queries and gallery.
    """

    name: str
    queries: Array
    gallery: Array
    hubs: Array
    own: NDArray[np.int64]
    near: list[NDArray[np.intp]]
    chosen: list[NDArray[np.intp]]
    labels: Mapping[str, tuple[Codes, Codes]]

    @staticmethod
    def of(folder: Path, encoder: Encoder, confirmed: bool = False) -> Set:
        """A labelled folder, tuned as a collection is."""
        (labelled,) = read_labels([folder])
        found = Job(vectors_of(labelled, encoder, resolve())).result()
        labelled, found = labelled.take(found.rows), found.keep(found.rows)
        task = protocols.task_of(labelled, "own")
        look, views, view_rows = found.take(task.fit)
        space = tuned([Gathered(labelled.name, look, views, view_rows, ())], encoder.parts).space
        if space is None:
            raise SystemExit(f"{labelled.name} is not helped by tuning; this benchmark has no plain sets")
        asked, stored = space.asked(found.look[task.queries]), space.stored(found.look[task.gallery])
        nearest = rank(asked, stored, task.own, {}, DEEP).top
        plain, theirs = found.look[task.queries], found.look[task.gallery]
        near = [row[(row >= 0) & (theirs[row] @ one < 0.99)] for row, one in zip(nearest, plain, strict=True)]
        chosen = [
            row[around(theirs[row], one[None])]
            for row, one in zip((row[row >= 0] for row in nearest), plain, strict=True)
        ]
        columns = {"kind": labelled.labels, "parent": labelled.coarse}
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as lines:
            middle = {row["path"]: row["middle"] for row in csv.DictReader(lines) if row.get("middle")}
        if middle:
            columns["middle"] = tuple(middle[path] for path in labelled.paths)
        codes = {name: _codes(values) for name, values in columns.items()}
        labels = {name: (one[task.queries], one[task.gallery]) for name, one in codes.items()}
        name = f"{labelled.name}{' (confirming)' if confirmed else ''}"
        return Set(name, asked[:, :-1], stored[:, :-1], stored[:, -1:], task.own, near, chosen, labels)

    def values(self, queries: Array) -> dict[str, Values]:
        """Recall@1 and MAP@R of every query, by each kind of label."""
        asked = np.hstack([queries, np.ones((len(queries), 1), np.float32)])
        found = rank(asked, np.hstack([self.gallery, self.hubs]), self.own, self.labels, 1).found
        return {name: {metric: score(one)[metric] for metric in METRICS} for name, one in found.items()}


Way = Callable[[Set, float], Array]


def as_product(one: Set, level: float) -> Array:
    """Six neighbours, weights cos^3, that count more and more."""
    return np.stack([pulled(q, one.gallery[rows], level) for q, rows in zip(one.queries, one.chosen, strict=True)])


def more_neighbours(one: Set, level: float) -> Array:
    """Up to eight neighbours, weights cos^3, more and more of them."""
    rows = [near[: round(8 * level)] for near in one.near]
    return np.stack([pulled(q, one.gallery[some], 1) for q, some in zip(one.queries, rows, strict=True)])


def warmer(one: Set, level: float) -> Array:
    """Sixteen neighbours, four fifths of the query, weighted by a softmax of a temperature up to .1."""
    if not level:
        return one.queries
    made = []
    for q, near in zip(one.queries, one.near, strict=True):
        cosines = one.gallery[near[:16]] @ q
        weights = np.exp((cosines - cosines.max()) / (0.1 * level))
        made.append(0.2 * q + 0.8 * (weights / weights.sum()) @ one.gallery[near[:16]])
    return unit_rows(np.stack(made))


def kinds(one: Set, level: float, steps: float = 0.5) -> Array:
    """On the way from the query to the middle of its finest kind, and on to that of a coarser one, up to half."""
    found = find_kinds(unit_rows(one.gallery), 0).levels
    inside = [level.centroids for level in reversed(found)]
    middles = [one.queries] + [each[np.argmax(one.queries @ each.T, axis=1)] for each in inside]
    place = level * len(inside)
    at = min(int(place), len(inside) - 1)
    middle = (1 - (place - at)) * middles[at] + (place - at) * middles[at + 1]
    return unit_rows((1 - steps * level) * one.queries + steps * level * middle)


WAYS: dict[str, Way] = {
    "neighbours count more (the product)": as_product,
    "more neighbours": more_neighbours,
    "a warmer softmax": warmer,
    "towards the middle of kinds": kinds,
}


def rows_of(one: Set, name: str, way: Way) -> list[dict[str, Any]]:
    """One row for each kind of label: Recall@1 / MAP@R at each level, and what the coarsest changes."""
    at = [one.values(way(one, level)) for level in LEVELS]
    rows = []
    for label in one.labels:
        row = {"set": one.name, "way": name, "by": label, "queries": len(one.queries)}
        for level, values in zip(LEVELS, at, strict=True):
            row[f"{level:g}"] = " / ".join(f"{100 * values[label][metric].mean():.1f}" for metric in METRICS)
        found = differences([at[-1][label]], [at[0][label]])
        row["1 against 0"] = "; ".join(points(found[metric]) for metric in METRICS)
        rows.append(row)
    return rows


def main() -> None:
    """All ways where they are chosen, the product's where it is confirmed."""
    encoder = load_encoder("dino")
    with tempfile.TemporaryDirectory() as room:
        Job(draw_world(Path(room))).result()
        drawn = [Set.of(Path(room, theme.name), encoder) for theme in THEMES]
    rows = [
        row
        for name, way in WAYS.items()
        for one in (Set.of(SHARED / CHOSEN_ON, encoder), *drawn)
        for row in rows_of(one, name, way)
    ]
    for name in CONFIRMED_ON:
        rows += rows_of(Set.of(SHARED / name, encoder, True), next(iter(WAYS)), as_product)
    notes = [
        "Recall@1 / MAP@R in percent at each granularity; tiles, flowers and shields are the demo's drawn world.",
        "By kind, by the parent class, and in the drawn world by the level between. In brackets 95 % intervals.",
        "A query's copies (cosine .99 or more) are left out of its neighbours.",
    ]
    save("granularity", "Search by wider kinds (dino, tuned)", rows, notes, seed=0)


def _codes(values: tuple[str, ...]) -> Codes:
    codes = np.unique(np.array(values), return_inverse=True)[1].astype(np.int64)
    return np.where(np.array(values) == "", -1, codes).astype(np.int64)


if __name__ == "__main__":
    main()
