"""Words by an encoder that was trained on pictures and words: two towers, one space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import TextTower, Vectors
from samekind.encoders.prompts import encode_asked
from samekind.errors import UsageError
from samekind.query.wordings.base import Wording

if TYPE_CHECKING:
    from samekind.collection import Collection


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
        return np.asarray(encode_asked(self.tower, texts).vectors @ self._centred.T, np.float32)

    def cut(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Which texts have more tokens than the tower takes."""
        return encode_asked(self.tower, texts).cut if texts else ()
