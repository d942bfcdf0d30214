"""Words by what pictures show, for encoders that know no words themselves: `meaning/` and colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.errors import UsageError
from samekind.meaning import MeaningSpace, sentence_vectors, split_concepts
from samekind.meaning.colours import named, share_named
from samekind.meaning.shipped import names_vectors
from samekind.query.wordings.base import Wording

if TYPE_CHECKING:
    from samekind.collection import Collection

COLOUR, ALL_COLOUR = 0.2, 0.5
"""What a named colour adds to a score where all of a picture has it, and how much more where a text names nothing else:
chosen on birds, flowers, grocery and clothing."""
_CENTRED_ON = 20_000


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
    def colours(self) -> NDArray[np.float32]:
        """(n, 13) roots of the colours' shares, centred."""
        roots = np.sqrt(split_concepts(self.concepts)[1])
        return np.asarray(roots - roots.mean(axis=0), np.float32)

    @cached_property
    def said(self) -> Vectors:
        """(n, 512) unit rows: the pictures' classes said in words, which stand for captions of theirs."""
        return MeaningSpace.of(self.concepts, self.looks, ()).pictures(self.concepts, self.looks)

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(t, n): cosines of meaning, and what colours that a text names add."""
        found = sentence_vectors(texts) @ self.meanings.T
        for row, text in enumerate(texts):
            asked = named(text)
            if asked.any():
                share = share_named(text)
                found[row] *= 1 - share
                found[row] += (COLOUR + ALL_COLOUR * share) * (self.colours @ asked) / asked.sum()
        return np.asarray(found, np.float32)

    def said_scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(t, n): cosines with the pictures' classes in words."""
        return np.asarray(sentence_vectors(texts) @ self.said.T, np.float32)

    @cached_property
    def background(self) -> tuple[float, float]:
        """The same, by the names' vectors that are shipped."""
        some = self.meanings[:: -(-len(self.meanings) // 2_000)]
        best = (names_vectors() @ some.T).max(axis=1)
        return float(best.mean()), float(best.std())
