"""Why a hit of a query with words came: what each thing that was asked for gives, and which concepts words go by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError
from samekind.query.composing import USUAL, Mix
from samekind.query.composing.sliders import Sliders
from samekind.query.hits import Hit
from samekind.query.model import Part, Query, Where
from samekind.query.parts import SHOWN
from samekind.query.reasons import CONCEPT, REST, LeftOut, Split, Standing, Term, name_of, owed_most
from samekind.query.shown import Shown
from samekind.query.worded import Asked

NAMED_CONCEPTS = 5
"""So many concepts are named, those that give or take most; the others are one term."""
_NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class WordedHit:
    """One picture, by its ``row`` of a wording, and all that was ``asked``."""

    asked: Asked
    sliders: Sliders
    row: int

    @classmethod
    def of(cls, asked: Asked, sliders: Sliders, hit: Hit | str | Path | None) -> WordedHit:
        """A hit, or a picture by id or path; None: the first hit. Raises UsageError for what cannot be a hit."""
        ids, collection = asked.wording.ids, asked.collection
        if hit is None:
            if not len(asked.usable):
                raise UsageError(f"The query finds nothing in {collection.name}; ask for something else.")
            scores = asked.mix(sliders).scores
            return cls(asked, sliders, int(asked.usable[scores[asked.usable].argmax()]))
        (id_,) = collection.find([hit.id if isinstance(hit, Hit) else hit])
        if id_ not in ids:
            raise UsageError(f"Words know nothing of picture {id_}, which cannot be read any more; name another one.")
        row = ids.index(id_)
        if not asked.with_reference and (id_ in asked.shown.items or asked.copies()[row]):
            raise UsageError(
                f"Picture {id_} is part of the query itself or a copy of it, and so no hit; name another one, or "
                "ask with the reference among the hits."
            )
        return cls(asked, sliders, row)

    @property
    def id(self) -> str:
        """Of the picture."""
        return self.asked.wording.ids[self.row]

    @property
    def confidence(self) -> float:
        """As the search has it."""
        return float(self.asked.confidences(np.array([self.row]))[0])

    @property
    def beside(self) -> Part | None:
        """The part of the query with a picture that the score owes most to."""
        return owed_most(self.asked.query.shown, self.splits[0].terms)

    @cached_property
    def mix(self) -> Mix:
        """What was asked, weighed."""
        return self.asked.mix(self.sliders)

    @property
    def score(self) -> float:
        """As the search has it."""
        return float(self.mix.scores[self.row])

    @cached_property
    def splits(self) -> tuple[Split, ...]:
        """The score by what was asked, and by concepts where words go by any; each sums to it."""
        by_query = Split("query", tuple(self._by_query()))
        by_concept = tuple(self._by_concept())
        return (by_query, Split(CONCEPT, by_concept)) if by_concept else (by_query,)

    @property
    def standings(self) -> Iterator[Standing]:
        """Where the hit stands in the plain encoder's space, where there is another one, and in the order shown."""
        given = self.asked.shown
        if given.space and len(given.plain):
            plain = replace(self.asked, shown=replace(given, mapped=given.plain, space=None), tune=False)
            with suppress(UsageError):  # what the collection learned is of the tuned space alone
                yield self._standing("plain", plain, self.sliders)
        yield self._standing("composed", self.asked, self.sliders)

    @property
    def left_out(self) -> Iterator[LeftOut]:
        """What becomes of the hit without each part of the query, where there is a question without it."""
        for at, part in enumerate(self.asked.query.parts):
            if isinstance(part, Where):
                continue
            try:
                less = self._without(at)
                standing = self._standing("", less, self.sliders if less.query.worded else Sliders(USUAL, 1.0, 1.0))
            except UsageError:  # nothing is looked for any more, or the others cancel each other out
                continue
            kind = type(part).__name__.lower()
            yield LeftOut(name_of(part), kind, standing.score, standing.rank, self.score - standing.score)

    def _standing(self, step: str, asked: Asked, sliders: Sliders) -> Standing:
        """Among the pictures that the whole query can find."""
        scores = asked.mix(sliders).scores
        own, others = scores[self.row], scores[self.asked.usable]
        before = (others > own) | ((others == own) & (self.asked.usable < self.row))
        rank = int(before.sum()) + 1 if self.row in self.asked.usable else None
        return Standing(step, float(own), rank)

    def _without(self, at: int) -> Asked:
        parts = self.asked.query.parts
        less = Query(*parts[:at], *parts[at + 1 :])
        text = self.asked.text if less.words == self.asked.query.words else None
        keep = np.array([n != at for n, part in enumerate(parts) if isinstance(part, SHOWN)], np.bool_)
        return replace(self.asked, query=less, shown=_only(self.asked.shown, keep), text=text)

    def _by_query(self) -> Iterator[Term]:
        for name, values in self.mix.terms.items():
            found = (values[..., self.row] + 0.0).tolist()  # no -0.0
            match name:
                case "picture":
                    yield from self._by_picture(self.mix.weights[name])
                case "words":
                    yield from self._by_words(self.mix.weights[name])
                case "staying":
                    for keep, value in zip(self.asked.query.keeps, found, strict=True):
                        yield Term(name_of(keep), "keep", value)
                case "vanishing" | "drops":
                    for text, value in zip(self.asked.vanishing, found, strict=True):
                        yield Term(f'dropping "{text}"', "drop", value)
                case _:
                    yield Term(self._called(name), name, found)

    def _called(self, row: str) -> str:
        """What a row of a Given that no part of the query stands for by itself is called."""
        text = self.asked.rewritten
        before, after, change = (text.caption or text.text, text.text, text.change) if text else ("", "", "")
        return {
            "beyond": "the cap on words",
            "caption": f'"{before}" (before)',
            "edited": f'"{after}" (after)',
            "said_caption": f'"{before}" (in captions)',
            "said_words": f'"{change}" (in captions)',
            "learned": "what was learned",
        }[row]

    def _by_picture(self, weight: float) -> Iterator[Term]:
        """What is shown, part by part: together they are one vector, the weighted sum of theirs over its length."""
        shown, picture = self.asked.shown, self.asked.picture
        if picture is None:
            return
        stored = self.asked.collection.vectors(self.asked.tune).matrix[self.asked.wording.rows]
        above = stored[self.row] - stored.mean(axis=0, dtype=np.float64)
        spread = float(picture.std())
        counted = weight / spread if spread > _NOTHING else 0.0
        length = float(np.linalg.norm(shown.pulls @ shown.mapped))
        values = counted * shown.pulls * (shown.mapped @ above[: shown.mapped.shape[1]]) / length
        for part, value in zip(self.asked.query.shown, values.tolist(), strict=True):
            yield Term(name_of(part), type(part).__name__.lower(), value)
        if shown.space:
            yield Term("being near to everything", "hubs", counted * float(above[-1]))

    def _by_words(self, weight: float) -> Iterator[Term]:
        """The words by what pictures show, by a wider kind, and by what is written beside them."""
        asked = self.asked
        found = asked.wording.scores([part.text for part in asked.query.words]).astype(np.float64)
        above = found[:, self.row] - found.mean(axis=1)
        for part, share, value in zip(asked.query.words, self._shares, above.tolist(), strict=True):
            yield Term(name_of(part), "words", weight * asked.measure * share * value)
        if asked.widened:
            wider = float(asked.widened.adds[self.row] - asked.widened.adds.mean(dtype=np.float64))
            yield Term(f"the wider kind {asked.widened.kind!r}", "wider", weight * asked.measure * wider)
        if asked.matched is not None:
            for name, value in asked.said(self.row).items():
                yield Term(name, "named", weight * value)
            usual = float(asked.matched.mean())
            yield Term("named beside the average picture", "named", -weight * asked.lift * usual)

    @property
    def _shares(self) -> list[float]:
        weights = np.array([part.weight for part in self.asked.query.words])
        return (weights / max(weights.sum(), _NOTHING)).tolist()  # type: ignore[no-any-return]

    def _by_concept(self) -> Iterator[Term]:
        """The same score, the texts by what they share with the picture, and all else that was asked for in one."""
        asked, totals = self.asked, defaultdict[tuple[str, str], float](float)
        for text, counted in self._texts():
            for term in asked.wording.shared(text, self.row):
                totals[term.kind, term.name] += counted * term.value
        terms = [Term(name, kind, value) for (kind, name), value in totals.items()]
        if not terms:
            return
        ordered = sorted(terms, key=lambda term: -abs(term.value))
        named = [term for term in ordered if term.kind == CONCEPT][:NAMED_CONCEPTS]
        told = [term for term in ordered if term in named or term.kind != CONCEPT]
        yield from (term for term in told if term.value)
        whole = sum(term.value for term in terms)
        if len(terms) > len(told):
            yield Term("every other concept", "concepts", whole - sum(term.value for term in told))
        if self.mix.terms.keys() - {"words", "caption", "edited"} or asked.matched is not None or asked.widened:
            yield Term("all else", REST, self.score - whole)

    def _texts(self) -> Iterator[tuple[str, float]]:
        """What is scored by what pictures show, and what 1 more in such a score counts."""
        asked, weights, text = self.asked, self.mix.weights, self.asked.rewritten
        if "words" in self.mix.terms:
            for part, share in zip(asked.query.words, self._shares, strict=True):
                yield part.text, weights["words"] * asked.measure * share
        if text and asked.words is not None:
            spread = max(float(asked.words.std()), _NOTHING)
            if "edited" in self.mix.terms:
                yield text.text, weights["edited"] / spread
            if "caption" in self.mix.terms:
                yield text.caption, weights["caption"] / spread


def _only(given: Shown, keep: NDArray[np.bool_]) -> Shown:
    """With some of what is shown."""
    rows = {name: getattr(given, name)[keep] for name in ("plain", "mapped", "pulls", "marks")}
    return replace(given, **rows)
