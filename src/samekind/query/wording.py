"""What words mean to a collection: scores of all its pictures for a text, and how sure such scores are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.errors import UsageError
from samekind.meaning import MeaningSpace, sentence_vectors, split_concepts
from samekind.meaning.colours import named, share_named
from samekind.meaning.shipped import names_vectors

if TYPE_CHECKING:
    from samekind.collection import Collection

COLOUR, ALL_COLOUR = 0.2, 0.5
"""What a named colour adds to a score where all of a picture has it, and how much more where a text names nothing else:
chosen on birds, flowers, grocery and clothing."""
SURE_FROM, STEEPNESS = 2.0, 1.2
"""A score is as sure as not where it stands so many standard deviations above the best scores of unrelated words."""
_CENTRED_ON = 20_000


@dataclass(frozen=True, eq=False)
class Wording:
    """The pictures of one version of a collection whose concepts are known.

    ``ids`` (n,), their ``rows`` (n,) among all present ones, their plain vectors ``looks`` (n, d) and ``concepts``.
    """

    ids: list[str]
    rows: NDArray[np.intp]
    looks: Vectors
    concepts: Vectors
    space: MeaningSpace

    @classmethod
    def of(cls, collection: Collection) -> Wording:
        """From what the collection knows so far (``Collection.learn_words``); kept for its version."""
        version = collection.table.version
        known = _KNOWN.get(collection)
        if known is None or known[0] != version:
            known = _KNOWN[collection] = version, cls._read(collection)
        return known[1]

    @classmethod
    def _read(cls, collection: Collection) -> Wording:
        loaded = collection.vectors(tuned=False)
        concepts, there = collection.concepts_of(collection.hashes(loaded.ids))
        if not there.any():
            raise UsageError(f"{collection.path} holds no pictures that words could be about; sync a folder first.")
        looks = loaded.matrix[there]
        some = np.random.default_rng(0).permutation(len(looks))[:_CENTRED_ON]
        space = MeaningSpace.of(concepts[some], looks[some], collection.parts)
        rows = np.flatnonzero(there)
        return cls([loaded.ids[row] for row in rows], rows, looks, concepts, space)

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
        """(t, n): for each text how well each picture shows it, cosines and what colours add."""
        found = sentence_vectors(texts) @ self.meanings.T
        for row, text in enumerate(texts):
            asked = named(text)
            if asked.any():
                share = share_named(text)
                found[row] *= 1 - share
                found[row] += (COLOUR + ALL_COLOUR * share) * (self.colours @ asked) / asked.sum()
        return np.asarray(found, np.float32)

    def said_scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(t, n): for each text how well the captions that stand for the pictures fit it."""
        return np.asarray(sentence_vectors(texts) @ self.said.T, np.float32)

    @cached_property
    def background(self) -> tuple[float, float]:
        """Mean and standard deviation of the best score that each class's name finds in this collection."""
        some = self.meanings[:: -(-len(self.meanings) // 2_000)]
        best = (names_vectors() @ some.T).max(axis=1)
        return float(best.mean()), float(best.std())

    def confidence(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """0..1 for scores of one text: how far they stand out from what words find here that mean nothing to it."""
        mean, spread = self.background
        far = (scores.astype(np.float64) - mean) / max(spread, 1e-6)
        return np.asarray(1 / (1 + np.exp(-STEEPNESS * (far - SURE_FROM))))


_KNOWN: WeakKeyDictionary[Collection, tuple[int, Wording]] = WeakKeyDictionary()
