from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import UsageError
from samekind.pictures.lists import read_list, typed


def csv(folder: Path, text: str) -> Path:
    file = folder / "list.csv"
    file.write_text(text, "utf-8")
    return file


def test_columns_have_one_type_each(tmp_path: Path) -> None:
    text = "path,whole,part,code,mixed,none\na,1,1.5,007,1,\nb,-20,2,012,x,\nc,,,,,\n"
    paths, columns = read_list(csv(tmp_path, text))
    assert paths == ["a", "b", "c"]
    assert columns == {
        "whole": [1, -20, None],
        "part": [1.5, 2.0, None],
        "code": ["007", "012", None],
        "mixed": ["1", "x", None],
        "none": [None, None, None],
    }
    assert isinstance(columns["part"][1], float)


@pytest.mark.parametrize(
    "text", ["nan", "inf", "1_000", "0x10", "12345678901234567890", "1,5", "١", " 1", "1e999", "+49151"]
)
def test_what_is_no_plain_number_is_text(text: str) -> None:
    assert typed([text]) == [text]


@given(st.lists(st.one_of(st.none(), st.integers(-(10**17), 10**17)), min_size=1))
def test_whole_numbers_come_back(values: list[int | None]) -> None:
    assert typed(["" if value is None else str(value) for value in values]) == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_come_back(values: list[float]) -> None:
    assert typed([repr(value) for value in values]) == values


def test_quotes_newlines_marks_and_short_rows(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes('\ufeffpath,note,more\r\n"two\nlines.jpg","a, ""b"""\r\n\r\nb.jpg\r\n'.encode())
    assert read_list(file) == (["two\nlines.jpg", "b.jpg"], {"note": ['a, "b"', None], "more": [None, None]})


def test_a_path_stays_text(tmp_path: Path) -> None:
    assert read_list(csv(tmp_path, "path\n12\n13\n"))[0] == ["12", "13"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no column 'path'; its columns are: none"),
        ("file,label\na,b\n", "its columns are: file, label"),
        ("path,label\n", "holds no pictures"),
        ("path,label\n,x\n", "row 1"),
        ("path,a\nx,1,2\n", "3 values under 2 columns"),
        ("path,a,a\nx,1,2\n", "two columns 'a'"),
        ("path,\nx,1\n", "without a name"),
        ('path\n"open', "not a CSV"),
    ],
)
def test_lists_that_are_refused(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        read_list(csv(tmp_path, text))


def test_lists_of_other_bytes(tmp_path: Path) -> None:
    for name in ("list.csv", "list.parquet"):
        (tmp_path / name).write_bytes(b"path\n\xff\xfe\x00")
        with pytest.raises(UsageError, match=r"CSV file in UTF-8|readable Parquet"):
            read_list(tmp_path / name)


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    day = datetime.date(2024, 2, 29)
    table = pa.table(
        {
            "path": ["a", "b"],
            "n": [1, None],
            "x": [0.5, float("nan")],
            "yes": [True, False],
            "day": [day, None],
            "price": [decimal.Decimal("1.50"), decimal.Decimal("2.25")],
            "kind": pa.array(["x", "y"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "list.parquet")
    assert read_list(tmp_path / "list.parquet") == (
        ["a", "b"],
        {
            "n": [1, None],
            "x": [0.5, None],
            "yes": [1, 0],
            "day": ["2024-02-29", None],
            "price": [1.5, 2.25],
            "kind": ["x", "y"],
        },
    )
    pq.write_table(pa.table({"path": ["a"], "tags": [["x", "y"]]}), tmp_path / "nested.parquet")
    with pytest.raises(UsageError, match=r"'tags'.*list values"):
        read_list(tmp_path / "nested.parquet")
    pq.write_table(pa.table({"path": pa.array([], pa.string())}), tmp_path / "empty.parquet")
    with pytest.raises(UsageError, match="no pictures"):
        read_list(tmp_path / "empty.parquet")
