"""Exact two-tower encoders of the toy world, made from attributes without any learning. Ours.

A scene and a text are both read as features; each feature has a direction of chance of its own, and a vector is the sum
of the directions at length one. As in real two-tower encoders (Liang and others, "Mind the gap", NeurIPS 2022) it is
then moved by an offset that all pictures share, or by another that all words share; a little noise comes on top, and
the whole has length one again.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.evaluation.toy.language import Heard, Phrase, caption, described, hear
from samekind.evaluation.toy.world import Scene

Features = Mapping[tuple[Hashable, ...], float]
_Row = NDArray[np.float64]


class Tower(ABC):
    """Both towers' frame. The same seed gives the same vectors, whatever else is in the batch.

    ``gap`` is the length of the two offsets, ``noise`` that of the noise, beside features of length one. A picture's
    noise is its own; that of words belongs to their features, so texts that say the same have the same vector.
    """

    def __init__(self, seed: int = 0, dim: int = 512, gap: float = 1.0, noise: float = 0.1) -> None:
        self.dim = dim
        self._seed, self._gap, self._noise = seed, gap, noise
        self._directions: dict[tuple[Hashable, ...], _Row] = {}

    def pictures(self, scenes: Sequence[Scene]) -> Vectors:
        """(n, dim) float32 unit rows of n scenes."""
        return self._rows([(self.seen(scene), ("a picture", caption(scene))) for scene in scenes], "pictures")

    def words(self, texts: Sequence[str]) -> Vectors:
        """(n, dim) float32 unit rows of n texts: captions, phrases, or the texts of edits.

        A word that is unknown has a direction of its own, which no picture has: alone it scores about the same, next
        to nothing above the gap, with every picture. A text that says nothing is the offset and noise.
        """
        found = [self.said(text) for text in texts]
        return self._rows([(features, ("words", *_sorted(features))) for features in found], "words")

    @abstractmethod
    def seen(self, scene: Scene) -> Features:
        """The features of a picture, and how much each counts."""

    @abstractmethod
    def said(self, text: str) -> Features:
        """The features of a text, and how much each counts."""

    def _rows(self, found: Sequence[tuple[Features, tuple[Hashable, ...]]], side: str) -> Vectors:
        rows = np.zeros((len(found), self.dim))
        for row, (features, own) in zip(rows, found, strict=True):
            for feature, weight in _sorted(features):
                row += weight * self._direction(feature)
            row /= np.linalg.norm(row) or 1.0
            row += self._gap * self._direction(("offset", side)) + self._noise * self._new_direction(own)
            row /= np.linalg.norm(row) or 1.0
        return rows.astype(np.float32)

    def _direction(self, key: tuple[Hashable, ...]) -> _Row:
        if key not in self._directions:
            self._directions[key] = self._new_direction(key)
        return self._directions[key]

    def _new_direction(self, key: tuple[Hashable, ...]) -> _Row:
        digest = hashlib.blake2b(repr((self._seed, key)).encode(), digest_size=8).digest()
        direction = np.random.default_rng(int.from_bytes(digest, "big")).standard_normal(self.dim)
        return np.asarray(direction / np.linalg.norm(direction))


class CompositionalTower(Tower):
    """Binds attributes to things, things to their number, and pairs of things to their order.

    A caption has the features of its scene, so both vectors are the same but for offset and noise; a phrase has some of
    the features of each scene that shows it. It hears no negation: "remove the red circle" is "red circle".
    """

    def seen(self, scene: Scene) -> Features:
        """The features of what its caption says."""
        return bound(described(scene))

    def said(self, text: str) -> Features:
        """The features of what is heard; unknown words are features, words of asking are none."""
        return bound(hear(text))


class BagOfWordsTower(Tower):
    """Hears words and how often each occurs, not their order: a caption and its swap have the identical vector."""

    def seen(self, scene: Scene) -> Features:
        """The words of its caption."""
        return self.said(caption(scene))

    def said(self, text: str) -> Features:
        """Its words, singular and plural as one."""
        words = re.findall(r"\w+", text.lower())
        return Counter(("word", word.removesuffix("s")) for word in words)


def bound(heard: Heard) -> Features:
    """What was heard, as features.

    For each phrase all that is said of it alone and together (large; blue; large and blue; ...), its number, for each
    relation the two by shape, by colour and shape, and by all; the background twice as strongly; column; each unknown
    word.
    """
    features: Counter[tuple[Hashable, ...]] = Counter()
    for phrase in heard.phrases:
        said = [word for word in (phrase.size, phrase.colour, phrase.shape) if word]
        features.update(some for many in range(1, len(said) + 1) for some in combinations(said, many))
        if phrase.count:
            features["count", phrase.count, phrase.shape] += 1
    for first, relation, second in heard.relations:
        for one, other in zip(_namings(first), _namings(second), strict=True):
            if all(one) and all(other):
                features["relation", one, relation, other] += 1
    if heard.background:
        features["background", heard.background] += 2
    if heard.column:
        features[("column",)] += 1
    features.update(("unknown", word) for word in heard.unknown)
    return features


def _namings(phrase: Phrase) -> list[tuple[str | None, ...]]:
    return [(phrase.shape,), (phrase.colour, phrase.shape), (phrase.size, phrase.colour, phrase.shape)]


def _sorted(features: Features) -> list[tuple[tuple[Hashable, ...], float]]:
    """In one order, so that equal features give the same sum to the last bit."""
    return sorted(features.items(), key=repr)
