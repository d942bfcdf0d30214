"""The reference is to the answer as its caption is to the words: a - b + c."""

from __future__ import annotations

import numpy as np

from samekind.query.composing.given import Given, Scores, both


def analogy(given: Given, change: float, keep: float) -> Scores:
    """``keep`` x picture + ``change`` x (words - caption): what words say beyond what the picture shows (card 2.1).

    Without a caption of the reference it is the sum.
    """
    picture, words = both(given)
    caption = np.zeros_like(words) if given.caption is None else given.caption
    return np.asarray(keep * picture + change * (words - caption), np.float32)
