"""What a composition has to work with: how well every picture fits each thing that was asked, in one measure.

A score of a picture is linear in the vector that is asked with, so all that compositions of vectors do to a ranking can
be done to scores. Each row here has mean 0 and standard deviation 1 over the collection, which takes the part of L2
norms in the papers and closes the gap between what pictures and what words score. (ours)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
"""(n,) float32, one for each picture of the collection."""

ENOUGH, FULLY = 3.0, 2.0
"""What words can do and what must stay, at most, where that is capped: so many standard deviations."""


@dataclass(frozen=True, eq=False)
class Given:
    """Scores (n,) of all pictures for the reference ``picture`` and for the ``words``, each None where not asked.

    ``caption``: for the reference said in words, ``edited``: for the same with the words after it; the three texts are
    in the measure of ``words``, so that they can be subtracted. ``keeps`` and ``drops`` (m, n): for what must stay and
    what must vanish. ``said_caption`` and ``said_words``: how the captions of pictures fit the reference's caption and
    the words. ``learned``: what a learned move of the reference adds (`learned/`).
    """

    picture: Scores | None = None
    words: Scores | None = None
    caption: Scores | None = None
    edited: Scores | None = None
    said_caption: Scores | None = None
    said_words: Scores | None = None
    keeps: Scores = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    drops: Scores = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    learned: Scores | None = None

    @property
    def beyond(self) -> Scores | None:
        """How far the words exceed ``ENOUGH``."""
        return None if self.words is None else np.maximum(self.words - ENOUGH, 0)

    @property
    def staying(self) -> Scores:
        """(m, n) how far what must stay is there, at most ``FULLY``."""
        return np.minimum(self.keeps, FULLY)

    @property
    def vanishing(self) -> Scores:
        """(m, n) how far what must vanish is there, where that exceeds the average."""
        return np.maximum(self.drops, 0)


Weights = dict[str, float]
"""What the rows of a Given count in a composition, by their names; those that nothing was asked of are passed over."""

Method = Callable[[Given, float, float], Weights]
"""(given, change, keep) -> weights. ``change`` 0 leaves the picture as it is; ``keep`` 0..1 is its share."""

ROLES: Weights = {"staying": 0.5, "vanishing": -1.0}
"""What must stay and what must vanish, in every method but the signed one.

What vanishes is a penalty on the score, not a vector taken off: a picture does not gain by showing even less of it.
"""


def standard(scores: NDArray[np.floating]) -> Scores:
    """Rows of scores (..., n) with mean 0 and standard deviation 1; rows that say nothing become 0."""
    centred = scores - scores.mean(axis=-1, keepdims=True)
    spread = centred.std(axis=-1, keepdims=True)
    return np.asarray(np.where(spread > 1e-9, centred / np.maximum(spread, 1e-9), 0), np.float32)


def cosine(left: Scores, right: Scores) -> float:
    """The cosine of what two rows of scores were asked with, by how they agree over the collection."""
    return float(np.clip((left * right).mean() / max(float(left.std() * right.std()), 1e-9), -1, 1))


def both(given: Given) -> tuple[Scores, Scores]:
    """Picture and words; nothing is 0 everywhere."""
    there = next(one for one in (given.picture, given.words) if one is not None)
    nothing = np.zeros_like(there)
    return (
        nothing if given.picture is None else given.picture,
        nothing if given.words is None else given.words,
    )
