"""Picture and words, and captions with captions (WeiMoCIR, Wu et al., 2024; card 2.2)."""

from __future__ import annotations

from samekind.query.composing.given import Given, Weights

BY_CAPTION = 0.1


def weimocir(given: Given, change: float, keep: float) -> Weights:
    """.9 x sum of picture and words + .1 x the same sum of captions, asked of the pictures' own captions.

    alpha is 1 - ``keep``; ``change`` weighs the words. Without stored captions it is the sum.
    """
    words = (1 - keep) * change
    if given.said_caption is None or given.said_words is None:
        return {"picture": keep, "words": words}
    by_picture = 1 - BY_CAPTION
    return {
        "picture": by_picture * keep,
        "words": by_picture * words,
        "said_caption": BY_CAPTION * keep,
        "said_words": BY_CAPTION * words,
    }
