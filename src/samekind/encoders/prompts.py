"""What a person names in a word or two, asked as captions of photos say it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from samekind.encoders.base import TextTower, TextVectors
from samekind.encoders.recipe import unit_rows

TEMPLATES = ("a photo of a {}", "a photo of the {}", "a close-up photo of a {}", "a picture of a {}", "{}")
"""A bare name is the mean of these (CLIP: Radford et al. 2021, section 3.1.4; the choice of five is ours)."""

_WORD = r"[0-9A-Za-zÀ-ɏ]+(?:[-'’][0-9A-Za-zÀ-ɏ]+)*"
_PHRASE = re.compile(rf"(?:(?:an?|the)\s+)?({_WORD}(?:\s+{_WORD}){{0,2}})", re.IGNORECASE)


def asked_as(text: str) -> tuple[str, ...]:
    """The texts whose mean stands for a text.

    The templates' for at most three words of Latin letters and digits, an article before them not counted; a text of
    more words, with any other sign, or in another script (the templates are English) as it is.
    """
    found = _PHRASE.fullmatch(text.strip())
    return tuple(template.format(found[1]) for template in TEMPLATES) if found else (text,)


def encode_asked(tower: TextTower, texts: Sequence[str]) -> TextVectors:
    """Each text as ``asked_as`` says: unit vectors, their mean, at unit length: (n, dim). Raises as ``encode`` does.

    ``cut`` names the texts as they were given.
    """
    ways = [asked_as(text) for text in texts]
    found = tower.encode([way for several in ways for way in several])
    stops = np.cumsum([len(several) for several in ways], dtype=int)
    means = [rows.mean(axis=0) for rows in np.split(found.vectors, stops[:-1])] if ways else found.vectors
    cut = [text for text, several in zip(texts, ways, strict=True) if not set(several).isdisjoint(found.cut)]
    return TextVectors(unit_rows(np.asarray(means, np.float32)), tuple(dict.fromkeys(cut)))
