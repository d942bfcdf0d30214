"""Filters against a plain reading of them, on tables of chance."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import lance
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samekind.collection.where import And, Eq, In, Not, Or, Range, Starts, Where, from_dict, to_dict, to_sql
from samekind.collection.written import all_of, parse_where, written
from samekind.errors import UsageError

TEXTS = [
    "",
    "a",
    "train/cat 1.jpg",
    "Train/x",
    "o'k",
    "100%",
    "a_b",
    "back\\slash",
    "Ünï",
    "new\nline",
    "*",
    "tr",
    "null",
]
INTS = [0, 1, -5, 2**53 + 1, 7]
FLOATS = [0.0, 1.5, -2.25, 1e300]
SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("Odd name", pa.string()),
        ("year", pa.int64()),
        ("score", pa.float64()),
        ("added", pa.timestamp("us", tz="UTC")),
        ("look", pa.list_(pa.float16(), 2)),
    ]
)
ROWS = [
    {
        "kind": ([*TEXTS, None])[n % (len(TEXTS) + 1)],
        "Odd name": ([None, *TEXTS])[(n * 5) % (len(TEXTS) + 1)],
        "year": ([*INTS, None])[n % 6],
        "score": ([None, *FLOATS])[(n * 3) % 5],
        "added": datetime(2024, 1, 1 + n % 20, tzinfo=UTC),
        "look": None,
    }
    for n in range(120)
]

texts = st.sampled_from(TEXTS) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
patterns = st.lists(st.sampled_from([*"ab%_\\*?'/T", "tr", "Ü"]), max_size=5).map("".join)
columns = st.sampled_from(["kind", "Odd name"])
leaves: st.SearchStrategy[Where] = st.one_of(
    st.builds(Eq, columns, texts | st.none()),
    st.builds(Eq, st.just("year"), st.sampled_from(INTS) | st.none()),
    st.builds(Eq, st.just("score"), st.sampled_from(FLOATS)),
    st.builds(In, columns, st.lists(texts | st.none(), max_size=3).map(tuple)),
    st.builds(In, st.just("year"), st.lists(st.sampled_from(INTS), max_size=3).map(tuple)),
    st.builds(Range, columns, st.sampled_from(["<", "<=", ">", ">="]), texts),
    st.builds(Range, st.just("year"), st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(INTS)),
    st.builds(Range, st.just("score"), st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(FLOATS)),
    st.builds(Starts, columns, patterns),
)
trees: st.SearchStrategy[Where] = st.recursive(
    leaves,
    lambda below: st.one_of(
        st.builds(Not, below),
        st.builds(And, st.lists(below, max_size=3).map(tuple)),
        st.builds(Or, st.lists(below, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


def holds(where: Where, row: dict[str, Any]) -> bool:
    """What a filter means, read plainly."""
    match where:
        case And(parts):
            return all(holds(part, row) for part in parts)
        case Or(parts):
            return any(holds(part, row) for part in parts)
        case Not(part):
            return not holds(part, row)
        case Eq(column, value):
            return row[column] == value if value is not None else row[column] is None
        case In(column, values):
            return row[column] in values
        case Starts(column, pattern):
            expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
            return row[column] is not None and re.match(expression, row[column], re.DOTALL) is not None
        case Range(column, order, value):
            have: Any = row[column]
            if have is None:
                return False
            if isinstance(have, str):
                have, value = have.encode(), str(value).encode()
            return {"<": have < value, "<=": have <= value, ">": have > value, ">=": have >= value}[order]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return lance.write_dataset(pa.Table.from_pylist(ROWS, SCHEMA), str(tmp_path_factory.mktemp("where") / "t.lance"))


@given(tree=trees)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_table_reads_a_filter_as_it_is_meant(dataset: Any, tree: Where) -> None:
    found = dataset.to_table(columns=[], filter=to_sql(tree, SCHEMA), with_row_id=True)["_rowid"].to_pylist()
    assert sorted(found) == [n for n, row in enumerate(ROWS) if holds(tree, row)]


def as_text(where: Where) -> Where:
    """The tree with all values as text, as the written form has them."""
    match where:
        case And(parts):
            return And(tuple(map(as_text, parts)))
        case Or(parts):
            return Or(tuple(map(as_text, parts)))
        case Not(part):
            return Not(as_text(part))
        case Eq(column, value):
            return Eq(column, None if value is None else str(value))
        case In(column, values):
            return In(column, tuple(None if value is None else str(value) for value in values))
        case Range(column, order, value):
            return Range(column, order, str(value))
        case Starts():
            return where


def several(where: Where) -> bool:
    match where:
        case And(parts) | Or(parts):
            return len(parts) > 1 and all(map(several, parts))
        case Not(part):
            return several(part)
    return True


@given(trees.filter(several))
def test_the_written_form_reads_back(tree: Where) -> None:
    assert parse_where(written(tree)) == as_text(tree)


@given(trees)
def test_the_written_form_of_any_tree_means_the_same(tree: Where) -> None:
    again = parse_where(written(tree).replace("id in ()", "kind in ()"))
    for row in ROWS[:40]:
        assert holds(tree, row) == holds(_typed(again), row)


def _typed(where: Where) -> Where:
    """Numbers back from text, by column."""
    kinds: dict[str, Any] = {"year": int, "score": float}
    match where:
        case And(parts):
            return And(tuple(map(_typed, parts)))
        case Or(parts):
            return Or(tuple(map(_typed, parts)))
        case Not(part):
            return Not(_typed(part))
        case Eq(column, value) if value is not None and column in kinds:
            return Eq(column, kinds[column](value))
        case In(column, values) if column in kinds:
            return In(column, tuple(kinds[column](value) for value in values))
        case Range(column, order, value) if column in kinds:
            return Range(column, order, kinds[column](value))
    return where


@given(trees)
def test_the_json_form_reads_back(tree: Where) -> None:
    assert from_dict(json.loads(json.dumps(to_dict(tree)))) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("path~=train/", Starts("path", "train/")),
        ("year>=1990 and year<2000", And((Range("year", ">=", "1990"), Range("year", "<", "2000")))),
        ("kind='big cat'", Eq("kind", "big cat")),
        ("'odd name'='it''s'", Eq("odd name", "it's")),
        ("kind!=cat", Not(Eq("kind", "cat"))),
        ("kind = null", Eq("kind", None)),
        ("kind='null'", Eq("kind", "null")),
        ("kind in (a, b)", In("kind", ("a", "b"))),
        ("kind not in (a)", Not(In("kind", ("a",)))),
        ("NOT a=1 OR b=2 AND c=3", Or((Not(Eq("a", "1")), And((Eq("b", "2"), Eq("c", "3")))))),
        ("not (a=1 or b=2)", Not(Or((Eq("a", "1"), Eq("b", "2"))))),
        ("path~=*.jpg", Starts("path", "*.jpg")),
        ("added>=2024-01-31", Range("added", ">=", "2024-01-31")),
    ],
)
def test_what_people_write(text: str, tree: Where) -> None:
    assert parse_where(text) == tree


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the end"),
        ("kind", "the end"),
        ("kind=", "a value"),
        ("kind=a b", "'b'"),
        ("(kind=a", "'\\)'"),
        ("kind=a)", "'\\)'"),
        ("kind='a", "never closed"),
        ("kind ~ a", "out of place"),
        ("kind in a", "'\\('"),
        ("and kind=a", "a column"),
        ("(" * 60 + "a=1" + ")" * 60, "nested"),
        ("not " * 60 + "a=1", "nested"),
    ],
)
def test_what_is_off_is_shown(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_where(text)


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        (Eq("kindd", "a"), "Did you mean 'kind'"),
        (Eq("look", "a"), "known: .*year"),
        (Eq("year", "abc"), "whole numbers"),
        (Eq("year", 1.5), "whole numbers"),
        (Eq("year", 2**70), "whole numbers"),
        (Eq("kind", 5), "holds text"),
        (Range("score", "<", "x"), "holds numbers"),
        (Range("score", "<", "nan"), "holds numbers"),
        (Range("added", ">", "yesterday"), "2024-01-31"),
        (Starts("year", "19"), "no text"),
        (Eq("kind`", "x"), "no column"),
    ],
)
def test_unknown_columns_and_wrong_types_are_refused(tree: Where, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        to_sql(tree, SCHEMA)


def test_numbers_and_times_may_be_written(dataset: Any) -> None:
    for text in ("year = 7", "score > 1.4", "added >= 2024-01-10", "added < 2024-01-10T12:00:00+02:00"):
        found = dataset.to_table(columns=[], filter=to_sql(parse_where(text), SCHEMA), with_row_id=True)
        assert 0 < found.num_rows < len(ROWS)


@pytest.mark.parametrize(
    "tree",
    [None, [], {}, {"eq": ["a"]}, {"eq": ["a", 1], "in": []}, {"near": 1}, {"not": 3}, {"<": 3}],
)
def test_a_json_form_that_is_none_is_refused(tree: Any) -> None:
    with pytest.raises(UsageError, match="no filter"):
        from_dict(tree)


def test_several_filters_must_all_hold() -> None:
    assert all_of([]) is None
    assert all_of(["a=1"]) == Eq("a", "1")
    assert all_of(["a=1 or b=2", "c=3"]) == And((Or((Eq("a", "1"), Eq("b", "2"))), Eq("c", "3")))
