"""The head: a query's vector moved by words, and how much each training-free part counts; no move at the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.encoders.rows import unit_rows
from samekind.meaning import sentence_vectors
from samekind.meaning.colours import COLOURS, named
from samekind.meaning.sentences import WIDTH
from samekind.query.composing import Scores

FEATURES = WIDTH + len(COLOURS)
"""How many numbers say what a text means: its sentence vector, and the colours that it names."""


@dataclass(frozen=True, eq=False)
class Head:
    """``weights`` (PARTS,) of the training-free parts' scores, and a picture's vector moved by ``matrix.T reading f``.

    ``reading`` (r, FEATURES) takes r numbers out of what a text means, f; ``matrix`` (r, d) makes of them a move in the
    searched space, in the measure of standardised scores; ``spread`` is what a picture's own scores vary by there.
    Where ``matrix`` is 0 the head is the mix of the parts. Only the asking side is changed, so stored vectors stay.
    """

    reading: NDArray[np.float32]
    matrix: NDArray[np.float32]
    weights: NDArray[np.float32]
    spread: float

    def moves(self, texts: Sequence[str]) -> Vectors:
        """(t, d) what texts add to a picture's standardised scores, as vectors; exactly 0 for an empty text."""
        return np.asarray(meant(texts) @ self.reading.T @ self.matrix, np.float32)

    def vector(self, picture: Vectors, text: str) -> Vectors:
        """L2(picture + move), (d,) of the searched space; an empty text gives exactly the picture's vector."""
        move = self.moves([text])[0]
        if not move.any():
            return picture
        return unit_rows(picture + self.spread / max(float(self.weights[0]), 1e-6) * move)

    def scores(self, parts: NDArray[np.float32], stored: Vectors, text: str, change: float, keep: float) -> Scores:
        """(n,) how well pictures fit, from their ``parts`` (PARTS, n) and ``stored`` (n, d or d + 1) rows.

        ``change`` weighs all that is not the picture, ``keep`` is the picture's share: 1 and .5 are as it was learned,
        and with a ``change`` of 0, or a ``keep`` of 1, the order is the picture's.
        """
        return np.asarray(self.weighed(change, keep) @ parts + self.moved(stored, text, change, keep), np.float32)

    def weighed(self, change: float, keep: float) -> NDArray[np.float32]:
        """(PARTS,) what each of the parts counts."""
        shares = np.full(len(self.weights), (1 - keep) * change, np.float32)
        shares[0] = keep
        return np.asarray(2 * shares * self.weights, np.float32)

    def moved(self, stored: Vectors, text: str, change: float, keep: float) -> Scores:
        """(n,) what the move of the picture's vector adds, centred over ``stored`` (n, d or d + 1)."""
        moved = stored[:, : self.matrix.shape[1]] @ self.moves([text])[0]
        return np.asarray(2 * (1 - keep) * change * (moved - moved.mean()), np.float32)


def meant(texts: Sequence[str]) -> NDArray[np.float32]:
    """(t, FEATURES) what texts mean; 0 for an empty one."""
    said = np.array([bool(text.strip()) for text in texts], np.float32)[:, None]
    colours = np.array([named(text) for text in texts], np.float32).reshape(len(texts), len(COLOURS))
    return np.asarray(np.hstack([sentence_vectors(texts), colours]) * said, np.float32)
