"""Asking: queries, the search, and hits that know how to show themselves."""

from samekind.query.hits import COLLAPSE_AT, WEAK_BELOW, Hit, Hits, Seconds
from samekind.query.model import Part, Picture, Query, Stored, Vector
from samekind.query.search import search

__all__ = [
    "COLLAPSE_AT",
    "WEAK_BELOW",
    "Hit",
    "Hits",
    "Part",
    "Picture",
    "Query",
    "Seconds",
    "Stored",
    "Vector",
    "search",
]
