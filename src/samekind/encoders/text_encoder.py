"""A text tower at work: texts to tokens to unit vectors, with neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samekind.encoders.base import TextVectors
from samekind.encoders.recipe import unit_rows
from samekind.encoders.runtime import BATCH, Network
from samekind.encoders.tokenizer import Filling, Tokens, tokens_of
from samekind.errors import UsageError


class HubText:
    """The ``TextTower`` of a hub model: its own tokenizer and its converted graph."""

    def __init__(self, name: str, digest: str, dim: int, tokenizer: Any, filling: Filling, network: Network) -> None:
        """``digest`` is the sha256 of what decides about the vectors."""
        self.name = name
        self.dim = dim
        self.fingerprint = digest[:16]
        self.limit = filling.limit
        self._tokenizer = tokenizer
        self._filling = filling
        self._network = network

    def __repr__(self) -> str:
        return f"HubText({self.name!r}, dim={self.dim}, fingerprint={self.fingerprint!r})"

    def encode(self, texts: Sequence[str]) -> TextVectors:
        """The texts as they are, (n, dim) float32 unit rows; no texts give (0, dim). Safe in several threads.

        Raises UsageError for a text that is empty, or of which the tokenizer leaves nothing.
        """
        read = [self._read(text) for text in texts]
        rows = np.zeros((len(texts), self.dim), np.float32)
        by_length = sorted(range(len(read)), key=lambda place: len(read[place].numbers))
        for start in range(0, len(read), BATCH):
            places = by_length[start : start + BATCH]
            rows[places] = self._network(self._filling.fill([read[place] for place in places]))
        cut = (text for text, tokens in zip(texts, read, strict=True) if tokens.cut)
        return TextVectors(unit_rows(rows), tuple(dict.fromkeys(cut)))

    def _read(self, text: str) -> Tokens:
        if not text.strip():
            raise UsageError("There is nothing to search for in an empty text; say it in words.")
        tokens = tokens_of(self._tokenizer, text)
        if tokens.empty:
            raise UsageError(f"{self.name} reads no word in {text!r}; say it in words.")
        return tokens
