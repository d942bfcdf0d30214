"""The great circle from the picture to the words."""

from __future__ import annotations

import math

import numpy as np

from samekind.query.composing.given import Given, Scores, both, cosine


def slerp(given: Given, change: float, keep: float) -> Scores:
    """A point on the arc, ``keep`` 1 at the picture, 0 at the words (Jang et al., 2024); ``change`` weighs these.

    The angle is that of the scores over the collection. Where both agree there is no arc and the sum is the same.
    """
    picture, words = both(given)
    angle = math.acos(cosine(picture, words))
    if math.sin(angle) < 1e-4:
        return np.asarray(keep * picture + (1 - keep) * change * words, np.float32)
    near, far = math.sin(keep * angle), math.sin((1 - keep) * angle)
    return np.asarray((near * picture + far * change * words) / math.sin(angle), np.float32)
