"""Filters: a small tree, its JSON form, and its translation for the table. The written form is in ``written.py``.

A row without a value in a column fails every test of it but ``Eq(column, None)``; so ``Not(Eq(kind, cat))`` finds it.

JSON: ``{"eq": [column, value]}``, ``{"in": [column, [values]]}``, ``{"<": [column, value]}`` and so on for ``<= > >=``,
``{"starts": [column, pattern]}``, ``{"and": [...]}``, ``{"or": [...]}``, ``{"not": ...}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from samekind.collection.plan import Value
from samekind.errors import UsageError, unknown_name

if TYPE_CHECKING:
    import pyarrow as pa

ORDERS = ("<=", ">=", "<", ">")
DEEPEST = 50


@dataclass(frozen=True)
class Eq:
    """The column has this value; None: it has none."""

    column: str
    value: Value


@dataclass(frozen=True)
class In:
    """The column has one of these values."""

    column: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Range:
    """The column is ``<``, ``<=``, ``>`` or ``>=`` the value."""

    column: str
    order: str
    value: str | int | float

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise unknown_name("comparison", self.order, ORDERS)


@dataclass(frozen=True)
class Starts:
    """The text starts with the pattern, in which ``*`` stands for any characters and ``?`` for any one."""

    column: str
    pattern: str


@dataclass(frozen=True)
class And:
    """All of them."""

    parts: tuple[Where, ...]


@dataclass(frozen=True)
class Or:
    """Any of them."""

    parts: tuple[Where, ...]


@dataclass(frozen=True)
class Not:
    """The opposite."""

    part: Where


Test = Eq | In | Range | Starts
Where = Test | And | Or | Not


def to_dict(where: Where) -> dict[str, Any]:
    """The JSON form."""
    match where:
        case Eq(column, value):
            return {"eq": [column, value]}
        case In(column, values):
            return {"in": [column, list(values)]}
        case Range(column, order, value):
            return {order: [column, value]}
        case Starts(column, pattern):
            return {"starts": [column, pattern]}
        case Not(part):
            return {"not": to_dict(part)}
        case And(parts):
            return {"and": [to_dict(part) for part in parts]}
        case Or(parts):
            return {"or": [to_dict(part) for part in parts]}


def from_dict(tree: Any, depth: int = 0) -> Where:
    """The tree of a JSON form. Raises UsageError naming what is wrong."""
    if depth > DEEPEST:
        raise too_deep()
    match tree:
        case {"eq": [str(column), (str() | int() | float() | None) as value], **rest} if not rest:
            return Eq(column, value)
        case {"in": [str(column), list(values)], **rest} if not rest and all(map(_is_value, values)):
            return In(column, tuple(values))
        case {"starts": [str(column), str(pattern)], **rest} if not rest:
            return Starts(column, pattern)
        case {"not": part, **rest} if not rest:
            return Not(from_dict(part, depth + 1))
        case {"and": list(parts), **rest} if not rest:
            return And(tuple(from_dict(part, depth + 1) for part in parts))
        case {"or": list(parts), **rest} if not rest:
            return Or(tuple(from_dict(part, depth + 1) for part in parts))
        case dict() if len(tree) == 1:
            for order in ORDERS:
                match tree.get(order):
                    case [str(column), (str() | int() | float()) as value]:
                        return Range(column, order, value)
    raise UsageError(f"This is no filter: {tree!r:.80}; use eq, in, <, <=, >, >=, starts, and, or, not.")


def replaced(where: Where, change: Callable[[Test], Where]) -> Where:
    """The tree with ``change`` of each of its tests."""
    match where:
        case And(parts):
            return And(tuple(replaced(part, change) for part in parts))
        case Or(parts):
            return Or(tuple(replaced(part, change) for part in parts))
        case Not(part):
            return Not(replaced(part, change))
    return change(where)


def to_sql(where: Where, schema: pa.Schema) -> str:
    """The filter as the table takes it, with values of the columns' types.

    Raises UsageError for an unknown column (naming the known ones), or a value that its column cannot have.
    """
    match where:
        case And(parts) | Or(parts):
            joint = " AND " if isinstance(where, And) else " OR "
            return joint.join(f"({to_sql(part, schema)})" for part in parts) or str(isinstance(where, And)).lower()
        case Not(part):
            return f"NOT ({to_sql(part, schema)})"
        case Eq(column, None):
            return f"{_name(column, schema)} IS NULL"
        case Eq(column, value):
            return _there(column, schema, f"= {_literal(column, value, schema)}")
        case Range(column, order, value):
            return _there(column, schema, f"{order} {_literal(column, value, schema)}")
        case In(column, values):
            name = _name(column, schema)
            listed = ", ".join(_literal(column, value, schema) for value in values if value is not None)
            tests = [f"{name} IS NULL"] if None in values else []
            tests += [_there(column, schema, f"IN ({listed})")] if listed else []
            return " OR ".join(tests) or "false"
        case Starts(column, pattern):
            name = _name(column, schema)
            if _kind(column, schema) != "text":
                raise UsageError(f"Column {column!r} holds no text; compare it with =, <, <=, > or >=.")
            return f"({name} IS NOT NULL AND {_starting(name, pattern)})"


def _there(column: str, schema: pa.Schema, test: str) -> str:
    name = _name(column, schema)
    return f"({name} IS NOT NULL AND {name} {test})"


def _starting(name: str, pattern: str) -> str:
    if not set(pattern) & set("*?"):
        return f"starts_with({name}, {_sql_text(pattern)})"
    escaped = re.sub(r"([\\%_])", r"\\\1", pattern).replace("*", "%").replace("?", "_")
    return f"{name} LIKE {_sql_text(escaped + '%')}"


def _name(column: str, schema: pa.Schema) -> str:
    _kind(column, schema)
    return f"`{column}`"


def _kind(column: str, schema: pa.Schema) -> str:
    """ "text", "int", "float" or "time"; UsageError for anything that cannot be asked for."""
    kind = _KINDS.get(str(schema.field(column).type)) if column in schema.names else None
    if kind is None:
        raise unknown_name("column", column, [field.name for field in schema if str(field.type) in _KINDS])
    return kind


_KINDS = {"string": "text", "int64": "int", "double": "float", "timestamp[us, tz=UTC]": "time"}


def _literal(column: str, value: Value, schema: pa.Schema) -> str:
    kind = _kind(column, schema)
    try:
        return _LITERALS[kind](value)
    except (ValueError, TypeError, OverflowError):
        raise UsageError(f"Column {column!r} holds {_HOLDS[kind]}, so {value!r} cannot be compared with it.") from None


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise TypeError
    return _sql_text(value)


def _int(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError
    number = int(value)
    if not -(2**63) < number < 2**63:
        raise OverflowError
    return str(number)


def _float(value: Value) -> str:
    if isinstance(value, bool) or value is None:
        raise TypeError
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError
    return f"CAST('{number!r}' AS DOUBLE)"


def _time(value: Value) -> str:
    if not isinstance(value, str):
        raise TypeError
    moment = datetime.fromisoformat(value)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S.%f}'"


_LITERALS: dict[str, Callable[[Value], str]] = {"text": _text, "int": _int, "float": _float, "time": _time}
_HOLDS = {"text": "text", "int": "whole numbers", "float": "numbers", "time": "times such as 2024-01-31"}


def _sql_text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _is_value(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def too_deep() -> UsageError:
    """The error for a tree that would exhaust the stack."""
    return UsageError(f"The filter is nested more than {DEEPEST} deep; write it flatter.")
