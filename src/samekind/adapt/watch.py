"""Early stop: after each epoch pictures that are held out say whether training still goes the right way. (ours)

They are asked what the gate asks of views: does a crop find its picture, and does it keep the picture's neighbours?
Where they do so clearly less than after an earlier epoch, or than before the first, training ends and goes back to that
epoch. It does not end where they have stopped to gain: labels still gain then (docs/adapting.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.gate import Space, found_by_views, kept_by_views
from samekind.encoders.rows import Array, unit_rows

WATCHED_AT_MOST = 256
"""Held-out pictures of all collections together that are looked at after each epoch."""
CLEAR = 2.0
"""Standard errors of a fall that ends training: the scores of one epoch and the next differ by one either way."""

BEST, SCORES = "best", "scores"
"""What arrays of it are called in a checkpoint."""

Look = Callable[[int], Array]
"""(n, d) vectors of the watched pictures in a view: 0 as they are, 1 cropped."""


@dataclass
class Watch:
    """``best`` (n,) are the scores of the best epoch as yet, ``tensors`` its parameters, ``epoch`` its number."""

    look: Look
    best: Array | None = None
    tensors: list[NDArray[Any]] = field(default_factory=list)
    epoch: int = 0

    def fell(self, epoch: int, parameters: Sequence[Any]) -> bool:
        """Looks at the pictures as they are now: whether they are clearly worse than at best. A new best is noted."""
        now = self.scores()
        if self.best is None or now.mean() >= self.best.mean():
            self.best, self.epoch = now, epoch
            self.tensors = [one.detach().cpu().numpy().copy() for one in parameters]
            return False
        fall = self.best - now
        return bool(fall.mean() > CLEAR * fall.std() / len(fall) ** 0.5)

    def scores(self) -> Array:
        """(n,) for each picture the mean of two shares: its crop finds it, and keeps its neighbours."""
        look, crop = self.look(0), self.look(1)
        mean = look.mean(axis=0)
        look, crop = unit_rows(look - mean), unit_rows(crop - mean)
        space = Space(look, crop[:, None], np.arange(len(look)))
        return np.asarray((found_by_views(space, [look], 0) + kept_by_views(space)) / 2, np.float32)

    def begin(self, arrays: Mapping[str, NDArray[Any]], state: Mapping[str, Any], parameters: Sequence[Any]) -> None:
        """Takes up what an earlier run ``told``, or looks at the pictures as they are before anything is learned."""
        if SCORES not in arrays:
            self.fell(0, parameters)
            return
        self.best, self.epoch = arrays[SCORES], state[BEST]
        self.tensors = [arrays[f"{BEST}.{at}"] for at in range(len(parameters))]

    def told(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and a JSON-ready state, from which another run goes on."""
        if self.best is None:
            return {}, {}
        tensors = {f"{BEST}.{at}": one for at, one in enumerate(self.tensors)}
        return {SCORES: self.best, **tensors}, {BEST: self.epoch}
