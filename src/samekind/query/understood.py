"""How a query with words was understood, in what samekind knows and in words for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samekind.meaning import concept_names, sentence_vectors, sentences_there
from samekind.meaning.colours import COLOURS, named
from samekind.meaning.shipped import class_vectors
from samekind.meaning.sparse import concepts_named
from samekind.meaning.terms import terms
from samekind.query.language.composed import Rewritten

SURE = 0.5


@dataclass(frozen=True)
class Heard:
    """How one text was understood: the ``nearest`` names that samekind knows, with cosines, and its ``colours``."""

    text: str
    nearest: tuple[tuple[str, float], ...]
    colours: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        nearest = [{"name": name, "cosine": round(cosine, 4)} for name, cosine in self.nearest]
        return {"text": self.text, "nearest": nearest, "colours": list(self.colours)}


@dataclass(frozen=True)
class Understood:
    """The ``method`` that composed picture and words (empty: there were words alone), its sliders, and each text.

    ``cut`` names texts that were too long. ``rewritten`` is the reference in words and after the change, where the
    method uses them. ``sure`` is the confidence of what fits the words best in the whole collection, None where there
    were none to look for. ``looked_up`` names the weak captions that the words were looked up in too. ``wider`` is the
    wider kind that was searched for as well, for a name that no picture stands out for; empty without one.
    """

    method: str
    change: float
    keep: float
    rewritten: Rewritten | None
    texts: tuple[Heard, ...]
    cut: tuple[str, ...]
    sure: float | None
    looked_up: tuple[str, ...] = ()
    wider: str = ""

    @property
    def notice(self) -> str:
        """What a person should know before trusting the hits, or nothing."""
        if self.cut:
            return f"{self.cut[0]!r} is longer than the encoder takes and was cut from the end"
        if self.sure is None or self.sure >= SURE or self.texts[0].colours:
            return ""
        first = self.texts[0]
        if self.wider:
            return f"no idea what {first.text!r} looks like; searched for {self.wider!r} as well"
        if not first.nearest:
            return f"nothing that is known by name is called {first.text!r}; these hits are a guess"
        return (
            f"no picture stands out for {first.text!r}, whose nearest among the things known by name is "
            f"{first.nearest[0][0]!r}; these hits are a guess"
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "method": self.method,
            "change": self.change,
            "keep": self.keep,
            "rewritten": self.rewritten.to_dict() if self.rewritten else None,
            "texts": [one.to_dict() for one in self.texts],
            "wider": self.wider or None,
            "weak_captions": list(self.looked_up),
            "notice": self.notice,
        }


def heard(texts: Sequence[str], sentences: bool = True) -> list[Heard]:
    """How each text is understood; without ``sentences`` what is nearest are names that hold one of its words."""
    near = _nearest(texts) if sentences and sentences_there() else [_holding(text) for text in texts]
    return [
        Heard(text, nearest, tuple(COLOURS[at] for at in np.flatnonzero(named(text))))
        for text, nearest in zip(texts, near, strict=True)
    ]


def _nearest(texts: Sequence[str]) -> list[tuple[tuple[str, float], ...]]:
    names = concept_names()
    cosines = sentence_vectors(texts) @ class_vectors().T
    return [tuple((names[at], float(row[at])) for at in np.argsort(-row)[:3]) for row in cosines]


def _holding(text: str) -> tuple[tuple[str, float], ...]:
    found = sorted({at for term in terms(text) for at in concepts_named(term)})  # classes before colours
    return tuple((concept_names()[at], 1.0) for at in found[:3])
