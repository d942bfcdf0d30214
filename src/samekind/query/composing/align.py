"""Arithmetic of vectors without the gap between pictures and words (ALIGN, Jia et al., 2021; card 2.1)."""

from __future__ import annotations

import numpy as np

from samekind.query.composing.given import Given, Scores, both


def arithmetic(given: Given, change: float, keep: float) -> Scores:
    """picture + ``change`` x words - what must vanish, each as it is; ``keep`` weighs the picture (1: as it is).

    Signed: unlike the penalty of other methods, what must vanish is subtracted. The gap is gone since all scores are
    centred over the collection.
    """
    picture, words = both(given)
    gone = given.drops.sum(axis=0) if len(given.drops) else np.zeros_like(picture)
    return np.asarray(keep * picture + change * (words - gone), np.float32)
