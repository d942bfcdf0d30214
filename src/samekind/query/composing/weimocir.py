"""Picture and words, and captions with captions (WeiMoCIR, Wu et al., 2024; card 2.2)."""

from __future__ import annotations

import numpy as np

from samekind.query.composing.given import Given, Scores, both

BY_CAPTION = 0.1


def weimocir(given: Given, change: float, keep: float) -> Scores:
    """.9 x sum of picture and words + .1 x the same sum of captions, asked of the pictures' own captions.

    alpha is 1 - ``keep``; ``change`` weighs the words. Without stored captions it is the sum.
    """
    picture, words = both(given)
    by_picture = keep * picture + (1 - keep) * change * words
    if given.said_caption is None or given.said_words is None:
        return np.asarray(by_picture, np.float32)
    by_caption = keep * given.said_caption + (1 - keep) * change * given.said_words
    return np.asarray((1 - BY_CAPTION) * by_picture + BY_CAPTION * by_caption, np.float32)
