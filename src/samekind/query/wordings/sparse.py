"""Words by the names of what pictures show, where there is no sentence encoder: no network sees a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from samekind.meaning import concept_names
from samekind.meaning.sparse import SparseConcepts
from samekind.query.reasons import Term
from samekind.query.wordings.base import Wording, concept
from samekind.query.wordings.concepts import known_concepts

if TYPE_CHECKING:
    from samekind.collection import Collection


@dataclass(frozen=True, eq=False)
class SparseWording(Wording):
    """The few ``concepts`` of each picture; a text that names none of them says nothing."""

    concepts: SparseConcepts
    sentences: ClassVar[bool] = False

    @classmethod
    def read(cls, collection: Collection) -> SparseWording:
        """From what the collection knows so far (``Collection.learn_words``)."""
        ids, rows, looks, concepts = known_concepts(collection)
        return cls(ids, rows, looks, SparseConcepts.of(concepts))

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(t, n): log odds of the concepts that the words name, added up."""
        return self.concepts.scores(texts)

    def shared(self, text: str, row: int) -> list[Term]:
        """The concepts that the words name."""
        found = self.concepts.shares(text, row)
        return [concept(concept_names()[at], here - usual, here - usual) for at, (here, usual) in found.items()]
