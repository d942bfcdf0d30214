"""An inverted list of words, and BM25 over it (Robertson and Zaragoza, 2009, equation 3.15)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
Postings = tuple[NDArray[np.intp], NDArray[np.float64]]
"""Rows, ascending, and a number for each."""
_NONE: Postings = np.zeros(0, np.intp), np.zeros(0)


@dataclass(frozen=True, eq=False)
class WordIndex:
    """``counts``: for each term in which of the n documents it stands and how often; ``lengths`` (n,) in terms."""

    counts: dict[str, Postings]
    lengths: NDArray[np.float64]

    @classmethod
    def of(cls, documents: Iterable[Sequence[str]]) -> WordIndex:
        """The index of documents that are lists of terms."""
        found: dict[str, tuple[list[int], list[int]]] = {}
        lengths = []
        for row, document in enumerate(documents):
            lengths.append(len(document))
            for term, count in Counter(document).items():
                rows, counts = found.setdefault(term, ([], []))
                rows.append(row)
                counts.append(count)
        counts_by_term = {term: (np.array(rows, np.intp), np.array(n, np.float64)) for term, (rows, n) in found.items()}
        return cls(counts_by_term, np.array(lengths, np.float64))

    @cached_property
    def _usual(self) -> float:
        """The mean length of the documents that have any term: those without would make all others seem long."""
        return float(self.lengths[self.lengths > 0].mean())

    def idf(self, term: str) -> float:
        """ln(1 + (n - df + .5) / (df + .5)), which is never negative."""
        among = len(self.counts.get(term, _NONE)[0])
        return math.log1p((len(self.lengths) - among + 0.5) / (among + 0.5))

    def saturated(self, term: str) -> Postings:
        """Rows of a term and how much it counts there: 1 where it stands once in a document of usual length."""
        rows, counts = self.counts.get(term, _NONE)
        if not len(rows):
            return _NONE
        return rows, counts * (K1 + 1) / (counts + K1 * (1 - B + B * self.lengths[rows] / self._usual))

    def bm25(self, asked: Sequence[str]) -> NDArray[np.float64]:
        """(n,) the sum over the terms, each as often as it is asked, of idf x saturated count."""
        scores = np.zeros(len(self.lengths))
        for term in asked:
            rows, counts = self.saturated(term)
            scores[rows] += self.idf(term) * counts
        return scores

    def matched(self, asked: Sequence[str]) -> NDArray[np.float64]:
        """(n,) BM25 as a share of what was asked, 0 to 1: about 1 where all terms stand, each once. (ours)

        A term counts less by the share of documents that have it: what all have tells nothing.
        """
        scores = np.zeros(len(self.lengths))
        for term in asked:
            rows, counts = self.saturated(term)
            scores[rows] += self.idf(term) * (1 - len(rows) / len(scores)) * counts
        return np.asarray(np.minimum(scores / max(sum(map(self.idf, asked)), 1e-9), 1))
