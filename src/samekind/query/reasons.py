"""Reasons for a hit, as numbers, and as one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samekind.query.geometry import Same
from samekind.query.matching import Match
from samekind.query.model import Drop, Keep, Like, Part, Picture, Unlike, Words

CONCEPT, REST = "concept", "rest"
"""The split by named concepts, and the kind of its term for all that is no words."""
_WITHOUT = {"eye": "without the eye", "marks": "without the marks", "parts": "by whole pictures"}
"""What is said of the standing before these steps, when the last one is one of them."""
_BEFORE = {"plain": "untuned", "map": "without the hub correction"}
"""What is said of these standings else."""


@dataclass(frozen=True)
class Term:
    """A contribution to a score: whose, of what kind ("encoder", "picture", "like", "hubs", ...), how much."""

    name: str
    kind: str
    value: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"name": self.name, "kind": self.kind, "value": round(self.value, 6)}


@dataclass(frozen=True)
class Split:
    """One way to split a score: ``by`` says of what its ``terms`` are parts; they sum to the score."""

    by: str
    terms: tuple[Term, ...]

    @property
    def total(self) -> float:
        """The sum of the terms."""
        return sum(term.value for term in self.terms)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"by": self.by, "total": round(self.total, 6), "terms": [term.to_dict() for term in self.terms]}


@dataclass(frozen=True)
class Standing:
    """Score and rank after a step: "plain" (the encoder alone), "map" and "hubs" (tuning), "eye", "marks", "parts".

    With words the steps are "plain" and "composed". ``rank`` is None beyond what was counted. After marks and by parts
    scores are on another scale than before.
    """

    step: str
    score: float
    rank: int | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"step": self.step, "score": round(self.score, 6), "rank": self.rank}


@dataclass(frozen=True)
class LeftOut:
    """Score and rank in the final order without one part of the query; ``drop`` is how much the score falls.

    Where there are marks, a score is on another scale without one of them: then the ranks say more. So they do with
    words: what is left is asked with the same sliders, and words alone, or a picture alone, count in full.
    """

    name: str
    kind: str
    score: float
    rank: int | None
    drop: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        numbers = {"score": round(self.score, 6), "rank": self.rank, "drop": round(self.drop, 6)}
        return {"name": self.name, "kind": self.kind, **numbers}


@dataclass(frozen=True, eq=False)
class Reasons:
    """Why a picture was found.

    Each of ``splits`` sums to ``score``: "encoder" and "query", or with words "query" and "concept", in which named
    concepts that words and picture share stand for the words. ``standings`` go from the plain encoder to the order that
    is shown, ``left_out`` has the parts of the query that its place owes most to first; it is empty where there is one
    only.
    ``beside`` is the part of the query whose picture is laid beside the hit in ``match``, and ``same`` says how far
    the two show the very same thing; where these are None, ``why_no_match`` says why.
    """

    id: str
    path: str
    file: Path
    score: float
    confidence: float
    splits: tuple[Split, ...]
    standings: tuple[Standing, ...]
    left_out: tuple[LeftOut, ...]
    beside: Part | None
    match: Match | None
    same: Same | None
    why_no_match: str

    @property
    def rank(self) -> int | None:
        """Among all that could be found, copies counted one by one."""
        return self.standings[-1].rank

    @property
    def telling(self) -> tuple[Split, ...]:
        """The splits that say something: those by more than one thing, hubs aside, or else the first."""
        several = [split for split in self.splits if sum(term.kind != "hubs" for term in split.terms) > 1]
        return tuple(several) or self.splits[:1]

    @property
    def sentence(self) -> str:
        """All of it in one sentence of plain English."""
        said = [f"{self.path} comes {_place(self.rank)} with a score of {self.score:.2f} ({self.confidence:.0%} sure)"]
        if self.match and self.beside:
            asked, found = _where(self.match.asked.peak), _where(self.match.found.peak)
            said.append(f"{found} of it looks most like {asked} of {name_of(self.beside)}")
            if self.same and self.same.sure:
                said.append(f"both show the very same thing{', mirrored' if self.same.mirrored else ''}")
        said += [text for text in (self._terms(), self._concepts(), self._steps(), self._parts()) if text]
        return f"{said[0]}: {'; '.join(said[1:])}." if said[1:] else f"{said[0]}."

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.id,
            "path": self.path,
            "file": str(self.file),
            "rank": self.rank,
            "score": round(self.score, 6),
            "confidence": round(self.confidence, 6),
            "sentence": self.sentence,
            "splits": [split.to_dict() for split in self.splits],
            "standings": [standing.to_dict() for standing in self.standings],
            "left_out": [one.to_dict() for one in self.left_out],
            "beside": name_of(self.beside) if self.beside else None,
            "match": self.match.to_dict() if self.match else None,
            "same": self.same.to_dict() if self.same else None,
            "why_no_match": self.why_no_match,
        }

    def _terms(self) -> str:
        """The way to split the score that says most, the largest terms first."""
        asked = [split for split in self.telling if split.by != CONCEPT] or self.telling
        terms = max((split.terms for split in asked), key=len, default=())
        return _said(terms, 3) if len(terms) > 1 else ""

    def _concepts(self) -> str:
        """What the words' part is made of, where the parts of the query were told before."""
        by = next((split for split in self.telling if split.by == CONCEPT), None)
        if by is None or len(self.telling) < 2:
            return ""
        return f"in the words {_said([term for term in by.terms if term.kind != REST], 2)}"

    def _steps(self) -> str:
        """What was before the last of eye, marks or parts, or else before the step of tuning that it owes most to."""
        *before, last = self.standings
        compared = before[-1:] if last.step in _WITHOUT else before
        other = [one for one in compared if one.rank != last.rank]
        if not other:
            return ""
        far = max(other, key=lambda one: abs((one.rank or 10**9) - (last.rank or 10**9)))
        return f"{_WITHOUT.get(last.step) or _BEFORE[far.step]} it would come {_place(far.rank)}"

    def _parts(self) -> str:
        """The part of the query whose absence would cost it most."""
        if not self.left_out or self.rank is None or (self.left_out[0].rank or self.rank + 1) <= self.rank:
            return ""
        return f"without {self.left_out[0].name} it would come {_place(self.left_out[0].rank)}"


