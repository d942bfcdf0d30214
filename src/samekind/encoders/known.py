"""What a trained encoder knows: all other pictures keep the vector that the plain encoder gives them (ours).

    z = a, the adapted vector, where some landmark holds a, or one of the plain space holds p; else p, the plain vector

    a landmark l holds a vector v where cosine(v - mean, l) >= least

The plain network is asked only where no landmark of the adapted space holds a picture: of those that the encoder was
adapted to it is few. Fitted by ``samekind.adapt.reach``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Encoder
from samekind.encoders.rows import Array, unit_rows

Rows = NDArray[np.intp]
_CLEAR, _KINDS = "clear", "kinds"


@dataclass(frozen=True, eq=False)
class Reach:
    """``landmarks`` (k, d), unit rows of vectors less their ``mean`` (d,); ``least`` (k,) cosines to each; float32."""

    mean: Array
    landmarks: Array
    least: Array

    def holds(self, vectors: Array) -> NDArray[np.bool_]:
        """(n, d) unit rows -> (n,): whether some landmark holds each."""
        found: NDArray[np.bool_] = np.any(unit_rows(vectors - self.mean) @ self.landmarks.T >= self.least, axis=1)
        return found


@dataclass(frozen=True, eq=False)
class Known:
    """``clear``: the reach in the adapted space, ``kinds``: in the plain one; ``plain`` loads the plain encoder."""

    clear: Reach
    kinds: Reach
    plain: Callable[[], Encoder]

    def left(self, adapted: Array, plain_of: Callable[[Rows], Array]) -> Array:
        """(n, d) adapted rows -> the same, but for pictures that are not known, which get their plain vector.

        ``plain_of`` gives the plain vectors (m, d) of some rows (m,).
        """
        asked = np.flatnonzero(~self.clear.holds(adapted))
        if not len(asked):
            return adapted
        plain, found = plain_of(asked), adapted.copy()
        strange = ~self.kinds.holds(plain)
        found[asked[strange]] = plain[strange]
        return found


def packed_known(known: Known | None) -> dict[str, NDArray[Any]]:
    """The tensors of both sides by name; none where everything is known."""
    sides = {} if known is None else {_CLEAR: known.clear, _KINDS: known.kinds}
    return {
        f"{side}.{one.name}": np.ascontiguousarray(getattr(reach, one.name))
        for side, reach in sides.items()
        for one in fields(Reach)
    }


def unpacked_known(tensors: Mapping[str, NDArray[Any]], plain: Callable[[], Encoder] | None) -> Known | None:
    """What ``packed_known`` packed, with what loads the ``plain`` encoder; None where nothing was."""
    if plain is None or f"{_CLEAR}.mean" not in tensors:
        return None
    clear, kinds = (Reach(*(tensors[f"{side}.{one.name}"] for one in fields(Reach))) for side in (_CLEAR, _KINDS))
    return Known(clear, kinds, plain)
