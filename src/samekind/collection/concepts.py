"""What pictures show, by name: made when words are first asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from samekind.collection.beside import Beside

if TYPE_CHECKING:
    from samekind.collection.collection import Collection
    from samekind.encoders.base import Encoder
    from samekind.settings import Settings


def _encoder(_: Collection, settings: Settings) -> Encoder:
    from samekind.meaning import concept_encoder

    return concept_encoder(settings)


CONCEPTS = Beside("words", "learning words", _encoder)
"""Concepts (1013,) of a picture (`meaning/concepts.py`)."""
