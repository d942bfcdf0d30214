"""The first hits put in another order by somebody who looks at them (MM-Embed, Lin et al., 2024; card 2.6)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from samekind.errors import LanguageError, PictureError, UsageError
from samekind.query.hits import Hits
from samekind.query.language.protocols import Judge
from samekind.query.model import Query
from samekind.query.pixels import png_of

if TYPE_CHECKING:
    from samekind.collection import Collection

FIRST = 10
"""Hits that are looked at."""


def judged(collection: Collection, query: Query, hits: Hits, judge: Judge) -> tuple[Hits, str | None]:
    """The hits, the first ten ordered by the judge, and why that could not be done, None where it could.

    What the judge says, 0..1, stands in ``roles`` as "judge"; equal answers leave the order as it is. Where one answer
    fails, all stays as it was. Raises UsageError for a query without words, which leaves nothing to judge by.
    """
    if not query.change:
        raise UsageError("A judge wants words to judge by; say some with --words.")
    try:
        reference = png_of(collection, query.references[0]) if query.references else None
        said = {hit.id: judge.judge(reference, query.change, png_of(collection, hit.file)) for hit in hits[:FIRST]}
    except (LanguageError, PictureError) as problem:
        return hits, f"The judge left the order as it was: {problem}"
    places = [at for at, hit in enumerate(hits.candidates) if hit.id in said]
    order = sorted(places, key=lambda at: -said[hits.candidates[at].id])
    candidates, vectors = list(hits.candidates), hits.vectors.copy()
    for place, at in zip(places, order, strict=True):
        one = hits.candidates[at]
        candidates[place] = replace(one, roles={**one.roles, "judge": said[one.id]})
        vectors[place] = hits.vectors[at]
    return replace(hits, candidates=tuple(candidates), vectors=vectors), None
