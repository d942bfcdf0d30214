"""The great circle from the picture to the words."""

from __future__ import annotations

import math

from samekind.query.composing.given import Given, Weights, both, cosine


def slerp(given: Given, change: float, keep: float) -> Weights:
    """A point on the arc, ``keep`` 1 at the picture, 0 at the words (Jang et al., 2024); ``change`` weighs these.

    The angle is that of the scores over the collection. Where both agree there is no arc and the sum is the same.
    """
    angle = math.acos(cosine(*both(given)))
    if math.sin(angle) < 1e-4:
        return {"picture": keep, "words": (1 - keep) * change}
    near, far = math.sin(keep * angle), math.sin((1 - keep) * angle)
    return {"picture": near / math.sin(angle), "words": far * change / math.sin(angle)}
