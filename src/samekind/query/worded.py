"""Queries with words: every picture scored for each thing that was asked, composed into one ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.query.composing import METHODS, USUAL, Given, Mix, mixed, standard
from samekind.query.composing.given import ROLES, Weights
from samekind.query.composing.sliders import LEARNED, Sliders
from samekind.query.filling import candidates, confidence, rows_of
from samekind.query.hits import COLLAPSE_AT, Hits
from samekind.query.in_words import in_words
from samekind.query.language.composed import Rewritten
from samekind.query.language.rules import understood
from samekind.query.learned.evidence import ROWS
from samekind.query.learned.saved import accepted_head
from samekind.query.looking import summed
from samekind.query.model import Query
from samekind.query.named import NAMED, SURE, Named
from samekind.query.shown import Shown
from samekind.query.understood import Heard, Understood, heard
from samekind.query.unknown import Widened, widened
from samekind.query.wordings import Wording

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.collection.where import Where

_SPARE = 64


@dataclass(frozen=True, eq=False)
class Asked:
    """One query of a collection that knows words; what it costs to ask is paid once, whatever the sliders say then.

    ``shown`` are its pictures and items, ``text`` is the reference after the change, where the person wrote that.
    ``named`` are texts that the pictures have; None: they are not looked at, as in all that measures pictures with
    labels, whose names hold the answer. ``where`` says which pictures count, ``with_reference``
    whether the reference and its copies do. All scores (n,) are of ``wording.ids``; ``scored`` are those of its texts
    that are known already.
    """

    collection: Collection
    wording: Wording
    query: Query
    shown: Shown
    tune: bool
    text: str | None = None
    named: Named | None = None
    where: str | Where | None = None
    with_reference: bool = False
    scored: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    @cached_property
    def picture(self) -> NDArray[np.float32] | None:
        """Scores of the reference in the searched space."""
        if not len(self.shown.plain):
            return None
        asked = self.shown.side_of(summed(self.shown.mapped, self.shown.pulls))
        stored = self.collection.vectors(self.tune).matrix
        return np.asarray((stored @ asked)[self.wording.rows], np.float32)

    @cached_property
    def words(self) -> NDArray[np.float32] | None:
        """Scores of the words, weighed."""
        weights = np.array([part.weight for part in self.query.words], np.float32)
        if not weights.any():
            return None
        found = self._scores([part.text for part in self.query.words])
        return np.asarray(weights @ found / weights.sum(), np.float32)

    @cached_property
    def widened(self) -> Widened | None:
        """The wider kind that is searched for as well, where words stand alone and no picture stands out for them."""
        texts = [part.text for part in self.query.words if part.weight]
        if self.query.shown or len(texts) != 1 or self.words is None or self.sure_of_words is None:
            return None
        return widened(self.wording, texts[0], self.words, float(self.sure_of_words.max()))

    @cached_property
    def counted(self) -> NDArray[np.float32] | None:
        """Scores of the words as they order pictures: with the wider kind."""
        if self.words is None or self.widened is None:
            return self.words
        return self.words + self.widened.adds

    @cached_property
    def matched(self) -> NDArray[np.float64] | None:
        """How far the pictures' own texts hold the words, 0 to 1, weighed; None where no text holds any."""
        weights = np.array([part.weight for part in self.query.words])
        if self.named is None or not weights.any():
            return None
        found = np.stack([self.named.matched(part.text) for part in self.query.words])
        matched = weights @ found / weights.sum()
        return np.asarray(matched) if matched.any() else None

    @cached_property
    def keeps(self) -> NDArray[np.float32]:
        """(m, n) scores of what must stay."""
        return self._scores([part.text for part in self.query.keeps])

    @cached_property
    def rewritten(self) -> Rewritten | None:
        """The reference in words and the words after it; None where there is no reference picture or no words."""
        return in_words(self.collection, self.query, self.text)

    @cached_property
    def vanishing(self) -> tuple[str, ...]:
        """What must not be there: what was said so, and what English words like "without" take away."""
        said = [name for part in self.query.words for name in understood("", part.text).drops]
        return tuple(dict.fromkeys([*(part.text for part in self.query.drops), *said]))

    def given(self, method: str) -> Given:
        """All of it in one measure; the reference in words only where the ``method`` has a use for it."""
        return replace(self._bare, **self._said) if _captions(method) else self._bare

    def mix(self, sliders: Sliders) -> Mix:
        """What each thing that was asked for counts; words alone are as they are, whatever the two sliders say.

        Raises UsageError for sliders that cannot be, and where what the collection learned may not be used.
        """
        method, change, keep = sliders.usual()
        given = self.given(method)
        if given.picture is None:
            return mixed(given, USUAL if method == LEARNED else method, 1.0, 0.0)
        return self._learned(given, change, keep) if method == LEARNED else mixed(given, method, change, keep)

    def _learned(self, given: Given, change: float, keep: float) -> Mix:
        head = accepted_head(self.collection, self.tune)
        stored = self.collection.vectors(self.tune).matrix[self.wording.rows]
        weights: Weights = dict.fromkeys((row for counts in ROWS.values() for row in counts), 0.0)
        for part, weight in zip(ROWS.values(), head.weighed(change, keep), strict=True):
            for row, count in part.items():
                weights[row] += count * float(weight)
        moved = head.moved(stored, self.query.change, change, keep)
        return Mix(replace(given, learned=moved), weights | ROLES | {"learned": 1.0})

    @cached_property
    def _bare(self) -> Given:
        return Given(
            picture=None if self.picture is None else standard(self.picture),
            words=self._words,
            keeps=standard(self.keeps),
            drops=standard(self._scores(self.vanishing)),
        )

    @cached_property
    def _words(self) -> NDArray[np.float32] | None:
        """The words in one measure, with what the pictures' own texts add."""
        if self.counted is None or self.matched is None:
            return None if self.counted is None else standard(self.counted)
        return standard(standard(self.counted) + NAMED * self.matched)

    @cached_property
    def _said(self) -> dict[str, NDArray[np.float32]]:
        """What the reference in words, before and after the change, gives to each picture."""
        if self.words is None or self.rewritten is None:
            return {}
        spread = max(float(self.words.std()), 1e-9)
        caption, edited = self.rewritten.caption or self.rewritten.text, self.rewritten.text
        scores = self.wording.scores([caption, edited])
        scores = (scores - scores.mean(axis=1, keepdims=True)) / spread
        found = {"edited": scores[1]}
        if self.rewritten.caption:
            found["caption"] = scores[0]
        said = self.wording.said_scores([caption, self.rewritten.change])
        if said is not None:
            found["said_caption"], found["said_words"] = standard(said)
        return found

    def confidences(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """How sure the picture and the words are of these rows, on average."""
        sure = []
        if self.picture is not None:
            sure.append(confidence(self.collection, self.picture[rows], self.collection.tuned and self.tune))
        if self.counted is not None:
            sure.append(self._sure(self.counted, rows))
        sure += [self.wording.confidence(scores[rows]) for scores in self.keeps]
        return np.asarray(np.mean(sure, axis=0), np.float64)

    @cached_property
    def sure_of_words(self) -> NDArray[np.float64] | None:
        """(n,) how sure what pictures show is of the words, or else what is written beside them."""
        return None if self.words is None else self._sure(self.words, np.arange(len(self.words)))

    def _sure(self, scores: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.float64]:
        sure = self.wording.confidence(scores[rows])
        return sure if self.matched is None else sure + (1 - sure) * SURE * self.matched[rows]

    def said(self, row: int) -> dict[str, float]:
        """Which words are written beside a picture and where, and what that adds to its score for the words."""
        if self.named is None or self.matched is None or not self.matched[row]:
            return {}
        texts = [part.text for part in self.query.words if part.weight]
        return {f"named {self.named.said(row, texts)}": float(self.lift * self.matched[row])}

    @cached_property
    def lift(self) -> float:
        """What a full match adds to the words' scores, in the measure that they end up in."""
        if self.counted is None or self.matched is None:
            return 0.0
        return NAMED / float((standard(self.counted) + NAMED * self.matched).std())

    @cached_property
    def measure(self) -> float:
        """What 1 more in the words' scores is in the measure that they end up in."""
        spread = 0.0 if self.counted is None else float(self.counted.std())
        if spread <= 1e-9:
            return 0.0
        return (1.0 if self.matched is None else self.lift / NAMED) / spread

    def copies(self) -> NDArray[np.bool_]:
        """(n,) which pictures are the reference, or near-duplicates of it."""
        shown = [part in self.query.references for part in self.query.shown]
        if not any(shown):
            return np.zeros(len(self.wording.ids), np.bool_)
        return np.asarray((self.wording.looks @ self.shown.plain[shown].T).max(axis=1) >= COLLAPSE_AT)

    @cached_property
    def usable(self) -> NDArray[np.intp]:
        """The rows that can be hits: what passes, and unless asked no reference, copy of it, or stored item named."""
        out = np.zeros(len(self.wording.ids), np.bool_) if self.with_reference else self.copies()
        ids = self.wording.ids
        left = set() if self.with_reference else set(self.shown.items)
        if left or self.where is not None:
            passing = set(ids) if self.where is None else self.collection.passing(self.where)
            out |= np.array([id_ in left or id_ not in passing for id_ in ids], np.bool_)
        return np.flatnonzero(~out)

    @cached_property
    def heard(self) -> tuple[Heard, ...]:
        """How each text was understood."""
        return tuple(heard(self.texts, self.wording.sentences))

    @cached_property
    def cut(self) -> tuple[str, ...]:
        """Which texts were too long."""
        return self.wording.cut(self.texts)

    @property
    def texts(self) -> list[str]:
        """What is looked for, what counts first, what must stay and what must not be there."""
        said = [part.text for part in sorted(self.query.words, key=lambda part: not part.weight)]
        return [*said, *(part.text for part in self.query.keeps), *self.vanishing]

    def _scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(t, n) how well each picture shows each text."""
        lacking = [text for text in dict.fromkeys(texts) if text not in self.scored]
        self.scored.update(zip(lacking, self.wording.scores(lacking), strict=True))
        rows = [self.scored[text] for text in texts]
        return np.stack(rows) if rows else np.zeros((0, len(self.wording.ids)), np.float32)

    def roles(self, given: Given) -> dict[str, NDArray[np.float32]]:
        """The part of each role in a hit: scores (n,) by what was asked."""
        found = {} if given.picture is None else {"picture": given.picture}
        if given.words is not None:
            found["words"] = given.words
        found |= {f"keep {part.text}": row for part, row in zip(self.query.keeps, given.keeps, strict=True)}
        found |= {f"not {text}": row for text, row in zip(self.vanishing, given.drops, strict=True)}
        return found


def score_at_once(asked: Sequence[Asked]) -> None:
    """Scores all texts of several queries of one collection in one call."""
    texts = list(dict.fromkeys(text for one in asked for text in one.texts))
    if texts:
        scored = dict(zip(texts, asked[0].wording.scores(texts), strict=True))
        for one in asked:
            one.scored.update(scored)


def hits_of(asked: Asked, bare: Hits, sliders: Sliders) -> Hits:
    """The hits, best first; a score says by how many standard deviations a picture exceeds the collection's average.

    Asked again with other sliders nothing is encoded, and what was scored stays.
    """
    method, change, keep = sliders.usual()
    mix = asked.mix(sliders)
    scores = mix.scores
    about = Understood(
        method="" if mix.given.picture is None else method,
        change=change,
        keep=keep,
        rewritten=asked.rewritten if _captions(method) else None,
        texts=asked.heard,
        cut=asked.cut,
        sure=float(asked.sure_of_words.max()) if asked.sure_of_words is not None else None,
        looked_up=asked.named.sources if asked.named else (),
        wider=asked.widened.kind if asked.widened else "",
    )
    told, roles = replace(bare, understood=about, asked=asked), asked.roles(mix.given)
    fetch = bare.k + _SPARE
    while True:  # as many as make k hits once copies collapse, or all
        hits = _filled(asked, told, _best(scores, asked.usable, fetch), scores, roles)
        if len(hits) == bare.k or fetch >= len(asked.usable):
            return hits
        fetch *= 4


def _captions(method: str) -> bool:
    """Whether a method has a use for the reference in words."""
    return method == LEARNED or METHODS[method].captions


def _best(scores: NDArray[np.float32], rows: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """The ``count`` of these rows with the highest scores, best first."""
    if count < len(rows):
        rows = rows[np.argpartition(-scores[rows], count)[:count]]
    return rows[np.argsort(-scores[rows], kind="stable")]


def _filled(
    asked: Asked,
    bare: Hits,
    rows: NDArray[np.intp],
    scores: NDArray[np.float32],
    roles: dict[str, NDArray[np.float32]],
) -> Hits:
    ids = [asked.wording.ids[row] for row in rows]
    found = candidates(
        asked.collection, rows_of(asked.collection, ids), scores[rows], asked.confidences(rows), asked.shown.hashes
    )
    with_roles = tuple(
        replace(hit, roles={name: float(part[row]) for name, part in roles.items()} | asked.said(int(row)))
        for hit, row in zip(found, rows, strict=True)
    )
    return replace(bare, candidates=with_roles, vectors=asked.wording.looks[rows])
