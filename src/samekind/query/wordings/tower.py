"""Words by an encoder that was trained on pictures and words: two towers, one space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import TextTower, Vectors
from samekind.encoders.by_text import ByText
from samekind.encoders.prompts import encode_asked
from samekind.errors import UsageError
from samekind.meaning import concept_names, sentence_vectors, sentences_there
from samekind.meaning.shipped import class_vectors
from samekind.meaning.sparse import concepts_named
from samekind.meaning.terms import terms
from samekind.query.reasons import Term
from samekind.query.wordings.base import NEAR_ALL, Wording, concept

if TYPE_CHECKING:
    from samekind.collection import Collection

NEAR, SAID_BY = 20, 5
"""How many concepts near to a text the tower is asked about, and by how many of them a text is said at most."""


@dataclass(frozen=True, eq=False)
class TowerWording(Wording):
    """Texts by a ``tower``, compared with the pictures' plain vectors less their mean: that closes the gap."""

    tower: TextTower
    unrelated: ClassVar[slice] = slice(0, 1_000, 20)

    @classmethod
    def read(cls, collection: Collection, tower: TextTower) -> TowerWording:
        """All present pictures. Raises UsageError where there is none."""
        loaded = collection.vectors(tuned=False)
        if not len(loaded):
            raise UsageError(f"{collection.path} holds no pictures that words could be about; sync a folder first.")
        return cls(loaded.ids, np.arange(len(loaded)), loaded.matrix, tower)

    @cached_property
    def _centred(self) -> Vectors:
        return np.asarray(self.looks - self.looks.mean(axis=0), np.float32)

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(t, n): products of unit texts and centred pictures."""
        if not texts:
            return np.zeros((0, len(self.ids)), np.float32)
        return np.asarray(self._encoded(texts) @ self._centred.T, np.float32)

    def shared(self, text: str, row: int) -> list[Term]:
        """The text said by a few concepts that are near to it, each compared with the picture, and what they leave.

        Texts are taken less the mean of unrelated ones, which all of them share.
        """
        names = [concept_names()[at] for at in _near(text)]
        vectors = self._encoded([text, *names]) - self._unrelated
        asked, concepts = vectors[0], vectors[1:]
        picture = self._centred[row]
        found = [Term(NEAR_ALL, "hubs", float(self._unrelated @ picture))]
        for at, weight in said_by(asked, concepts).items():
            gives = float(weight * concepts[at] @ picture)
            found.append(concept(names[at], gives, gives))
            asked = asked - weight * concepts[at]
        return [*found, Term("what no concept names", "unnamed", float(asked @ picture))]

    @cached_property
    def _unrelated(self) -> NDArray[np.float32]:
        """(dim,) the mean of the names of many things."""
        return np.asarray(self._encoded(concept_names()[self.unrelated]).mean(axis=0), np.float32)

    def cut(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Which texts have more tokens than the tower takes."""
        found = zip(texts, self._heard(texts), strict=True)
        return tuple(dict.fromkeys(text for text, (_, cut) in found if cut))

    @cached_property
    def _heard(self) -> ByText[tuple[NDArray[np.float32], bool]]:
        """Each text's vector, and whether it was cut."""

        def encode(texts: list[str]) -> list[tuple[NDArray[np.float32], bool]]:
            found = encode_asked(self.tower, texts)
            return [(vector, text in found.cut) for text, vector in zip(texts, found.vectors, strict=True)]

        return ByText(encode)

    def _encoded(self, texts: Sequence[str]) -> Vectors:
        return np.stack([vector for vector, _ in self._heard(texts)])


def said_by(asked: NDArray[np.float32], concepts: Vectors) -> dict[int, float]:
    """Positive weights of at most ``SAID_BY`` concepts (k, dim) whose sum is near to a text (dim,).

    Orthogonal matching pursuit (Pati et al., 1993), which ends before a weight would be negative; after SpLiCE (Bhalla
    et al., 2024), which says pictures so.
    """
    chosen: list[int] = []
    weights = np.zeros(0, np.float32)
    while len(chosen) < min(SAID_BY, len(concepts)):
        gains = concepts @ (asked - weights @ concepts[chosen])
        gains[chosen] = -np.inf
        best = int(gains.argmax())
        more = np.linalg.lstsq(concepts[[*chosen, best]].T, asked, rcond=None)[0]
        if gains[best] <= 0 or (more <= 0).any():
            break
        chosen, weights = [*chosen, best], more
    return {at: float(weight) for at, weight in zip(chosen, weights, strict=True)}


def _near(text: str) -> list[int]:
    """The concepts that are nearest to a text by the sentence encoder, or without one those that its words name."""
    if sentences_there():
        return [int(at) for at in np.argsort(-(class_vectors() @ sentence_vectors([text])[0]))[:NEAR]]
    return sorted({at for term in terms(text) for at in concepts_named(term)})[:NEAR]
