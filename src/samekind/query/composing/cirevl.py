"""The picture as it would be described after the change (CIReVL, Karthik et al., 2024; card 2.4)."""

from __future__ import annotations

from samekind.query.composing.given import Given, Weights


def cirevl(given: Given, change: float, keep: float) -> Weights:
    """``keep`` x picture + (1 - ``keep``) x ``change`` x the rewritten caption; the paper keeps nothing.

    Without a rewritten caption it is the sum.
    """
    return {"picture": keep, "words" if given.edited is None else "edited": (1 - keep) * change}
