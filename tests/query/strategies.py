"""Queries of chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from samekind.collection.where import And, Eq, In, Not, Or, Range, Starts
from samekind.errors import UsageError
from samekind.pictures.views import Box
from samekind.query import Drop, Keep, Like, Part, Picture, Query, Unlike, Vector, Where, Words

AWKWARD = "ab1 .,:;/\\'\"“”„’[]()*+-=<>~\n\té2"
SIGNS = st.text(AWKWARD, min_size=1, max_size=12)
texts = st.one_of(SIGNS, st.text(min_size=1, max_size=12), st.sampled_from(["at night", 'say "hi"', "2*"]))
said = texts.filter(lambda text: text.strip() != "")
paths = st.one_of(
    SIGNS,
    st.text(min_size=1, max_size=12),
    st.sampled_from(["a/b.jpg", "my shoe.png", "it's.jpg", "like:42", "x[1].jpg", "2*b.jpg", "-a.jpg", "C:\\a.jpg"]),
).map(Path)
weights = st.one_of(st.sampled_from([1, 2, 0.5]), st.floats(0, 1e30), st.floats(1e-9, 10))
above = weights.filter(bool)
pixels = st.one_of(st.integers(-1000, 10_000), st.floats(-1e4, 1e4))
boxes = st.builds(Box, pixels, pixels, pixels, pixels)
values = st.one_of(st.none(), texts, st.integers(), st.floats(allow_nan=False))
columns = st.one_of(st.sampled_from(["kind", "Odd name", "year"]), texts)
leaves = st.one_of(
    st.builds(Eq, columns, values),
    st.builds(In, columns, st.lists(values, max_size=3).map(tuple)),
    st.builds(Range, columns, st.sampled_from(["<", "<=", ">", ">="]), values.filter(lambda one: one is not None)),
    st.builds(Starts, columns, texts),
)
filters = st.recursive(
    leaves,
    lambda below: st.one_of(
        st.builds(Not, below),
        st.builds(And, st.lists(below, max_size=3).map(tuple)),
        st.builds(Or, st.lists(below, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)
numbers = st.lists(st.floats(-65536, 65536, width=32), min_size=1, max_size=5).filter(any)
writable: st.SearchStrategy[Part] = st.one_of(
    st.builds(Picture, paths, st.one_of(st.none(), boxes), st.one_of(weights, weights.map(lambda weight: -weight))),
    st.builds(Words, said, weights),
    st.builds(Keep, said),
    st.builds(Drop, said),
    st.builds(Like, said, above),
    st.builds(Unlike, said, above),
    st.builds(Where, filters),
)
vectors: st.SearchStrategy[Part] = st.builds(Vector, numbers.map(lambda row: np.array(row, np.float32)), weights)


def _query(parts: list[Part]) -> Query | None:
    try:
        return Query(*parts)
    except UsageError:
        return None


def queries(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Query]:
    """Queries that something is looked for with."""
    made = st.lists(parts, min_size=1, max_size=6).map(_query)
    return made.filter(lambda query: query is not None)  # type: ignore[return-value]