def _said(terms: Sequence[Term], count: int) -> str:
    """The largest terms."""
    ordered = sorted(terms, key=lambda term: -abs(term.value))[:count]
    return ", ".join(f"{term.name} {'gives' if term.value >= 0 else 'takes'} {abs(term.value):.2f}" for term in ordered)


def _place(rank: int | None) -> str:
    if rank is None:
        return "far behind"
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"


def _where(peak: tuple[float, float]) -> str:
    """A place of a picture in words."""
    across, down = (min(int(3 * share), 2) for share in peak)
    if (across, down) == (1, 1):
        return "the middle"
    sides = [("top", "", "bottom")[down], ("left", "", "right")[across]]
    return "the " + " ".join(filter(None, sides))


def owed_most(parts: Sequence[Part], terms: Sequence[Term]) -> Part | None:
    """Of these parts of a query the one with a picture whose term is greatest; ``terms`` begin with theirs."""
    some = [
        (term.value, -n)
        for n, (part, term) in enumerate(zip(parts, terms, strict=False))
        if isinstance(part, Picture | Like)
    ]
    return parts[-max(some)[1]] if some else None


def name_of(part: Part) -> str:
    """What a part of a query is called in reasons."""
    match part:
        case Picture(source=Path() as source):
            return source.name
        case Picture():
            return "the picture"
        case Like(item=item) | Unlike(item=item):
            return str(item)
        case Words(text=text):
            return f'"{text}"'
        case Keep(text=text):
            return f'keeping "{text}"'
        case Drop(text=text):
            return f'dropping "{text}"'
    return "the vector"
