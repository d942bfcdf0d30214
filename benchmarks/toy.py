"""The toy world: which composition finds the edited scene, by kind of edit?

    python benchmarks/toy.py

Vectors are made from attributes (the compositional tower), so what a method misses is its own fault. The reference is
taken out of each ranking. A method is a function from `Asked` to scores, entered in `methods`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from common import save
from numpy.typing import NDArray

from samekind.evaluation.toy.queries import KINDS, ToyQuery, gallery, queries
from samekind.evaluation.toy.towers import CompositionalTower, Tower
from samekind.evaluation.toy.world import Scene

SCENES, QUERIES, SEED = 2_000, 900, 0
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Asked:
    """What a method may use: the tower, the gallery's scenes and their vectors (n, d), and the queries."""

    tower: Tower
    scenes: Sequence[Scene]
    pictures: Scores
    queries: Sequence[ToyQuery]

    @property
    def references(self) -> Scores:
        """The vectors of the queries' reference pictures, (q, d)."""
        return self.pictures[[query.reference for query in self.queries]]


def picture_only(asked: Asked) -> Scores:
    return asked.references @ asked.pictures.T


def words_only(asked: Asked) -> Scores:
    return asked.tower.words([query.text for query in asked.queries]) @ asked.pictures.T


def methods() -> dict[str, Callable[[Asked], Scores]]:
    """Every method by name: scores (q, n) of the gallery for each query."""
    return {"picture only": picture_only, "words only": words_only}


def first_targets(scores: Scores, asked: Sequence[ToyQuery]) -> NDArray[np.int64]:
    """The rank of each query's best target, from 0, in the gallery less the reference: (q,)."""
    ranks = []
    for row, query in zip(scores, asked, strict=True):
        rest = row.copy()
        rest[query.reference] = -np.inf
        best = max(rest[target] for target in query.targets)
        ranks.append(int((rest > best).sum()))
    return np.array(ranks, np.int64)


def row_of(name: str, ranks: NDArray[np.int64], asked: Sequence[ToyQuery]) -> dict[str, Any]:
    """Recall@1 / recall@10 in percent, of all queries and of each kind."""
    kinds = np.array([query.kind for query in asked])
    row = {"method": name, "all": _recalls(ranks)}
    return row | {kind: _recalls(ranks[kinds == kind]) for kind in KINDS}


def _recalls(ranks: NDArray[np.int64]) -> str:
    return f"{100 * (ranks < 1).mean():.1f} / {100 * (ranks < 10).mean():.1f}"


def main() -> None:
    scenes = gallery(SEED, SCENES)
    tower = CompositionalTower(SEED)
    asked = Asked(tower, scenes, tower.pictures(scenes), queries(scenes, SEED, QUERIES))
    rows = [
        row_of(name, first_targets(method(asked), asked.queries), asked.queries) for name, method in methods().items()
    ]
    notes = [
        "Recall@1 / recall@10 in percent: whether one of the exact targets is among the first.",
        f"{SCENES:,} scenes, {QUERIES} queries, the reference taken out; vectors by the compositional tower.",
    ]
    save("toy", "Composition in the toy world, by kind of edit", rows, notes, SEED)


if __name__ == "__main__":
    main()
