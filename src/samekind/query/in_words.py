"""The reference of a query in words, before and after the change: by the language endpoint, or by rules."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from samekind.encoders.base import encode_pictures
from samekind.errors import PictureError
from samekind.meaning import concept_encoder, concept_names, split_concepts
from samekind.query.language.cached import CachedCaptioner, CachedRewriter
from samekind.query.language.chat import endpoint_of
from samekind.query.language.composed import Rewritten, composed_by_language
from samekind.query.language.endpoint import EndpointCaptioner, EndpointRewriter
from samekind.query.model import Like, Picture, Query
from samekind.query.pixels import pixels_of, png_of

if TYPE_CHECKING:
    from samekind.collection import Collection

_NAMES = 3


def in_words(collection: Collection, query: Query, text: str | None) -> Rewritten | None:
    """None where there is no reference picture or no words; ``text`` is the reference after the change where the person
    wrote that."""
    seen = query.references
    if not seen or not query.words:
        return None
    endpoint = endpoint_of(collection.settings)
    return composed_by_language(
        _content(collection, seen[0]) if endpoint else b"",
        query.change,
        CachedCaptioner(EndpointCaptioner(endpoint)) if endpoint else None,
        CachedRewriter(EndpointRewriter(endpoint)) if endpoint else None,
        _concepts(collection, seen),
        text,
    )


def _content(collection: Collection, part: Picture | Like) -> bytes:
    """The file of a reference, as a captioner takes it."""
    if isinstance(part, Picture) and isinstance(part.source, bytes) and not part.crop:
        return part.source
    return png_of(collection, part)


def _concepts(collection: Collection, seen: Sequence[Picture | Like]) -> list[tuple[str, float]]:
    """Names of what the references show, best first, with how sure that is; none where they cannot be looked at."""
    pixels = []
    for part in seen:
        with suppress(PictureError):
            pixels.append(pixels_of(collection, part))
    if not pixels:
        return []
    shown = split_concepts(encode_pictures(concept_encoder(collection.settings), pixels))[0].mean(axis=0)
    return [(concept_names()[at], float(shown[at])) for at in np.argsort(-shown)[:_NAMES]]
