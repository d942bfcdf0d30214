"""What is added to an encoder later: a branch for new collections, which leaves all other pictures as they were (ours).

    z -> L2(E(z)) where max_j cosine(z, new_j) > max_i ( cosine(z, old_i) + offset_i ), else z, to the bit

``new_j`` and ``old_i`` are landmarks of the new and of the old pictures, E is a mix of experts for each part. Fitted by
``samekind.adapt.router`` and ``samekind.adapt.grow``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Part
from samekind.encoders.experts import Experts
from samekind.encoders.rows import Array, map_parts


@dataclass(frozen=True, eq=False)
class Branch:
    """``old`` (k, d) and ``new`` (m, d): unit rows, the landmarks of either side; ``experts``, one for each part.

    ``offsets`` (k,): by how much more a picture has to be like a new landmark than like this old one, to be new. All
    float32, in the space of the encoder that the branch is added to.
    """

    old: Array
    new: Array
    offsets: Array
    experts: tuple[Experts, ...]

    def lead(self, vectors: Array) -> Array:
        """(n, d) -> (n,): how much nearer each row is to the new side than it has to be."""
        found: Array = (vectors @ self.new.T).max(axis=1) - (vectors @ self.old.T + self.offsets).max(axis=1)
        return found

    def is_new(self, vectors: Array) -> NDArray[np.bool_]:
        """(n, d) -> (n,): which rows go to the new side."""
        found: NDArray[np.bool_] = self.lead(vectors) > 0
        return found

    def apply(self, parts: Sequence[Part], vectors: Array) -> Array:
        """(n, d) float32 unit rows -> the same; rows of the old side are not touched."""
        new = np.flatnonzero(self.is_new(vectors))
        grown = vectors.copy()
        if len(new):
            grown[new] = map_parts(parts, self.experts, vectors[new])
        return grown


def packed_branch(branch: Branch) -> dict[str, NDArray[Any]]:
    """The tensors of the router by name; the experts are packed by ``adapted.packed``."""
    return {"old": branch.old, "new": branch.new, "offsets": branch.offsets}


def unpacked_branch(tensors: Mapping[str, NDArray[Any]], experts: tuple[Experts, ...]) -> Branch:
    """What ``packed_branch`` packed."""
    return Branch(tensors["old"], tensors["new"], tensors["offsets"], experts)
