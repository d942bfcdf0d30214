"""What a search found, and how it shows itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from samekind.query.elsewhere import Also
    from samekind.query.understood import Understood
    from samekind.query.worded import Asked

_SHOWN_FROM = 0.05
_BY_PARTS = {"mine": "what is a part of your picture", "theirs": "pictures of which yours is a part"}
WEAK_BELOW = 0.5
"""Confidence below which a hit is shown as weak."""

COLLAPSE_AT = 0.99
"""At .97 a quarter of the drawings of omniglot would vanish under others; at .99 none, and copies still do."""
"""Cosine of two plain vectors from which on two pictures count as near-duplicates.

Chosen with dino on birds, flowers, grocery and clothing: 79 % or more of mild copies (JPEG at quality 40, half size,
95 % crop, mirror, 15 % brighter) reach it, and 8 of 1,718 other pictures of the three sets without true duplicates.
With lite fewer copies do, so that it errs on the side of showing them."""


@dataclass(frozen=True)
class Hit:
    """One picture that was found.

    ``score`` is the cosine in the searched space, ``confidence`` 0..1 by the collection's own calibration.
    ``copies`` are the ids of near-duplicates that stand behind this hit. ``same_file`` marks the very file that was
    asked with. With words in the query the score says by how many standard deviations a picture exceeds the
    collection's average, and ``roles`` what each thing that was asked for gives, in the same measure; a role such as
    "named kettle (file, caption)" says which words stand beside the picture and what of "words" comes from that.
    """

    rank: int
    id: str
    root: str
    path: str
    file: Path
    score: float
    confidence: float
    same_file: bool = False
    copies: tuple[str, ...] = ()
    columns: Mapping[str, str | int | float | None] = field(default_factory=dict)
    roles: Mapping[str, float] = field(default_factory=dict)

    @property
    def weak(self) -> bool:
        """True below the confidence from which on a match can be relied on."""
        return self.confidence < WEAK_BELOW

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; the person's columns under ``columns``, with "kind" once kinds were found."""
        return {
            "rank": self.rank,
            "path": self.path,
            "id": self.id,
            "score": round(self.score, 6),
            "confidence": round(self.confidence, 6),
            "root": self.root,
            "file": str(self.file),
            "same_file": self.same_file,
            "copies": len(self.copies),
            "copy_ids": list(self.copies),
            "columns": dict(self.columns),
            "roles": {name: round(part, 4) for name, part in self.roles.items()},
        }


@dataclass(frozen=True)
class Seconds:
    """Wall seconds: loading the encoder, decoding and encoding the query, searching."""

    load: float = 0.0
    encode: float = 0.0
    search: float = 0.0

    def to_dict(self) -> dict[str, float]:
        """JSON-ready, in milliseconds' precision."""
        return {"load": round(self.load, 4), "encode": round(self.encode, 4), "search": round(self.search, 4)}


