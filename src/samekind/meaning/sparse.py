"""Pictures as a few named concepts each, with calibrated weights, in an inverted list: search by words with no encoder.

After LexLIP (Luo et al., 2023), without its training: the weight of a concept is how much likelier it is in the picture
than in the collection, in log odds; a word is looked up among the names of concepts. (ours)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.meaning.concepts import concept_names, split_concepts
from samekind.meaning.terms import terms

KEPT = 32
"""Concepts that are kept of a picture for a search, those with the greatest weights: chosen on captions."""
SHOWN, COLOURED = 5, 0.2
"""A picture counts as showing its so many likeliest classes (96 % of imagenet1k_one_each hold the true one), and the
colours that have this share of it."""
_LEAST = 1e-6
_BLOCK = 4_096


@dataclass(frozen=True, eq=False)
class SparseConcepts:
    """``weights``: for each concept the rows, of ``count``, of the pictures that keep it, and its weights there."""

    count: int
    weights: dict[int, tuple[NDArray[np.intp], NDArray[np.float32]]]

    @classmethod
    def of(cls, concepts: Vectors) -> SparseConcepts:
        """From concepts (n, 1013) of all pictures of a collection; weights are log odds over its mean, above 0."""
        usual = _log_odds(np.concatenate([part.mean(axis=0) for part in split_concepts(concepts)]))
        rows, columns, weights = [], [], []
        for start in range(0, len(concepts), _BLOCK):
            shares = np.concatenate(split_concepts(concepts[start : start + _BLOCK]), axis=1)
            found = _log_odds(shares) - usual
            last = np.partition(found, -KEPT, axis=1)[:, -KEPT, None]
            some, which = np.nonzero((found >= last) & (found > 0))
            rows.append(some + start)
            columns.append(which)
            weights.append(found[some, which])
        row, column, weight = np.concatenate(rows), np.concatenate(columns), np.concatenate(weights)
        order = np.argsort(column, kind="stable")
        names, begins = np.unique(column[order], return_index=True)
        parts = np.split(order, begins[1:])
        return cls(len(concepts), {int(at): (row[part], weight[part]) for at, part in zip(names, parts, strict=True)})

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(t, n) the weights of all concepts whose names hold a word of the text, added up; 0 where none is known."""
        found = np.zeros((len(texts), self.count), np.float32)
        for row, text in zip(found, texts, strict=True):
            for term in dict.fromkeys(terms(text)):
                for at in names_of_terms().get(term, ()):
                    if at in self.weights:
                        rows, weights = self.weights[at]
                        row[rows] += weights
        return found

    def shares(self, text: str, row: int) -> dict[int, tuple[float, float]]:
        """What each concept that the text names adds to the score of a picture, and what it adds on average."""
        found: dict[int, tuple[float, float]] = {}
        for term in dict.fromkeys(terms(text)):
            for at in names_of_terms().get(term, ()):
                if at in self.weights:
                    rows, weights = self.weights[at]
                    here, usual = found.get(at, (0.0, 0.0))
                    found[at] = here + float(weights[rows == row].sum()), usual + float(weights.sum()) / self.count
        return found


def shows(concepts: Vectors, which: Sequence[int]) -> NDArray[np.bool_]:
    """(n,) whether pictures with concepts (n, 1013) show one of these, by what is likeliest in each by itself."""
    classes, colours = split_concepts(concepts)
    last = np.partition(classes, -SHOWN, axis=1)[:, -SHOWN, None]
    there = np.concatenate([classes >= last, colours >= COLOURED], axis=1)
    return np.asarray(there[:, list(which)].any(axis=1))


@cache
def names_of_terms() -> dict[str, tuple[int, ...]]:
    """Which concepts have a term in their name."""
    found: dict[str, list[int]] = {}
    for at, name in enumerate(concept_names()):
        for term in dict.fromkeys(terms(name)):
            found.setdefault(term, []).append(at)
    return {term: tuple(which) for term, which in found.items()}


def concepts_named(text: str) -> tuple[int, ...]:
    """The concepts whose whole name is the text, or else those whose names hold all of its words; may be none."""
    asked = set(terms(text))
    if not asked:
        return ()
    holding = sorted(set.intersection(*(set(names_of_terms().get(term, ())) for term in asked)))
    whole = [at for at in holding if set(terms(concept_names()[at])) == asked]
    return tuple(whole or holding)


def _log_odds(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    some = np.clip(shares, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(some) - np.log1p(-some), np.float32)
