"""Prompt directional vector (Tursun et al., 2025; card 2.3)."""

from __future__ import annotations

import numpy as np

from samekind.query.composing.given import Given, Scores, both


def pdv(given: Given, change: float, keep: float) -> Scores:
    """``keep`` x (picture + ``change`` x D) + (1 - ``keep``) x (caption + .86 x ``change`` x D), D = edited - caption.

    The paper's b is 1 - ``keep``, its two strengths are 1.4 and 1.2. Without caption and edited text D is the words.
    """
    picture, words = both(given)
    caption = np.zeros_like(words) if given.caption is None else given.caption
    direction = words if given.edited is None else given.edited - caption
    by_picture = picture + change * direction
    by_text = caption + _TEXT_SHARE * change * direction
    return np.asarray(keep * by_picture + (1 - keep) * by_text, np.float32)


_TEXT_SHARE = 1.2 / 1.4
