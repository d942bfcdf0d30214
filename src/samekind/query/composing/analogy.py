"""The reference is to the answer as its caption is to that after the change: a - b + c (card 2.1)."""

from __future__ import annotations

import numpy as np

from samekind.query.composing.given import Given, Scores, both


def analogy(given: Given, change: float, keep: float) -> Scores:
    """``keep`` x picture + ``change`` x (edited - caption); where the reference was not put into words, the words."""
    picture, words = both(given)
    told = given.edited is not None and given.caption is not None
    direction = given.edited - given.caption if told else words  # type: ignore[operator]
    return np.asarray(keep * picture + change * direction, np.float32)
