"""The reference is to the answer as its caption is to that after the change: a - b + c (card 2.1)."""

from __future__ import annotations

from samekind.query.composing.given import Given, Weights


def analogy(given: Given, change: float, keep: float) -> Weights:
    """``keep`` x picture + ``change`` x (edited - caption); where the reference was not put into words, the words."""
    if given.edited is None or given.caption is None:
        return {"picture": keep, "words": change}
    return {"picture": keep, "edited": change, "caption": -change}
