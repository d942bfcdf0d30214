"""Prompt directional vector (Tursun et al., 2025; card 2.3)."""

from __future__ import annotations

from samekind.query.composing.given import Given, Weights


def pdv(given: Given, change: float, keep: float) -> Weights:
    """``keep`` x (picture + ``change`` x D) + (1 - ``keep``) x (caption + .86 x ``change`` x D), D = edited - caption.

    The paper's b is 1 - ``keep``, its two strengths are 1.4 and 1.2. Without caption and edited text D is the words.
    """
    strength = (keep + (1 - keep) * _TEXT_SHARE) * change
    if given.edited is None:
        return {"picture": keep, "words": strength, "caption": 1 - keep}
    return {"picture": keep, "edited": strength, "caption": 1 - keep - strength}


_TEXT_SHARE = 1.2 / 1.4
