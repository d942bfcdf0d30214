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
    """What a collection's pictures are centred by: the mean probabilities (1000,) of the classes, and the mean (512,)
    of what bridges make.

    ``parts`` of the encoder's vectors say which bridges hold; without one only the classes count.
    """

    parts: tuple[Part, ...]
    usual: Vectors
    bridge_mean: Vectors | None

    @classmethod
    def of(cls, concepts: Vectors, looks: Vectors, parts: Sequence[Part]) -> MeaningSpace:
        """The space of a collection, from concepts (n, 1013) and vectors (n, d) of its pictures or a sample of them."""
        crossed = _crossed(looks, parts)
        usual = split_concepts(concepts)[0].mean(axis=0)
        return cls(tuple(parts), usual, None if crossed is None else crossed.mean(axis=0))

    def pictures(self, concepts: Vectors, looks: Vectors) -> Vectors:
        """Pictures (n, 512) float32; a score is their product with a unit vector of words, in -1..1."""
        found = unit_rows((split_concepts(concepts)[0] - self.usual) @ class_vectors())
        bridged = self._bridged(looks)
        return found if bridged is None else np.asarray(found / (1 + BRIDGE) + bridged, np.float32)

    def split(self, concepts: Vectors, looks: Vectors) -> tuple[Vectors, Vectors | None]:
        """``pictures`` in two, whose sum they are: (n, 1000), to be multiplied with the classes' vectors, and what the
        bridges add (n, 512), None without any."""
        shown = split_concepts(concepts)[0] - self.usual
        lengths = np.linalg.norm(shown @ class_vectors(), axis=1, keepdims=True)
        bridged = self._bridged(looks)
        share = 1.0 if bridged is None else 1 / (1 + BRIDGE)
        return np.asarray(share * shown / np.maximum(lengths, 1e-12), np.float32), bridged

    def _bridged(self, looks: Vectors) -> Vectors | None:
        crossed = _crossed(looks, self.parts)
        if crossed is None or self.bridge_mean is None:
            return None
        return np.asarray(BRIDGE / (1 + BRIDGE) * unit_rows(crossed - self.bridge_mean), np.float32)


def _crossed(looks: Vectors, parts: Sequence[Part]) -> Vectors | None:
    """(n, 512) over the bridges of the parts that have one, each scaled to unit length; None without any."""
    found = []
    for part in parts:
        over = bridge(part.name)
        if over is not None:
            found.append(unit_rows(over(unit_rows(looks[:, part.start : part.stop]))))
    return np.asarray(sum(found), np.float32) if found else None
