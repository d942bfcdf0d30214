from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.collection.where import And, Eq, Range
from samekind.errors import UsageError
from samekind.pictures.views import Box
from samekind.query import Drop, Keep, Like, Part, Picture, Query, Unlike, Vector, Where, Words, parse, written
from tests.query.strategies import AWKWARD, queries, writable


@given(queries(writable))
def test_the_written_form_reads_back(query: Query) -> None:
    assert parse(written(query)) == query


BITS = [
    "+",
    "-",
    '"red"',
    "a.jpg",
    "'a b.jpg'",
    "[1,2,3,4]",
    "2*",
    "like:",
    "42",
    "keep:",
    "where:",
    "year>=2",
    " ",
    "“",
]


@given(st.one_of(st.text(), st.text(AWKWARD), st.lists(st.sampled_from(BITS), max_size=12).map("".join)))
def test_any_text_is_a_query_or_is_told_why_not(text: str) -> None:
    try:
        query = parse(text)
    except UsageError:
        return
    assert parse(written(query)) == query


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('photo.jpg + "at night" - "people"', [Picture("photo.jpg"), Words("at night"), Drop("people")]),
        ('2*"red" + ./shoe.png[120,40,300,220]', [Words("red", 2), Picture("shoe.png", Box(120, 40, 300, 220))]),
        ("like:42 unlike:77 where:year>=2020", [Like("42"), Unlike("77"), Where(Range("year", ">=", "2020"))]),
        ('-"people" + a/b.jpg', [Drop("people"), Picture("a/b.jpg")]),
        (
            "a.jpg - .5*b.jpg - 2*'c d.jpg'",
            [Picture("a.jpg"), Picture("b.jpg", weight=-0.5), Picture("c d.jpg", None, -2)],
        ),
        ("'it''s here.jpg'[ 1, 2.5,3 ,4]+a-b.jpg", [Picture("it's here.jpg", Box(1, 2.5, 3, 4)), Picture("a-b.jpg")]),
        ("a.jpg[1,2,3,4]-b.jpg", [Picture("a.jpg", Box(1, 2, 3, 4)), Picture("b.jpg", weight=-1)]),
        ("'photo'", [Picture("photo")]),
        (r"C:\shoes\a.jpg", [Picture(r"C:\shoes\a.jpg")]),
        ('"a"+"b"-"c"', [Words("a"), Words("b"), Drop("c")]),
        ('"photo.jpg"', [Words("photo.jpg")]),
        ("“red shoes” + „blau“", [Words("red shoes"), Words("blau")]),
        (r'"say \"hi\" \\ “so”"', [Words('say "hi" \\ “so”')]),
        ('"one\ntwo"', [Words("one\ntwo")]),
        ("  2 * like:a[1].jpg  +  1e1*unlike:'b c'  ", [Like("a[1].jpg", 2), Unlike("b c", 10)]),
        ('"x" keep:"red" + drop:"blue" + y.jpg', [Words("x"), Keep("red"), Drop("blue"), Picture("y.jpg")]),
        ("a.jpg 2*like:b", [Picture("a.jpg"), Like("b", 2)]),
        ('a.jpg - 1*"x"', [Picture("a.jpg"), Drop("x")]),
        (
            "where:(a = 1 and b='x ( y') + a.jpg where:kind='big cat'",
            [Where(And((Eq("a", "1"), Eq("b", "x ( y")))), Picture("a.jpg"), Where(Eq("kind", "big cat"))],
        ),
        ("a.jpg where:'odd name'='it''s a'", [Picture("a.jpg"), Where(Eq("odd name", "it's a"))]),
    ],
)
def test_what_people_write(text: str, parts: list[Part]) -> None:
    assert parse(text) == Query(*parts)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (Query(Drop("people"), Picture("a/b.jpg"), Words("red", 2)), '-"people" + a/b.jpg + 2*"red"'),
        (Query(Picture("a.jpg", weight=-0.5), Like("4", 3), Keep("x y")), '-0.5*a.jpg 3*like:4 keep:"x y"'),
        (Query(Like("4"), Picture("a b.jpg", Box(1, 2.5, 3, 4))), "like:4 + 'a b.jpg'[1,2.5,3,4]"),
        (Query(Picture("photo"), Unlike("it's"), Unlike("a b")), "'photo' unlike:it's unlike:'a b'"),
        (Query(Words('a "b" \\'), Where("year >= 2020")), '"a \\"b\\" \\\\" where:year>=2020'),
        (Query(Words("a"), Where("a=1 and b='x y'")), "\"a\" where:((a = 1) and (b = 'x y'))"),
        (Query(Picture("like:42"), Picture("2*a.jpg"), Picture("-a.jpg")), "'like:42' + '2*a.jpg' + '-a.jpg'"),
    ],
)
def test_how_queries_are_written(query: Query, text: str) -> None:
    assert written(query) == text
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("red", 'quote words: "red"; a file needs ./ or an ending (at 1)'),
        ("a.jpg + red shoes", 'quote words: "red"; a file needs ./ or an ending (at 9)'),
        ("a.jpg b.jpg", "+ or - is expected where 'b.jpg' is (at 7)"),
        ('a.jpg "red"', "+ or - is expected where '\"red\"' is (at 7)"),
        ("a.jpg + ", "a path is expected where the end is (at 9)"),
        ("a.jpg + + b.jpg", "a path is expected where '+' is (at 9)"),
        ('a.jpg+"red"', "a space behind 'a.jpg+' is expected where '\"red\"' is (at 7)"),
        ("a.jpg-2*'c d.jpg'", '+ or - is expected where "d.jpg\'" is (at 12)'),
        ('"red"like:4', "+ or - is expected where 'like:4' is (at 6)"),
        ('"red"[1,2,3,4]', "+ or - is expected where '[1,2,3,4]' is (at 6)"),
        ("a.jpg[1,2,3]", "a crop [LEFT,TOP,WIDTH,HEIGHT] is expected; put a path with a [ into '...' (at 6)"),
        ("a[1].jpg", "a crop [LEFT"),
        ('a.jpg + "red', 'never closed; add a " (at 9)'),
        ("a.jpg + “red", "never closed; add a ” (at 9)"),
        ("a.jpg + 'b c.jpg", "never closed; add a ' (at 9)"),
        ("a.jpg + ''", "nothing between the quotes; name a picture there (at 9)"),
        ('a.jpg + " "', "the part at 9 is off: Words must say something"),
        (r'"a\n"', "stands before a quote or another \\ only; double it (at 3)"),
        ('a.jpg - 2*"people"', "what is dropped has no weight; leave the number out (at 9)"),
        ('a.jpg 2*keep:"x"', "keep: has no weight; leave the number out (at 7)"),
        ("a.jpg 2*where:a=1", "where: has no weight"),
        ("a.jpg - like:4", "write unlike: without it (at 9)"),
        ('a.jpg - drop:"x"', "write keep: without it"),
        ("a.jpg - where:a=1", "put a not into the filter (at 9)"),
        ("a.jpg lik:4", "the part at 7 is off: There is no field 'lik'; known: drop, keep, like, unlike, where."),
        ("http://a.b/c.jpg", "There is no field 'http'"),
        ("a.jpg keep:x", "words in quotes right behind keep:, such as keep:\"red\", is expected where 'x' is (at 12)"),
        ("like: 4", "an id or a path right behind like: is expected where a space is (at 6)"),
        ('like:"4"', "an id or a path is expected where '\"4\"' is (at 6)"),
        ("a.jpg where:", "a filter right behind where: is expected where the end is (at 13)"),
        ("a.jpg where:year>", "the part at 7 is off: In the filter 'year>' a value is expected"),
        ("a.jpg where:(year>1 + b.jpg", "In the filter '(year>1 + b.jpg'"),
        ("a.jpg + 0*like:4", "the part at 9 is off: The weight of Like must be positive"),
        ("a.jpg + 1e999*b.jpg", "the part at 9 is off: A weight must be a finite number"),
        ('- "people"', "say what to look for as well"),
        ("where:year>1", "only filters"),
        ('"red" - "red"', "both looked for and dropped"),
    ],
)
def test_what_is_off_is_shown(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        parse(text)


@pytest.mark.parametrize(
    "part",
    [Picture(b"..."), Picture(np.zeros((2, 2, 3), np.uint8)), Vector(np.ones(3))],
    ids=["bytes", "pixels", "vector"],
)
def test_what_has_no_written_form(part: Part) -> None:
    with pytest.raises(UsageError, match="no written form"):
        written(Query(Words("red"), part))
