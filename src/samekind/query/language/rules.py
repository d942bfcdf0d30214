"""Captioner and rewriter that need nothing: the concepts found in a picture, and patterns of English."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from samekind.query.language.answers import LONGEST, one_line
from samekind.query.language.clauses import Step, steps
from samekind.query.language.phrases import (
    COLOUR_PHRASE,
    NOTHING,
    colours_in,
    mended,
    recoloured,
    replaced,
    with_article,
    without,
)

MOST = 3
"""Concepts that a caption names."""

SHARE = 0.3
"""A concept is named where its weight is at least this much of the greatest."""

RULES = ("remove", "not", "instead", "replace", "add", "same in", "make", "is", "kind", "only", "less", "keep", "words")
"""What a clause can be understood as; ``words`` is the fall-back, which appends what was written."""


@dataclass(frozen=True)
class Edit:
    """A change as it was understood: the caption after it (``text``), and which things it ``adds`` and ``drops``.

    ``rule`` names the patterns in order, joined by " + "; "" for an empty change. Names are in the person's own words
    without articles; what was not understood is in neither, and nothing that is negated is in ``adds``.
    """

    text: str
    adds: tuple[str, ...]
    drops: tuple[str, ...]
    rule: str

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


class RuleCaptioner:
    """A caption of concepts that somebody else found in the picture, best first, each with a weight."""

    name = "rules"

    def __init__(self, concepts: Sequence[tuple[str, float]]) -> None:
        self._concepts = concepts

    def caption(self, picture: bytes) -> str:
        """The same for every picture: the one that the concepts were found in."""
        return caption_of(self._concepts)


class RuleRewriter:
    """``understood`` as a Rewriter."""

    name = "rules"

    def rewrite(self, caption: str, change: str) -> str:
        """The caption after the change."""
        return understood(caption, change).text


def caption_of(concepts: Sequence[tuple[str, float]]) -> str:
    """``a photo of a kettle and a stove``: the first MOST concepts with a weight of at least SHARE of the greatest.

    ``a photo`` where there are none.
    """
    named = [(one_line(name), weight) for name, weight in concepts if weight > 0 and one_line(name)]
    if not named:
        return NOTHING
    least = SHARE * max(weight for _, weight in named)
    names = list(dict.fromkeys(name for name, weight in named if weight >= least))[:MOST]
    first, last = [with_article(name) for name in names[:-1]], with_article(names[-1])
    return f"{NOTHING} of {', '.join(first)} and {last}" if first else f"{NOTHING} of {last}"


def understood(caption: str, change: str) -> Edit:
    """What a change in English makes of a caption, and the roles that were understood.

    Clauses are taken one after the other (``clauses.steps``). What is removed or negated leaves the caption and is
    named in ``drops`` alone; what is exchanged is put in its place where the caption names it; all else is appended,
    "caption, change" where no pattern fits, or where the change is longer than LONGEST characters. The text is never
    empty; an empty change leaves the caption as it is.
    """
    change = one_line(change)
    found = steps(change) if len(change) <= LONGEST else [Step("words", said=change)]
    text = caption if caption.strip() else NOTHING
    for step in found:
        text = _changed(text, step)
    adds = tuple(dict.fromkeys(name for step in found for name in step.adds))
    drops = tuple(dict.fromkeys(name for step in found for name in step.drops))
    return Edit(text, adds, drops, " + ".join(step.rule for step in found))


def _changed(text: str, step: Step) -> str:
    """The caption after one step."""
    if step.rule == "kind":
        colours = colours_in(text)
        return f"{NOTHING} of {with_article(f'{colours} {step.said}'.strip())}"
    if step.rule == "same in" and re.fullmatch(COLOUR_PHRASE, step.said, re.IGNORECASE):
        return recoloured(text, step.said)
    if step.rule in ("replace", "instead") and step.said and len(step.drops) == 1:
        exchanged = replaced(text, step.drops[0], step.said)
        if exchanged is not None:
            return exchanged
    for thing in step.drops:
        text = without(text, thing)
    if not step.said:
        return text
    joint = ", " if step.joint == " with " and " with " in text else step.joint
    return f"{mended(text).rstrip('.!?;, ')}{joint}{step.said}"
