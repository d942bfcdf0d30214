"""Arithmetic of vectors without the gap between pictures and words (ALIGN, Jia et al., 2021; card 2.1)."""

from __future__ import annotations

from samekind.query.composing.given import Given, Weights


def arithmetic(_: Given, change: float, keep: float) -> Weights:
    """picture + ``change`` x words - what must vanish, each as it is; ``keep`` weighs the picture (1: as it is).

    Signed: unlike the penalty of other methods, what must vanish is subtracted; what must stay counts nothing. The gap
    is gone since all scores are centred over the collection.
    """
    return {"picture": keep, "words": change, "drops": -change, "staying": 0.0}
