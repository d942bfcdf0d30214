"""Weighted sum of picture and words."""

from __future__ import annotations

from samekind.query.composing.given import Given, Weights


def weighted_sum(_: Given, change: float, keep: float) -> Weights:
    """``keep`` x picture + (1 - ``keep``) x ``change`` x words (ours; late fusion of calibrated scores)."""
    return {"picture": keep, "words": (1 - keep) * change}
