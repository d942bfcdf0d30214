"""The picture as it would be described after the change (CIReVL, Karthik et al., 2024; card 2.4)."""

from __future__ import annotations

import numpy as np

from samekind.query.composing.given import Given, Scores, both


def cirevl(given: Given, change: float, keep: float) -> Scores:
    """``keep`` x picture + (1 - ``keep``) x ``change`` x the rewritten caption; the paper keeps nothing.

    Without a rewritten caption it is the sum.
    """
    picture, words = both(given)
    text = words if given.edited is None else given.edited
    return np.asarray(keep * picture + (1 - keep) * change * text, np.float32)
