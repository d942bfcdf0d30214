"""Weighted sum of picture and words."""

from __future__ import annotations

import numpy as np

from samekind.query.composing.given import Given, Scores, both


def weighted_sum(given: Given, change: float, keep: float) -> Scores:
    """``keep`` x picture + (1 - ``keep``) x ``change`` x words (ours; late fusion of calibrated scores)."""
    picture, words = both(given)
    return np.asarray(keep * picture + (1 - keep) * change * words, np.float32)
