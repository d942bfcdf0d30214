"""Names of things that no picture stands out for: a wider kind that is known is searched for as well, and said so.

An Abyssinian is a cat: pictures that show none go down. How pictures that do are ordered stays. (ours)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.meaning.colours import named
from samekind.meaning.wider import wider_kinds
from samekind.query.understood import SURE
from samekind.query.wordings import Wording

LOSES = 0.5
"""How many standard deviations of the text's scores a picture loses that shows nothing of the wider kind: the greatest
of .5, 1, 2 and 3 with which no figure of birds, flowers, grocery and clothing falls, alone or all in one collection."""
SHOWN, LEAST = 0.1, 0.001
"""From which share on a picture counts as showing it, and what counts as none; between them by the logarithm."""
THERE = 0.3
"""A kind of which no picture has this share is not in the collection, and not searched for."""


@dataclass(frozen=True, eq=False)
class Widened:
    """The ``kind`` that a text's scores (n,) were widened by, and what that ``adds`` to each (n,), at most 0."""

    kind: str
    adds: NDArray[np.float32]


def widened(wording: Wording, text: str, scores: NDArray[np.float32], sure: float) -> Widened | None:
    """By the narrowest kind of what the text names that the collection shows; None where the text is no English name
    of something, names a colour or a thing that is known, or some picture stands out for it, ``sure`` (0..1)."""
    if sure >= SURE or named(text).any():
        return None
    for kind in wider_kinds(text):
        share = wording.shows(kind.classes)
        if share is not None and share.max() >= THERE:
            shows = np.log((np.minimum(share, SHOWN) + LEAST) / (SHOWN + LEAST)) / np.log((SHOWN + LEAST) / LEAST)
            return Widened(kind.name, np.asarray(LOSES * scores.std() * shows, np.float32))
    return None
