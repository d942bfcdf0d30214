"""Early stop: after each epoch pictures that are held out say whether training still goes the right way. (ours)

They are asked what the gate asks: does a crop find its picture, and keep the picture's neighbours; and to the witness,
where there is one, how much alike are a picture and its neighbours? Views alone are blind to kinds that come together,
so both are kept apart: where one of the two is clearly less than after an earlier epoch, or than before the first,
training ends and goes back to that epoch. It does not end where they have stopped to gain: labels still gain then
(docs/adapting.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.gate import NEAREST, Space, alike, found_by_views, kept_by_views
from samekind.encoders.rows import Array, unit_rows
from samekind.tuning.nuisance import Rows

WATCHED_AT_MOST = 512
"""Held-out pictures of all collections together that are looked at after each epoch."""
CLEAR = 2.0
"""Standard errors of a fall that ends training: the scores of one epoch and the next differ by one either way."""
EPOCH = "watched"
"""What an epoch's parameters and scores are called in a checkpoint, followed by which score was best there."""


WHY = {
    "views": "after it views of held-out pictures find them, and keep their neighbours, less well",
    "witness": "after it held-out pictures and their neighbours are less alike to a second network",
}


@dataclass(frozen=True, eq=False)
class Watched:
    """Held-out pictures: ``rows`` (m,) are their numbers, ``witnesses`` what a second network knows of them.

    That is, for each collection of which it was asked, positions (p,) within ``rows`` and its unit rows (p, e).
    """

    rows: Rows
    witnesses: Sequence[tuple[Rows, Array]] = ()

    @staticmethod
    def of(held: Sequence[Rows], starts: Rows, witnesses: Sequence[Array | None], rng: np.random.Generator) -> Watched:
        """Some of those that each collection holds out, its pictures numbered from its start on."""
        most = WATCHED_AT_MOST // len(held)
        some = [np.sort(rng.permutation(out)[:most]) for out in held]
        at = np.cumsum([0, *map(len, some)])
        asked = [
            (np.arange(first, first + len(rows)), witness[rows])
            for rows, first, witness in zip(some, at, witnesses, strict=False)
            if witness is not None and len(rows) > NEAREST
        ]
        return Watched(np.concatenate([start + rows for start, rows in zip(starts, some, strict=True)]), asked)


@dataclass
class _Best:
    """The epoch in which a score was highest: the scores (n,) by picture, and the parameters."""

    epoch: int
    scores: Array
    tensors: list[NDArray[Any]]


@dataclass
class Watch:
    """``look``: (m, d) vectors of the pictures in a view, 0 as they are, 1 cropped. ``ended`` names the score that
    ended training, by what it is in ``scores``.
    """

    look: Callable[[int], Array]
    watched: Watched
    ended: str = ""
    best: dict[str, _Best] = field(default_factory=dict)

    def fell(self, epoch: int, parameters: Sequence[Any]) -> str:
        """Looks at the pictures again: the score that is clearly less than at best, or "". New bests are noted."""
        for name, now in self.scores().items():
            best = self.best.get(name)
            if best is None or now.mean() >= best.scores.mean():
                tensors = [one.detach().cpu().numpy().copy() for one in parameters]
                self.best[name] = _Best(epoch, now, tensors)
            elif (fall := best.scores - now).mean() > CLEAR * fall.std() / len(fall) ** 0.5:
                self.ended = self.ended or name
        return self.ended

    def scores(self) -> dict[str, Array]:
        """By picture: "views", the mean of two shares, its crop finds it and keeps its neighbours; and "witness", how
        much alike its neighbours in its collection are to the second network.
        """
        look, crop = self.look(0), self.look(1)
        mean = look.mean(axis=0)
        look, crop = unit_rows(look - mean), unit_rows(crop - mean)
        space = Space(look, crop[:, None], np.arange(len(look)))
        found = {"views": np.asarray((found_by_views(space, [look], 0) + kept_by_views(space)) / 2, np.float32)}
        if self.watched.witnesses:
            every = [alike(look[rows], witness) for rows, witness in self.watched.witnesses]
            found["witness"] = np.concatenate(every).astype(np.float32)
        return found

    def back(self) -> _Best:
        """The epoch to go back to."""
        return self.best[self.ended]

    def begin(self, arrays: Mapping[str, NDArray[Any]], state: Mapping[str, Any], parameters: Sequence[Any]) -> None:
        """Takes up what an earlier run ``told``, or looks at the pictures as they are before anything is learned."""
        if EPOCH not in state:
            self.fell(0, parameters)
            return
        self.ended = state["ended"]
        for name, epoch in state[EPOCH].items():
            tensors = [arrays[f"{EPOCH}.{name}.{at}"] for at in range(len(parameters))]
            self.best[name] = _Best(epoch, arrays[f"{EPOCH}.{name}"], tensors)

    def told(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and a JSON-ready state, from which another run goes on."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, best in self.best.items():
            arrays |= {f"{EPOCH}.{name}": best.scores}
            arrays |= {f"{EPOCH}.{name}.{at}": one for at, one in enumerate(best.tensors)}
        return arrays, {EPOCH: {name: best.epoch for name, best in self.best.items()}}
