"""Words by what pictures show, for encoders that know no words themselves: `meaning/` and colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.errors import UsageError
from samekind.meaning import MeaningSpace, concept_names, sentence_vectors, split_concepts
from samekind.meaning.colours import COLOURS, named, share_named
from samekind.meaning.concepts import sharpened
from samekind.meaning.shipped import class_vectors
from samekind.query.reasons import Term
from samekind.query.wordings.base import LOOKED_AT, NEAR_ALL, Wording, concept

if TYPE_CHECKING:
    from samekind.collection import Collection

COLOUR, ALL_COLOUR = 0.2, 0.5
"""What a named colour adds to a score where all of a picture has it, and how much more where a text names nothing else:
chosen on birds, flowers, grocery and clothing."""
HUB, HUB_NAMES = 0.3, 10
"""How much of what a picture scores for its nearest so many classes is taken off: some pictures are near to all words.
Chosen on the same sets."""
_CENTRED_ON = 20_000
_BLOCK = 10_000


def known_concepts(collection: Collection) -> tuple[list[str], NDArray[np.intp], Vectors, Vectors]:
    """Ids (n,), rows (n,) and plain vectors (n, d) of the present pictures whose concepts (n, 1013) are known."""
    loaded = collection.vectors(tuned=False)
    concepts, there = collection.concepts_of(collection.hashes(loaded.ids))
    if not there.any():
        raise UsageError(f"{collection.path} holds no pictures that words could be about; sync a folder first.")
    rows = np.flatnonzero(there)
    return [loaded.ids[row] for row in rows], rows, loaded.matrix[rows], concepts


@dataclass(frozen=True, eq=False)
class ConceptWording(Wording):
    """``concepts`` (n, 1013) of the pictures, and the ``space`` that they and words share."""

    concepts: Vectors
    space: MeaningSpace
    unrelated: ClassVar[slice] = slice(0, 1_000, 4)

    @classmethod
    def read(cls, collection: Collection) -> ConceptWording:
        """From what the collection knows so far (``Collection.learn_words``)."""
        ids, rows, looks, concepts = known_concepts(collection)
        some = np.random.default_rng(0).permutation(len(looks))[:_CENTRED_ON]
        space = MeaningSpace.of(concepts[some], looks[some], collection.parts)
        return cls(ids, rows, looks, concepts, space)

    @cached_property
    def meanings(self) -> Vectors:
        """(n, 512) what the pictures show, centred."""
        return self.space.pictures(self.concepts, self.looks)

    @cached_property
    def hubs(self) -> NDArray[np.float32]:
        """(n,) how near each picture is to words at large: the mean of its best scores for classes (CSLS, Conneau et
        al., 2018)."""
        found = np.empty(len(self.meanings), np.float32)
        for start in range(0, len(found), _BLOCK):
            scores = self.meanings[start : start + _BLOCK] @ class_vectors().T
            found[start : start + _BLOCK] = np.partition(scores, -HUB_NAMES, axis=1)[:, -HUB_NAMES:].mean(axis=1)
        return found

    @cached_property
    def colours(self) -> NDArray[np.float32]:
        """(n, 13) roots of the colours' shares, centred."""
        roots = np.sqrt(split_concepts(self.concepts)[1])
        return np.asarray(roots - roots.mean(axis=0), np.float32)

    @cached_property
    def said(self) -> Vectors:
        """(n, 512) unit rows: the pictures' classes said in words, which stand for captions of theirs."""
        return MeaningSpace.of(self.concepts, self.looks, ()).pictures(self.concepts, self.looks)

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(t, n): cosines of meaning less what pictures score for any words, and what colours that a text names add."""
        found = self._meant(texts)
        for row, text in enumerate(texts):
            asked = named(text)
            if asked.any():
                share = share_named(text)
                found[row] *= 1 - share
                found[row] += self.colours @ _counted(asked, share)
        return np.asarray(found, np.float32)

    def shared(self, text: str, row: int) -> list[Term]:
        """Classes by their names, what the bridge makes of the look, and colours; all over the collection's average.

        A class gives what the picture has more of it than is usual, times how much nearer than other classes it is to
        the text: what a picture has more of one it has less of others, so this changes no sum.
        """
        asked, (text_vector,) = named(text), sentence_vectors([text])
        share = share_named(text) if asked.any() else 0.0
        shown, bridged = self.space.split(self.concepts[row : row + 1], self.looks[row : row + 1])
        usual, bridged_usual = self._usual
        there, cosines = shown[0] - usual, class_vectors() @ text_vector
        gives = (1 - share) * there * (cosines - cosines.mean())
        found = [concept(name, *one) for name, *one in zip(concept_names(), there, gives, strict=False)]
        if bridged is not None:
            look = float((bridged[0] - bridged_usual) @ text_vector)
            found.append(Term("the look as a whole", "look", (1 - share) * look))
        near = float(self.hubs[row] - self.hubs.mean())
        found.append(Term(NEAR_ALL, "hubs", -(1 - share) * HUB * near))
        counted = _counted(asked, share) * self.colours[row]
        found += [Term(f"the colour {COLOURS[at]}", "colour", float(counted[at])) for at in np.flatnonzero(asked)]
        return found

    def said_scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(t, n): cosines with the pictures' classes in words."""
        return np.asarray(sentence_vectors(texts) @ self.said.T, np.float32)

    def shows(self, classes: Sequence[int]) -> NDArray[np.float32]:
        """(n,) as the classifier has it by itself."""
        return np.asarray(sharpened(self.concepts[:, list(classes)]).sum(axis=1) / self._sharp, np.float32)

    @cached_property
    def _sharp(self) -> NDArray[np.float32]:
        """(n,) what the shares of all classes are parts of."""
        every = self.concepts[:, : len(class_vectors())]
        sums = [sharpened(every[start : start + _BLOCK]).sum(axis=1) for start in range(0, len(every), _BLOCK)]
        return np.asarray(np.maximum(np.concatenate(sums), 1e-12), np.float32)

    @cached_property
    def background(self) -> tuple[float, float]:
        """The same, by a quarter of the names, and without the colours that some of them name."""
        best = self._meant(concept_names()[self.unrelated], -(-len(self.meanings) // LOOKED_AT)).max(axis=1)
        return float(best.mean()), float(best.std())

    @cached_property
    def _usual(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(1000,) and (512,) means of the two parts of the meanings, which are split block by block."""
        totals = np.zeros(len(class_vectors())), np.zeros(class_vectors().shape[1])
        for start in range(0, len(self.looks), _BLOCK):
            some = slice(start, start + _BLOCK)
            for total, part in zip(totals, self.space.split(self.concepts[some], self.looks[some]), strict=True):
                total += 0 if part is None else part.sum(axis=0, dtype=np.float64)
        return totals[0] / len(self.looks), totals[1] / len(self.looks)

    def _meant(self, texts: Sequence[str], step: int = 1) -> NDArray[np.float32]:
        """(t, n / step) scores without colours, of every so manieth picture."""
        cosines = sentence_vectors(texts) @ self.meanings[::step].T
        return np.asarray(cosines - HUB * self.hubs[::step], np.float32)


def _counted(asked: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """(13,) what each colour counts in a score where a text names those ``asked`` for, a ``share`` of its letters."""
    return (COLOUR + ALL_COLOUR * share) * asked / max(float(asked.sum()), 1.0)
