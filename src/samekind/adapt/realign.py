"""Keeps the words of an adapted two-tower encoder where its pictures are, and says how well."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save_file

from samekind.encoders.adapted import FILE, WORDS
from samekind.encoders.hub import HUB
from samekind.encoders.load import load_text_tower
from samekind.encoders.prompts import encode_asked
from samekind.encoders.realigned import agreement, realignment
from samekind.encoders.rows import Array
from samekind.errors import EncoderError, MissingExtra
from samekind.meaning import concept_names

if TYPE_CHECKING:
    from samekind.settings import Settings

NEUTRAL = slice(0, 1_000, 20)
"""Names of fifty things, none chosen for a collection."""
LEAST = 0.5
"""Below it the words of the adapted encoder would be others: it is left without, and says so."""
RIDGES = (0.1, 0.3, 1.0, 3.0)
_HELD = 4


@dataclass(frozen=True)
class Words:
    """How much of the first ten pictures neutral words find again: ``before`` re-alignment and ``after`` it.

    On a quarter of the pictures, which took no part in the maps that are tried; where none of them does better than
    leaving words where they were, they are left. ``kept``: the adapted encoder has words.
    """

    before: float
    after: float

    @property
    def kept(self) -> bool:
        """Whether enough is left of what words found."""
        return self.after >= LEAST

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "kept": self.kept}


def realigned(name: str, before: Array, after: Array, seed: int, settings: Settings) -> tuple[Array, Words] | None:
    """The map for the texts of the base ``name`` and what comes of it; None for a base without usable words.

    ``before`` (n, d) and ``after`` (n, e): the same pictures by the base and by the adapted encoder.
    """
    if not name.startswith(HUB):
        return None
    try:
        tower = load_text_tower(name, settings)
    except (EncoderError, MissingExtra):  # words that cannot be read are no reason to refuse an adaptation
        return None
    if tower is None:
        return None
    texts = encode_asked(tower, concept_names()[NEUTRAL]).vectors
    order = np.random.default_rng(seed).permutation(len(before))
    held, rest = order[: len(order) // _HELD], order[len(order) // _HELD :]
    as_they_are = agreement(texts, before[held], texts, after[held]) if before.shape == after.shape else 0.0
    tried = {
        ridge: agreement(texts, before[held], texts @ realignment(before[rest], after[rest], ridge), after[held])
        for ridge in RIDGES
    }
    best = max(tried, key=lambda ridge: tried[ridge])
    if as_they_are >= tried[best]:
        return np.eye(before.shape[1], dtype=np.float32), Words(as_they_are, as_they_are)
    return realignment(before, after, best), Words(as_they_are, tried[best])


def write(out: Path, name: str, before: Array, after: Array, seed: int, settings: Settings) -> Words | None:
    """Re-aligns the words of the base ``name`` and puts the map into the adapted encoder's folder ``out``, if it helps.

    Arguments as for ``realigned``; None for a base without words.
    """
    found = realigned(name, before, after, seed, settings)
    if found is None:
        return None
    matrix, words = found
    if words.kept:
        draft = out / f".{WORDS}"
        save_file({"matrix": matrix}, draft)
        draft.chmod((out / FILE).stat().st_mode & 0o777)
        draft.replace(out / WORDS)
    return words
