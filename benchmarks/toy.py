"""The toy world: which composition finds the edited scene, by kind of edit; and what must vanish, does it go down?

    python benchmarks/toy.py

Vectors are made from attributes (the compositional tower), so what a method misses is its own fault. The reference is
taken out of each ranking, captions are exact, and the rewritten caption is that of the rules (or the ideal one, where a
row says so). Each method runs at its card's sliders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from common import save
from numpy.typing import NDArray

from samekind.evaluation.toy.language import caption, shows
from samekind.evaluation.toy.queries import KINDS, ToyQuery, gallery, queries
from samekind.evaluation.toy.towers import CompositionalTower, Tower
from samekind.evaluation.toy.world import Scene
from samekind.query.composing import METHODS, Given, composed, standard
from samekind.query.language.rules import understood

SCENES, QUERIES, SEED = 2_000, 900, 0
PICTURE, WORDS = "picture only", "words only"
IDEAL = ", ideally rewritten"
Scores = NDArray[np.float32]


class World:
    """The gallery, its vectors less their mean, and what is asked of it."""

    def __init__(self) -> None:
        self.scenes: Sequence[Scene] = gallery(SEED, SCENES)
        self.tower: Tower = CompositionalTower(SEED)
        self.queries = queries(self.scenes, SEED, QUERIES)
        pictures = self.tower.pictures(self.scenes)
        self.pictures = pictures - pictures.mean(axis=0)
        self.said = self.tower.words([caption(scene) for scene in self.scenes])
        self.given = [self._given(query) for query in self.queries]
        self.vanishing = [
            (one, np.array([any(shows(scene, text) for text in query.drops) for scene in self.scenes]))
            for one, query in zip(self.given, self.queries, strict=True)
            if len(one.drops) and query.drops
        ]

    def words(self, texts: Sequence[str]) -> Scores:
        """(t, n) how well each scene fits each text."""
        return self.tower.words(list(texts)) @ self.pictures.T if texts else np.zeros((0, SCENES), np.float32)

    def _given(self, query: ToyQuery) -> Given:
        """As the product gives it to a method, with the exact caption; what the rules hear to vanish, vanishes."""
        before = caption(self.scenes[query.reference])
        edit = understood(before, query.text)
        words, was, edited = self.words([query.text, before, edit.text])
        spread = words.std()
        said = self.said - self.said.mean(axis=0)
        texts = self.tower.words([before, query.text])
        said_caption, said_words = standard(texts @ said.T)
        return Given(
            picture=standard(self.pictures[query.reference] @ self.pictures.T),
            words=standard(words),
            caption=(was - was.mean()) / spread,
            edited=(edited - edited.mean()) / spread,
            said_caption=said_caption,
            said_words=said_words,
            drops=standard(self.words(edit.drops)),
        )

    def ideal(self, given: Given, query: ToyQuery) -> Given:
        """The same with the caption of the first target in the place of the rewritten one."""
        edited = self.words([query.after])[0]
        return replace(given, edited=(edited - edited.mean()) / self.words([query.text])[0].std())

    def ways(self) -> dict[str, Scores]:
        """Scores (q, n) of every way to ask."""
        found: dict[str, list[Any]] = {PICTURE: [one.picture for one in self.given]}
        found[WORDS] = [one.words for one in self.given]
        for name, how in METHODS.items():
            found[name] = [composed(one, name, *how.sliders) for one in self.given]
            if name in ("analogy", "pdv", "cirevl"):
                every = zip(self.given, self.queries, strict=True)
                found[name + IDEAL] = [composed(self.ideal(*both), name, *how.sliders) for both in every]
        return {name: np.stack(rows) for name, rows in found.items()}


def first_targets(scores: Scores, asked: Sequence[ToyQuery]) -> NDArray[np.int64]:
    """The rank of each query's best target, from 0, in the gallery less the reference: (q,)."""
    ranks = []
    for row, query in zip(scores, asked, strict=True):
        rest = row.copy()
        rest[query.reference] = -np.inf
        best = max(rest[target] for target in query.targets)
        ranks.append(int((rest > best).sum()))
    return np.array(ranks, np.int64)


def went_down(world: World, name: str) -> str:
    """In how many of the queries that take something away the scenes that show it stand lower than without a drop."""
    better = 0
    for given, there in world.vanishing:
        without, place = replace(given, drops=np.zeros((0, 0), np.float32)), []
        for one in (without, given):
            order = np.argsort(-composed(one, name, *METHODS[name].sliders))
            place.append(np.flatnonzero(there[order]).mean())
        better += int(place[1] > place[0])
    return f"{better} of {len(world.vanishing)}"


def row_of(name: str, ranks: NDArray[np.int64], world: World) -> dict[str, Any]:
    """Recall@1 / recall@10 in percent, of all queries and of each kind."""
    kinds = np.array([query.kind for query in world.queries])
    row = {"method": name, "all": _recalls(ranks)}
    row |= {kind: _recalls(ranks[kinds == kind]) for kind in KINDS}
    return row | {"what vanishes goes down": went_down(world, name) if name in METHODS else ""}


def _recalls(ranks: NDArray[np.int64]) -> str:
    return f"{100 * (ranks < 1).mean():.1f} / {100 * (ranks < 10).mean():.1f}"


def main() -> None:
    world = World()
    rows = [row_of(name, first_targets(scores, world.queries), world) for name, scores in world.ways().items()]
    notes = [
        "Recall@1 / recall@10 in percent: whether one of the exact targets is among the first.",
        f"{SCENES:,} scenes, {QUERIES} queries, the reference taken out; vectors by the compositional tower.",
        "The last column: of the queries in which the rules hear that something must vanish, those in which the mean "
        "rank of the scenes that show it falls.",
    ]
    save("toy", "Composition in the toy world, by kind of edit", rows, notes, SEED)


if __name__ == "__main__":
    main()
