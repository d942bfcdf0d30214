"""Early stop: after each epoch some pictures say whether training still goes the right way. (ours)

They are asked what the gate asks. Pictures that are held out: does a crop find its picture, and keep its neighbours? To
the witness, where there is one: how much alike are pictures and their neighbours? Views alone are blind to kinds that
come together, so both are kept apart: where one of the two is clearly less than after an earlier epoch, or than before
the first, training ends and goes back to that epoch. It does not end where they have stopped to gain: labels still gain
then (docs/adapting.md).
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
"""Held-out pictures of all collections together whose crops are looked at after each epoch."""
AMONG_AT_MOST = 1536
"""Pictures of all collections together among which the witness judges neighbours, those held out and others."""
CLEAR = 2.0
"""Standard errors of a fall that ends training: the scores of one epoch and the next differ by one either way."""
EPOCH = "watched"
"""What an epoch's parameters and scores are called in a checkpoint, followed by which score was best there."""


WHY = {
    "views": "after it views of held-out pictures find them, and keep their neighbours, less well",
    "witness": "after it pictures and their neighbours are less alike to a second network",
}


@dataclass(frozen=True, eq=False)
class Watched:
    """Pictures of all collections by number, ``rows`` (m,), and which of these nothing is learned from, ``held`` (h,).

    ``witnesses``: for each collection of which a second network was asked, positions (p,) within ``rows`` and its unit
    rows (p, e).
    """

    rows: Rows
    held: Rows
    witnesses: Sequence[tuple[Rows, Array]] = ()

    @staticmethod
    def of(
        sizes: Sequence[int], held: Sequence[Rows], witnesses: Sequence[Array | None], rng: np.random.Generator
    ) -> Watched:
        """Some of each collection, of ``sizes`` pictures, ``held`` out of it, and others where there is a witness."""
        rows: list[Rows] = []
        of_held: list[Rows] = []
        asked: list[tuple[Rows, Array]] = []
        start, at = 0, 0
        for size, out, witness in zip(sizes, held, witnesses, strict=True):
            some = rng.permutation(out)[: WATCHED_AT_MOST // len(held)]
            if witness is not None:
                others = rng.permutation(np.setdiff1d(np.arange(size), out))
                everyone = np.concatenate([some, others[: AMONG_AT_MOST // len(held) - len(some)]])
                if len(everyone) > NEAREST:
                    asked.append((np.arange(at, at + len(everyone)), witness[everyone]))
            else:
                everyone = some
            of_held.append(np.arange(at, at + len(some)))
            rows.append(start + everyone)
            start, at = start + size, at + len(everyone)
        return Watched(np.concatenate(rows), np.concatenate(of_held), asked)

    def arrays(self) -> list[NDArray[Any]]:
        """All that what it says follows from."""
        return [self.rows, self.held, *(one for asked in self.witnesses for one in asked)]


@dataclass
class _Best:
    """The epoch in which a score was highest: the scores (n,) by picture, and the parameters."""

    epoch: int
    scores: Array
    tensors: list[NDArray[Any]]


@dataclass
class Watch:
    """``look``: (m, d) vectors of pictures by number in a view, 0 as they are, 1 cropped. ``ended`` names the score
    that ended training, by what it is in ``scores``.
    """

    look: Callable[[Rows, int], Array]
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
        """By picture: "views" of those held out, the mean of two shares, a crop finds it and keeps its neighbours; and
        "witness" of all, how much alike its neighbours in its collection are to the second network.
        """
        held = self.watched.held
        look, crop = self.look(self.watched.rows, 0), self.look(self.watched.rows[held], 1)
        mean = look.mean(axis=0)
        look, crop = unit_rows(look - mean), unit_rows(crop - mean)
        space = Space(look, crop[:, None], held)
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
