"""Roles: the whole, what must appear, what must stay, what must vanish. (ours)"""

from __future__ import annotations

import numpy as np

from samekind.query.composing.given import Given, Scores, both, staying, vanishing

ENOUGH = 3.0


def roles(given: Given, change: float, keep: float) -> Scores:
    """The sum, in which words can only do so much: what must appear counts up to three standard deviations.

    Then what stays and what vanishes, as in every method but the signed one, at full weight.
    """
    picture, words = both(given)
    whole = keep * picture + (1 - keep) * change * np.minimum(words, ENOUGH)
    return vanishing(given, staying(given, np.asarray(whole, np.float32)))
