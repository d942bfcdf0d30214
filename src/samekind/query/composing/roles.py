"""Roles: the whole, what must appear, what must stay, what must vanish. (ours)"""

from __future__ import annotations

from samekind.query.composing.given import Given, Weights


def roles(_: Given, change: float, keep: float) -> Weights:
    """The sum, in which words can only do so much: what must appear counts up to three standard deviations.

    Then what stays and what vanishes, as in every method but the signed one, at full weight.
    """
    words = (1 - keep) * change
    return {"picture": keep, "words": words, "beyond": -words}
