from pathlib import Path

import numpy as np
import pytest

from samekind.collection.where import And, Eq, In, Not, Range
from samekind.collection.where import Where as Filter
from samekind.errors import UsageError
from samekind.pictures.views import Box
from samekind.query import Drop, Keep, Like, Picture, Query, Unlike, Vector, Where, Words
from samekind.query.parts import Part, pull

PIXELS = np.zeros((2, 2, 3), np.uint8)


def test_a_query_keeps_its_parts_in_order() -> None:
    parts = (
        Like("a"),
        Picture(Path("x.jpg")),
        Words("red"),
        Vector(np.ones(3)),
        Where("year>1990"),
        Unlike("b"),
        Keep("blue"),
        Picture(b"...", weight=-1),
        Drop("people"),
        Where(Eq("kind", None)),
    )
    query = Query(*parts)
    assert query.parts == parts
    assert query.pictures == (parts[1], parts[7])
    assert query.items == (parts[0], parts[5])
    assert query.shown == (parts[0], parts[1], parts[3], parts[5], parts[7])
    assert (query.words, query.keeps, query.drops) == ((parts[2],), (parts[6],), (parts[8],))
    assert query.filters == (Range("year", ">", "1990"), Eq("kind", None))
    assert [pull(part) for part in parts] == [1, 1, 1, 1, 0, -1, 0, -1, -1, 0]


def test_a_picture_is_named_by_a_text_or_a_path() -> None:
    assert Picture("robin.jpg").source == Picture(Path("robin.jpg")).source == Path("robin.jpg")
    assert Like(Path("a/b.jpg")) == Like("a/b.jpg", 1)


@pytest.mark.parametrize(
    ("one", "same", "others"),
    [
        (Picture("a.jpg"), Picture(Path("a.jpg"), None, 1), [Picture("b.jpg"), Picture(b"a.jpg"), Picture(PIXELS)]),
        (Picture("a.jpg", Box(0, 0, 1, 2), 2), Picture("a.jpg", Box(0.0, 0.0, 1.0, 2.0), 2.0), [Picture("a.jpg")]),
        (Picture("a.jpg", weight=2), Picture("a.jpg", weight=2), [Picture("a.jpg", weight=-2)]),
        (Picture(b"a"), Picture(b"a"), [Picture(b"b")]),
        (Picture(PIXELS), Picture(PIXELS.copy()), [Picture(PIXELS + 1), Picture(PIXELS[:1]), Words("a")]),
        (Vector(np.arange(3)), Vector(np.arange(3, dtype=np.float32)), [Vector(np.arange(4)), Vector(np.ones(3))]),
        (Where("year>=1990"), Where(Range("year", ">=", 1990)), [Where("year>=1991"), Where("not year>=1990")]),
        (Like("a"), Like("a"), [Unlike("a"), Like("b"), Like("a", 2)]),
        (Keep("a"), Keep("a"), [Drop("a"), Words("a")]),
    ],
)
def test_equal_parts_make_equal_queries(one: Part, same: Part, others: list[Part]) -> None:
    assert one == same
    assert hash(one) == hash(same)
    assert Query(Words("x"), one) == Query(Words("x"), same)
    assert all(one != other for other in others)


@pytest.mark.parametrize(
    ("tree", "kept"),
    [
        (Eq("year", 7), Eq("year", "7")),
        (In("kind", ["a", None]), In("kind", ("a", None))),  # type: ignore[arg-type]
        (And((Eq("a", "1"),)), Eq("a", "1")),
        (Not(Range("score", "<", 1.5)), Not(Range("score", "<", "1.5"))),
    ],
)
def test_a_filter_is_kept_as_it_is_written(tree: Filter, kept: Filter) -> None:
    where = Where(tree)
    assert where.filter == kept
    assert Where(where.filter) == where


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Query(), "at least one part"),
        (lambda: Query("robin.jpg"), "not str"),  # type: ignore[arg-type]
        (lambda: Query(Picture("a.jpg", weight=0), Words("red", 0)), "All weights"),
        (lambda: Query(Vector(np.ones(3), 0), Keep("red"), Where("a=1")), "All weights"),
        (lambda: Query(Where("a=1"), Where("b=2")), "only filters"),
        (lambda: Query(Drop("people")), "look for as well"),
        (lambda: Query(Unlike("a"), Picture("a.jpg", weight=-1), Where("a=1")), "look for as well"),
        (lambda: Query(Drop("people"), Picture("a.jpg", weight=0)), "look for as well"),
        (lambda: Query(Keep("red"), Drop("people")), "to keep or to keep away from"),
        (lambda: Query(Keep("red"), Picture("a.jpg"), Drop("red")), "'red' is both kept and dropped"),
        (lambda: Query(Words("Red  shoes"), Drop("red shoes")), "'red shoes' is both looked for and dropped"),
        (lambda: Picture(7), "not int"),  # type: ignore[arg-type]
        (lambda: Picture(np.zeros((2, 2), np.uint8)), "\\(2, 2\\)"),
        (lambda: Picture(np.zeros((0, 2, 3), np.uint8)), "\\(0, 2, 3\\)"),
        (lambda: Picture(np.zeros((2, 2, 3), np.float32)), "float32"),
        (lambda: Picture("a.jpg", (1, 2, 3, 4)), "Box of finite"),  # type: ignore[arg-type]
        (lambda: Picture("a.jpg", Box(0, 0, float("inf"), 1)), "Box of finite"),
        (lambda: Picture("a.jpg", weight="2"), "finite number, not '2'"),  # type: ignore[arg-type]
        (lambda: Picture("a.jpg", weight=10**400), "finite"),
        (lambda: Words(""), "say something"),
        (lambda: Words(" \n"), "say something"),
        (lambda: Words(7), "not int"),  # type: ignore[arg-type]
        (lambda: Words("people", -1), "Drop\\('people'\\)"),
        (lambda: Keep(" "), "say something"),
        (lambda: Drop(""), "say something"),
        (lambda: Like("a", float("nan")), "finite"),
        (lambda: Like("a", 0), "positive, not 0; the opposite is Unlike"),
        (lambda: Unlike("a", -1), "positive, not -1; the opposite is Like"),
        (lambda: Like(" "), "id or path"),
        (lambda: Like(42), "id or path"),  # type: ignore[arg-type]
        (lambda: Vector(np.zeros(4)), "not all zero"),
        (lambda: Vector(np.array([1, np.inf])), "finite"),
        (lambda: Vector(np.ones((2, 4))), "one row"),
        (lambda: Vector(np.array(["a"])), "one row"),
        (lambda: Where("year>"), "a value"),
        (lambda: Where({"eq": ["a", 1]}), "written form"),  # type: ignore[arg-type]
        (lambda: Where(Eq(5, "a")), "no filter"),  # type: ignore[arg-type]
        (lambda: Where(And((None,))), "no filter"),  # type: ignore[arg-type]
        (lambda: Where(And(None)), "no filter"),  # type: ignore[arg-type]
    ],
)
def test_impossible_parts_are_refused(make: object, says: str) -> None:
    with pytest.raises(UsageError, match=says) as told:
        make()  # type: ignore[operator]
    assert "\n" not in str(told.value)
