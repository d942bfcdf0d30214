"""Pictures and words in one space: what pictures show, said in sentence vectors.

A picture has two vectors there: its classes in words weighed by their probabilities (ConSE, Norouzi et al., 2013), and
what the bridge makes of its encoder's vector (DeViSE, Frome et al., 2013). Each is centred over the collection and
scaled to unit length, and their mean is taken, the classes counting for more. Words are asked as they are, uncentred:
centring them costs hits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from samekind.encoders.base import Part, Vectors
from samekind.encoders.rows import unit_rows
from samekind.meaning.concepts import split_concepts
from samekind.meaning.shipped import bridge, class_vectors

BRIDGE = 0.5
"""What the bridge weighs beside the classes: chosen on birds, flowers, grocery and clothing."""


@dataclass(frozen=True, eq=False)
class MeaningSpace:
    """What a collection's pictures are centred by: the mean (512,) of each of the two vectors.

    ``parts`` of the encoder's vectors say which bridges hold; without one only the classes count.
    """

    parts: tuple[Part, ...]
    class_mean: Vectors
    bridge_mean: Vectors | None

    @classmethod
    def of(cls, concepts: Vectors, looks: Vectors, parts: Sequence[Part]) -> MeaningSpace:
        """The space of a collection, from concepts (n, 1013) and vectors (n, d) of its pictures or a sample of them."""
        crossed = _crossed(looks, parts)
        return cls(tuple(parts), _said(concepts).mean(axis=0), None if crossed is None else crossed.mean(axis=0))

    def pictures(self, concepts: Vectors, looks: Vectors) -> Vectors:
        """Pictures (n, 512) float32; a score is their product with a unit vector of words, in -1..1."""
        found = unit_rows(_said(concepts) - self.class_mean)
        crossed = _crossed(looks, self.parts)
        if crossed is None or self.bridge_mean is None:
            return found
        return np.asarray((found + BRIDGE * unit_rows(crossed - self.bridge_mean)) / (1 + BRIDGE), np.float32)


def _said(concepts: Vectors) -> Vectors:
    """(n, 512) the classes in words, weighed."""
    return np.asarray(split_concepts(concepts)[0] @ class_vectors(), np.float32)


def _crossed(looks: Vectors, parts: Sequence[Part]) -> Vectors | None:
    """(n, 512) over the bridges of the parts that have one, each scaled to unit length; None without any."""
    found = []
    for part in parts:
        over = bridge(part.name)
        if over is not None:
            found.append(unit_rows(over(unit_rows(looks[:, part.start : part.stop]))))
    return np.asarray(sum(found), np.float32) if found else None