@dataclass(frozen=True, eq=False)
class Hits(Sequence[Hit]):
    """The hits of one search, best first; thresholds can be moved afterwards without searching again.

    ``candidates`` are all pictures that were fetched, best first, and ``vectors`` (n, dim) their plain vectors; what is
    shown follows from them, ``k`` and the thresholds. After ``marks`` on hits, with an ``eye`` (its name), with a
    ``granularity`` above 0 or by ``parts``, the order is that of the marks, the eye, the wider kind or the parts, while
    scores and confidences belong to the ``fine`` search, whose hits are kept to compare with. ``understood`` says how
    words were taken, ``also`` which other collections were asked the same, and ``asked`` holds what ``slid`` needs.
    """

    candidates: tuple[Hit, ...]
    vectors: NDArray[np.float32]
    collection: str
    encoder: str
    tuned: bool
    k: int
    min_confidence: float = 0.0
    min_score: float | None = None
    collapse: float | None = COLLAPSE_AT
    seconds: Seconds = field(default_factory=Seconds)
    granularity: float = 0.0
    marks: int = 0
    parts: str = ""
    eye: str = ""
    fine: Hits | None = None
    understood: Understood | None = None
    also: tuple[Also, ...] = ()
    asked: Asked | None = field(default=None, repr=False)

    @cached_property
    def _shown(self) -> tuple[Hit, ...]:
        good = [n for n, hit in enumerate(self.candidates) if self.passes(hit)]
        groups = group_copies(self.vectors[good], self.collapse, self.k)
        return tuple(
            replace(
                self.candidates[good[first]],
                rank=rank,
                copies=tuple(self.candidates[good[other]].id for other in others),
            )
            for rank, (first, *others) in enumerate(groups, 1)
        )

    def passes(self, hit: Hit) -> bool:
        """Whether a hit reaches both thresholds."""
        return hit.confidence >= self.min_confidence and (self.min_score is None or hit.score >= self.min_score)

    def __len__(self) -> int:
        return len(self._shown)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Hit]: ...
    def __getitem__(self, index: int | slice) -> Hit | Sequence[Hit]:
        return self._shown[index]

    def __iter__(self) -> Iterator[Hit]:
        return iter(self._shown)

    def __repr__(self) -> str:
        best = f", best {self[0].path} at {self[0].confidence:.0%}" if self else ""
        return f"<Hits: {len(self)} in {self.collection}{best}>"

    @property
    def nothing_here(self) -> bool:
        """True when no hit reaches the confidence of a match: the collection holds nothing of this kind.

        Asked of the fine search, whatever marks and granularity say; of parts, which have no confidence, never.
        """
        return not self.parts and all(hit.weak for hit in self._same_of_fine())

    @property
    def weak_last(self) -> bool:
        """Whether weak hits stand behind all others, as in the order of the confidence."""
        return self.fine is None and not any(one.weak and not after.weak for one, after in pairwise(self))

    @property
    def no_effect(self) -> bool:
        """True when marks, an eye or a granularity were given and change neither hits nor their order."""
        return self.fine is not None and [hit.id for hit in self] == [hit.id for hit in self._same_of_fine()]

    def _same_of_fine(self) -> Hits:
        """What the fine search shows with the same thresholds."""
        if self.fine is None:
            return self
        return replace(self.fine, min_confidence=self.min_confidence, min_score=self.min_score, collapse=self.collapse)

    def at_least(self, confidence: float) -> Hits:
        """The same search with another least confidence (0..1)."""
        return replace(self, min_confidence=check_confidence(confidence))

    def above(self, score: float | None) -> Hits:
        """The same search with another least score, or none."""
        return replace(self, min_score=score)

    def collapsed(self, threshold: float | None) -> Hits:
        """The same search with another threshold for near-duplicates (cosine of plain vectors); None shows all.

        Acts on the pictures that were fetched, so a lower threshold can leave fewer than ``k`` hits.
        """
        return replace(self, collapse=check_collapse(threshold))

    def slid(self, method: str | None = None, change: float | None = None, keep: float | None = None) -> Hits:
        """The same picture and words composed in another way or at other sliders; nothing is encoded again.

        Raises UsageError for hits of a query without words, an unknown method and an impossible value.
        """
        from samekind.query.composing.sliders import Sliders
        from samekind.query.worded import hits_of

        if self.asked is None:
            raise UsageError("There are no words in this query that could be composed in another way.")
        return hits_of(self.asked, self, Sliders(method, change, keep))

    def timed(self, seconds: Seconds) -> Hits:
        """The same hits with the time they took."""
        return replace(self, seconds=seconds)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: hits and how they came about."""
        return {
            "hits": [hit.to_dict() for hit in self],
            "encoder": self.encoder,
            "collection": self.collection,
            "tuned": self.tuned,
            "k": self.k,
            "min_confidence": self.min_confidence,
            "min_score": self.min_score,
            "collapse": self.collapse,
            "granularity": self.granularity,
            "marks": self.marks,
            "parts": self.parts or None,
            "eye": self.eye or None,
            "no_effect": self.no_effect,
            "understood": self.understood.to_dict() if self.understood else None,
            "also": [one.to_dict() for one in self.also],
            "collapsed": sum(len(hit.copies) for hit in self),
            "nothing_here": self.nothing_here,
            "seconds": self.seconds.to_dict(),
        }

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def to_jsonl(self) -> str:
        """One JSON object a line and hit; empty text without hits."""
        return "".join(json.dumps(hit.to_dict(), ensure_ascii=False) + "\n" for hit in self)

    def paths(self, end: str = "\n") -> str:
        """Absolute paths, each followed by ``end`` (a NUL keeps names with newlines apart)."""
        return "".join(f"{hit.file}{end}" for hit in self)

    def to_table(self) -> Table:
        """A rich table; weak hits stand dimmed, below a line where they come last."""
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        for name, side in (
            ("", "right"),
            ("confidence", "right"),
            ("score", "right"),
            ("picture", "left"),
            ("", "left"),
        ):
            table.add_column(name, justify=side, overflow="fold")  # type: ignore[arg-type]
        weak_before = not self.weak_last
        for hit in self:
            if hit.weak and not weak_before:
                table.add_row("", "", "", "── weak from here ──", "", style="dim")
                weak_before = True
            table.add_row(
                str(hit.rank),
                f"{hit.confidence:.0%}",
                f"{hit.score:.3f}",
                escape(hit.path),
                escape(remark(hit) or said_roles(hit)),
                style="dim" if hit.weak else None,
            )
        return table


def remark(hit: Hit) -> str:
    """What is said beside a hit: whether it is the file asked with, how alike by parts, how many copies behind it."""
    count = len(hit.copies)
    copies = f"+{count} {'copy' if count == 1 else 'copies'}" if count else ""
    parts = f"parts {hit.roles['parts']:.2f}" if "parts" in hit.roles else ""
    return ", ".join(filter(None, ("the same file" if hit.same_file else "", parts, copies)))


def said_roles(hit: Hit) -> str:
    """What each thing that was asked for gives to a hit, where there were several."""
    parts = [f"{name} {part:+.1f}" for name, part in hit.roles.items() if abs(part) >= _SHOWN_FROM]
    return ", ".join(parts) if len(hit.roles) > 1 else ""


def about_order(hits: Hits) -> str:
    """What an eye, marks, a granularity or parts did to these hits, in words; nothing for a fine search."""
    if hits.fine is None:
        return ""
    if hits.parts:
        return f"ordered by parts: {_BY_PARTS[hits.parts]}; score and confidence are of whole pictures"
    marks = f"{hits.marks} mark{'s' * (hits.marks > 1)}" if hits.marks else ""
    eye = f"eye {hits.eye}" if hits.eye else ""
    given = [one for one in (eye, marks, f"granularity {hits.granularity:g}" if hits.granularity else "") if one]
    asked = " and ".join(given)
    if hits.no_effect:
        verb = "have" if hits.marks > 1 or len(given) > 1 else "has"
        return f"{asked} {verb} no effect here: these are the hits of the fine search"
    by = "the wider kind" if hits.granularity else "what was liked and disliked"
    return f"{asked}: ordered by {by}; score and confidence are of the fine search"


def group_copies(vectors: NDArray[np.float32], threshold: float | None, k: int) -> list[list[int]]:
    """Rows best first -> at most k groups, each a row and the near-duplicates behind it, in order.

    ``vectors`` (n, dim) float32 rows of unit length. A row joins the first group whose leading row it resembles with a
    cosine of at least ``threshold``; None joins nothing. Ours.
    """
    if threshold is None:
        return [[n] for n in range(min(k, len(vectors)))]
    groups: list[list[int]] = []
    alike = vectors @ vectors.T >= threshold
    for n in range(len(vectors)):
        for group in groups:
            if alike[group[0], n]:
                group.append(n)
                break
        else:
            groups.append([n])
    return groups[:k]


def check_count(k: int) -> int:
    """The same value; UsageError below 1."""
    if k < 1:
        raise UsageError(f"The number of hits wanted must be at least 1, not {k}.")
    return k


def check_confidence(confidence: float) -> float:
    """The same value; UsageError outside 0..1."""
    if not 0 <= confidence <= 1:
        raise UsageError(f"A least confidence must lie between 0 and 1, not {confidence}.")
    return confidence


def check_collapse(threshold: float | None) -> float | None:
    """The same value; UsageError outside 0..1."""
    if threshold is not None and not 0 < threshold <= 1:
        raise UsageError(f"A threshold for near-duplicates must lie above 0 and at most at 1, not {threshold}.")
    return threshold
