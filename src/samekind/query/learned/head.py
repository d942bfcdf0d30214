"""The head: a query vector moved by words, and how much each training-free part counts; identity at start."""

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
from samekind.query.learned.evidence import PARTS

FEATURES = WIDTH + len(COLOURS)


@dataclass(frozen=True, eq=False)
class Head:
    """``q = picture + matrix.T @ (reading @ f(text))``, and ``weights`` (PARTS,) of the training-free parts' scores.

    ``reading`` (r, FEATURES) takes r numbers out of a text, ``matrix`` (r, d) moves the picture in the searched space
    by them. A new head has ``matrix`` 0: it is the mix of parts alone. No stored vector changes.
    """

    reading: NDArray[np.float32]
    matrix: NDArray[np.float32]
    weights: NDArray[np.float32]

    def moves(self, texts: Sequence[str]) -> Vectors:
        """(t, d) what texts add to a picture's vector; an empty one adds exactly nothing."""
        return np.asarray(features(texts) @ self.reading.T @ self.matrix, np.float32)

    def vector(self, picture: Vectors, text: str) -> Vectors:
        """(d,) unit vector asked with -> (d,) the same moved by the text; exactly the same for an empty text."""
        move = self.moves([text])[0]
        if not move.any():
            return picture
        return np.asarray(unit_rows((picture + move)[None])[0], np.float32)

    def scores(self, parts: NDArray[np.float32], stored: Vectors, text: str) -> Scores:
        """(n,) how well each picture fits, from its ``parts`` (PARTS, n) and the ``stored`` (n, d) rows."""
        by_text = stored[:, : self.matrix.shape[1]] @ self.moves([text])[0]
        return np.asarray(self.weights @ parts + by_text - by_text.mean(), np.float32)


def features(texts: Sequence[str]) -> NDArray[np.float32]:
    """(t, FEATURES): sentence vectors and the colours that are named; 0 for an empty text."""
    said = np.array([bool(text.strip()) for text in texts], np.float32)[:, None]
    colours = np.array([named(text) for text in texts], np.float32).reshape(len(texts), len(COLOURS))
    return np.asarray(np.hstack([sentence_vectors(texts), colours]) * said, np.float32)


assert len(PARTS)
