from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.collection.where import Range
from samekind.errors import UsageError
from samekind.pictures.views import Box
from samekind.query import Drop, Keep, Like, Picture, Query, Unlike, Vector, Where, Words
from tests.query.strategies import queries, vectors, writable


@given(queries(st.one_of(writable, vectors)))
def test_the_json_form_reads_back(query: Query) -> None:
    assert Query.from_dict(json.loads(json.dumps(query.to_dict(), allow_nan=False))) == query


def test_how_queries_look_in_json() -> None:
    query = Query(
        Picture("a/b.jpg", Box(1, 2, 3, 4), -0.5),
        Words("red", np.float32(2)),
        Keep("sky"),
        Drop("people"),
        Like("42"),
        Unlike("77", 2),
        Vector(np.array([1, 2], np.float16)),
        Where("year>=2020"),
    )
    form = {
        "parts": [
            {"picture": "a/b.jpg", "crop": {"left": 1.0, "top": 2.0, "width": 3.0, "height": 4.0}, "weight": -0.5},
            {"words": "red", "weight": 2.0},
            {"keep": "sky"},
            {"drop": "people"},
            {"like": "42"},
            {"unlike": "77", "weight": 2.0},
            {"vector": [1.0, 2.0]},
            {"where": {">=": ["year", "2020"]}},
        ]
    }
    assert query.to_dict() == form
    assert Query.from_dict(form) == query


def test_a_filter_may_be_written_in_json() -> None:
    query = Query.from_dict({"parts": [{"like": "42", "weight": 1}, {"where": "year>=2020"}]})
    assert query == Query(Like("42"), Where(Range("year", ">=", 2020)))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda below: st.one_of(
        st.lists(below, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["picture", "words", "keep", "like", "vector", "where", "crop", "weight", "eq", "left", "x"]
            ),
            below,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


@given(st.one_of(json_values, st.fixed_dictionaries({"parts": st.lists(json_values, max_size=3)})))
def test_any_json_is_a_query_or_is_told_why_not(form: object) -> None:
    try:
        query = Query.from_dict(form)
    except UsageError:
        return
    assert Query.from_dict(json.loads(json.dumps(query.to_dict()))) == query


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (None, "no query"),
        ([], "no query"),
        ({"parts": {}}, "no query"),
        ({}, "at least one part"),
        ({"parts": [], "part": []}, "no key of a query 'part'; known: parts"),
        ({"parts": ["red"]}, "no part of a query: 'red'"),
        ({"parts": [{}]}, "no part"),
        ({"parts": [{"word": "red"}]}, "no kind of part 'word'; known: drop, keep, .* Did you mean 'words'"),
        ({"parts": [{"words": "red", "wieght": 2}]}, "no key beside 'words' 'wieght'; known: weight"),
        ({"parts": [{"drop": "red", "weight": 2}]}, "no key beside 'drop' 'weight'; known: none"),
        ({"parts": [{"words": "red", "keep": "blue"}]}, "no key beside 'words' 'keep'"),
        ({"parts": [{"words": "red", "crop": None}]}, "no key beside 'words' 'crop'"),
        ({"parts": [{"words": 7}]}, '"words" holds a text, not 7'),
        ({"parts": [{"picture": ["a.jpg"]}]}, '"picture" holds a text'),
        ({"parts": [{"words": "red", "weight": "2"}]}, "finite number, not '2'"),
        ({"parts": [{"words": "red", "weight": True}]}, "finite number, not True"),
        ({"parts": [{"words": "red", "weight": float("nan")}]}, "finite number, not nan"),
        ({"parts": [{"words": "red", "weight": -1}]}, "say Drop"),
        ({"parts": [{"picture": "a.jpg", "crop": [1, 2, 3, 4]}]}, '"crop" holds left, top, width, height'),
        ({"parts": [{"picture": "a.jpg", "crop": {"left": 1}}]}, '"crop" holds'),
        (
            {"parts": [{"picture": "a.jpg", "crop": {"left": 1, "top": 1, "width": 1, "height": 1, "right": 2}}]},
            "no side of a crop 'right'",
        ),
        (
            {"parts": [{"picture": "a.jpg", "crop": {"left": 1, "top": 1, "width": "1", "height": 1}}]},
            "The width of a crop",
        ),
        ({"parts": [{"vector": 3}]}, "list of numbers"),
        ({"parts": [{"vector": [1, "2"]}]}, "A number of a vector"),
        ({"parts": [{"vector": [10**400]}]}, "A number of a vector"),
        ({"parts": [{"vector": []}]}, "not all zero"),
        ({"parts": [{"words": "a"}, {"where": {"near": 1}}]}, "no filter"),
        ({"parts": [{"words": "a"}, {"where": "year>"}]}, "a value"),
    ],
)
def test_a_json_form_that_is_off_is_refused(form: object, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Query.from_dict(form)


@pytest.mark.parametrize("source", [b"...", np.zeros((2, 2, 3), np.uint8)], ids=["bytes", "pixels"])
def test_pictures_that_are_no_files_have_no_json_form(source: object) -> None:
    with pytest.raises(UsageError, match="no JSON form"):
        Query(Picture(source)).to_dict()  # type: ignore[arg-type]
