"""What words mean to a collection: scores of its pictures for a text, and how sure such scores are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.meaning import concept_names
from samekind.query.reasons import Term

NEAR_ALL = "being near to all words"
SURE_FROM, STEEPNESS = 2.0, 1.2
"""A score is as sure as not where it stands so many standard deviations above the best scores of unrelated words."""
LOOKED_AT = 2_000


@dataclass(frozen=True, eq=False)
class Wording(ABC):
    """The pictures of one version of a collection that words can be about.

    ``ids`` (n,), their ``rows`` (n,) among all present ones, and their plain vectors ``looks`` (n, d).
    """

    ids: list[str]
    rows: NDArray[np.intp]
    looks: Vectors

    sentences: ClassVar[bool] = True
    """Whether it may ask the sentence encoder what is like a text."""
    unrelated: ClassVar[slice] = slice(0, 1_000)
    """Which names of concepts are asked to learn what words find here that mean nothing to it."""

    @abstractmethod
    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(t, n): for each text how well each picture shows it."""

    @abstractmethod
    def shared(self, text: str, row: int) -> list[Term]:
        """What the text and the picture of a row share, as terms that sum to its score less the average of all scores.

        Those of the kind "concept" are named concepts.
        """

    def said_scores(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """(t, n): for each text how well the captions that pictures have fit it; None where they have none."""
        return None

    def shows(self, classes: Sequence[int]) -> NDArray[np.float32] | None:
        """(n,) how likely each picture shows one of these classes of ImageNet; None where that is not looked at."""
        return None

    def cut(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Which of the texts are too long and were cut from the end."""
        return ()

    @cached_property
    def background(self) -> tuple[float, float]:
        """Mean and standard deviation of the best score that the name of each of many things finds here."""
        found = self.scores(concept_names()[self.unrelated])
        best = found[:, :: -(-found.shape[1] // LOOKED_AT)].max(axis=1)
        return float(best.mean()), float(best.std())

    def confidence(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """0..1 for scores of one text: how far they stand out from what unrelated words find here."""
        mean, spread = self.background
        far = (scores.astype(np.float64) - mean) / max(spread, 1e-6)
        return np.asarray(1 / (1 + np.exp(-STEEPNESS * (far - SURE_FROM))))


def concept(name: str, there: float, value: float) -> Term:
    """The term of a named concept; ``there`` says by how much more than usual the picture shows it."""
    return Term(name if there >= 0 else f"less {name} than usual", "concept", float(value))
