"""What the training-free compositions are made of, for many references and texts of one collection at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.meaning import concept_names, split_concepts
from samekind.query.composing import Given, Mix, standard
from samekind.query.composing.given import Weights, both
from samekind.query.language.rules import caption_of, understood
from samekind.query.wordings.concepts import ConceptWording

ROWS: dict[str, Weights] = {
    "picture": {"picture": 1.0},
    "words": {"words": 1.0},
    "words up to enough": {"words": 1.0, "beyond": -1.0},
    "caption": {"caption": 1.0},
    "edited": {"edited": 1.0},
    "said caption": {"said_caption": 1.0},
    "said words": {"said_words": 1.0},
}
"""The parts, by the rows of a Given that each is made of."""
PARTS = tuple(ROWS)
_NAMES = 3


@dataclass(frozen=True, eq=False)
class Bank:
    """The stored side of a collection: ``stored`` (n, d) rows as they are searched, which never change.

    ``asked`` (n, d): the same pictures on the query's side; a score is their product.
    """

    wording: ConceptWording
    stored: Vectors
    asked: Vectors

    def __len__(self) -> int:
        return len(self.stored)

    def given(self, references: Sequence[int], texts: Sequence[str]) -> list[Given]:
        """For each reference, a row of the bank, and the text beside it: scores of all pictures, captions by rules."""
        captions = [self._captions[row] for row in references]
        edits = [understood(caption, text) for caption, text in zip(captions, texts, strict=True)]
        pictures = standard(self.asked[list(references)] @ self.stored.T)
        words = self.wording.scores(texts)
        spread = np.maximum(words.std(axis=1, keepdims=True), 1e-9)
        told = [self.wording.scores(some) for some in (captions, [edit.text for edit in edits])]
        told = [(one - one.mean(axis=1, keepdims=True)) / spread for one in told]
        said = [standard(self.wording.said_scores(some)) for some in (captions, texts)]
        return [Given(*one) for one in zip(pictures, standard(words), *told, *said, strict=True)]

    @cached_property
    def _captions(self) -> list[str]:
        names, classes = concept_names(), split_concepts(self.wording.concepts)[0]
        best = np.argsort(-classes, axis=1)[:, :_NAMES]
        return [
            caption_of([(names[at], float(row[at])) for at in some]) for row, some in zip(classes, best, strict=True)
        ]


def parts(given: Given) -> NDArray[np.float32]:
    """(PARTS, n): every training-free composition is a mix of these; what was not asked is 0 everywhere."""
    nothing = np.zeros_like(both(given)[0])
    return np.stack([nothing + Mix(given, counts).scores for counts in ROWS.values()])
