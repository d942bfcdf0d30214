"""From a picture and a change to a text that can be searched with, whoever answers, and saying who did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from samekind.errors import LanguageError, UsageError
from samekind.query.language.answers import one_line
from samekind.query.language.protocols import Captioner, Rewriter
from samekind.query.language.rules import RuleCaptioner, RuleRewriter

PERSON = "the person"


@dataclass(frozen=True)
class Rewritten:
    """The ``caption`` of the reference, the ``change``, and the ``text`` that both make.

    ``by`` says whose text it is: a rewriter's name, a captioner's where there is no change, or PERSON. ``fell_back``
    is the sentence on why rules took over, None where they did not have to. ``caption`` is "" where none was needed.
    """

    caption: str
    change: str
    text: str
    by: str
    fell_back: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def composed_by_language(
    picture: bytes,
    change: str,
    captioner: Captioner | None = None,
    rewriter: Rewriter | None = None,
    concepts: Sequence[tuple[str, float]] = (),
    text: str | None = None,
) -> Rewritten:
    """The text that a picture (the content of its file) and a change make: captioned, then rewritten (CIReVL).

    Whoever is not given is replaced by rules, which caption from ``concepts``, the names found in the picture with
    their weights. Where the captioner gives no usable answer, rules do both, and where the rewriter gives none, they
    rewrite the caption that is there; ``fell_back`` says so. A ``text`` that the person wrote or edited is taken as it
    is, and nobody is asked; nor is a rewriter for an empty change, which leaves the caption as it is.

    Raises UsageError for an empty ``text``, PictureError for a picture that cannot be decoded, and MissingExtra or
    WeightsMissing where a model on this machine is not there: that has to be put right, and is no bad answer.
    """
    if text is not None:
        if not one_line(text):
            raise UsageError("The edited text is empty; write what the picture is to show, or leave it out.")
        return Rewritten("", change, one_line(text), PERSON)
    by_rules = RuleCaptioner(concepts)
    describes, writes = captioner or by_rules, rewriter or RuleRewriter()
    fell_back = None
    try:
        caption = describes.caption(picture)
    except LanguageError as problem:
        describes, writes, fell_back = by_rules, RuleRewriter(), _went_by_rules(problem)
        caption = describes.caption(picture)
    if not one_line(change):
        return Rewritten(caption, change, caption, describes.name, fell_back)
    try:
        made = writes.rewrite(caption, change)
    except LanguageError as problem:
        writes, fell_back = RuleRewriter(), _went_by_rules(problem)
        made = writes.rewrite(caption, change)
    return Rewritten(caption, change, made, writes.name, fell_back)


def _went_by_rules(problem: LanguageError) -> str:
    return f"Went by rules instead: {problem}"
