"""Asking: queries, the search, and hits that know how to show themselves."""

from samekind.query.hits import COLLAPSE_AT, WEAK_BELOW, Hit, Hits, Seconds
from samekind.query.kept_eyes import Eye, drop_eye, eyes, save_eye
from samekind.query.model import Drop, Keep, Like, Part, Picture, Query, Unlike, Vector, Where, Words
from samekind.query.search import search
from samekind.query.several import search_several
from samekind.query.written import parse, written

__all__ = [
    "COLLAPSE_AT",
    "WEAK_BELOW",
    "Drop",
    "Eye",
    "Hit",
    "Hits",
    "Keep",
    "Like",
    "Part",
    "Picture",
    "Query",
    "Seconds",
    "Unlike",
    "Vector",
    "Where",
    "Words",
    "drop_eye",
    "eyes",
    "parse",
    "save_eye",
    "search",
    "search_several",
    "written",
]
