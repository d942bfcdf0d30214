"""Lists of pictures: CSV or Parquet files with a column ``path``; further columns are the person's own."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from samekind.errors import UsageError

Value = str | int | float | None

SUFFIXES = (".csv", ".parquet")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_CODE = re.compile(r"-?(0[0-9]|[0-9]{19})")


def read_list(file: Path) -> tuple[list[str], dict[str, list[Value]]]:
    """(paths as written, columns by name, each as long as the paths and of one type besides None).

    In a CSV (UTF-8, commas, a head line) a column is int or float where all its values are; an empty value is None,
    and a column with leading zeros, a plus or 19 digits and more is text, because those are codes. In Parquet, truth
    values become 0 and 1, dates and times ISO text. Raises UsageError for a list that is empty, damaged, or without
    ``path``.
    """
    try:
        columns = _read_parquet(file) if file.suffix.lower() == ".parquet" else _read_csv(file)
    except OSError as problem:
        raise UsageError(f"The list {file} cannot be read ({problem.strerror or problem}).") from None
    if "path" not in columns:
        named = ", ".join(columns) or "none"
        raise UsageError(f"The list {file} has no column 'path'; its columns are: {named}.")
    paths = columns.pop("path")
    if not paths:
        raise UsageError(f"The list {file} holds no pictures.")
    for number, path in enumerate(paths, 1):
        if not isinstance(path, str) or not path or "\0" in path:
            raise UsageError(f"The list {file} names no picture in row {number}; every row needs a path.")
    return [str(path) for path in paths], columns


def _read_csv(file: Path) -> dict[str, list[Value]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream, strict=True))
    except (csv.Error, UnicodeDecodeError) as problem:
        raise UsageError(f"The list {file} is not a CSV file in UTF-8 ({problem}).") from None
    head, body = (rows[0], [row for row in rows[1:] if row]) if rows else ([], [])
    _check_head(head, file)
    for row in body:
        if len(row) > len(head):
            raise UsageError(f"The list {file} has a row of {len(row)} values under {len(head)} columns: {row[0]!r}.")
    texts = {name: [row[n] if n < len(row) else "" for row in body] for n, name in enumerate(head)}
    return {name: list(values) if name == "path" else typed(values) for name, values in texts.items()}


def _check_head(head: Sequence[str], file: Path) -> None:
    for name in head:
        if not name.strip() or head.count(name) > 1:
            fault = f"two columns {name!r}" if name.strip() else "a column without a name"
            raise UsageError(f"The list {file} has {fault}; give each column a name of its own.")


def typed(texts: Sequence[str]) -> list[Value]:
    """The texts of one column as int, float or str, whichever is the first that all can be; empty ones as None."""
    given = [text for text in texts if text]
    kind: type = str
    if given and all(map(_WHOLE.fullmatch, given)):
        kind = int
    elif given and all(_is_decimal(text) for text in given):
        kind = float
    return [kind(text) if text else None for text in texts]


def _is_decimal(text: str) -> bool:
    return bool(_DECIMAL.fullmatch(text)) and not _CODE.match(text) and math.isfinite(float(text))


def _read_parquet(file: Path) -> dict[str, list[Value]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
    except pa.ArrowException as problem:
        first = str(problem).partition("\n")[0]
        raise UsageError(f"The list {file} is not a readable Parquet file ({first}).") from None
    _check_head(table.column_names, file)
    return {name: _plain(table[name].to_pylist(), name, file) for name in table.column_names}


def _plain(values: Sequence[Any], name: str, file: Path) -> list[Value]:
    plain = [_plain_value(value) for value in values]
    kinds = {type(value) for value in plain if value is not None}
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in plain]
    if kinds - {int, float, str} or len(kinds) > 1:
        kind = next((type(value).__name__ for value in values if value is not None), "nothing")
        raise UsageError(f"Column {name!r} of {file} holds {kind} values; only text and numbers can be stored.")
    return plain


def _plain_value(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def rows_of(columns: Mapping[str, Sequence[Value]], count: int) -> list[dict[str, Value]]:
    """The columns as one dict a row."""
    return [{name: values[n] for name, values in columns.items()} for n in range(count)]
