"""The written form of filters.

``column=value``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``column~=pattern`` (matched from the start of the text; ``*``
stands for any characters, ``?`` for any one), ``column in (a, b)``, ``not``, ``and``, ``or``, parentheses. Values with
spaces or signs stand in '...', where a ' is doubled. ``column=null`` finds rows without a value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from samekind.collection.plan import Value
from samekind.collection.where import DEEPEST, And, Eq, In, Not, Or, Range, Starts, Where, too_deep
from samekind.errors import UsageError


def parse_where(text: str) -> Where:
    """The tree of a written filter. Raises UsageError that shows where it is off."""
    return _Parser(text).whole()


def all_of(texts: Sequence[str]) -> Where | None:
    """Several written filters, all of which must hold; None for none."""
    trees = tuple(parse_where(text) for text in texts)
    return And(trees) if len(trees) > 1 else trees[0] if trees else None


def written(where: Where) -> str:
    """The written form; ``parse_where`` gives the same tree back, with all values but None as text."""
    match where:
        case Eq(column, value):
            return f"{_quoted(column)} = {_value(value)}"
        case In(column, values):
            return f"{_quoted(column)} in ({', '.join(map(_value, values))})"
        case Range(column, order, value):
            return f"{_quoted(column)} {order} {_value(value)}"
        case Starts(column, pattern):
            return f"{_quoted(column)} ~= {_quoted(pattern)}"
        case Not(part):
            return f"not ({written(part)})"
        case And(parts):
            return " and ".join(f"({written(part)})" for part in parts) or "not (id in () and id in ())"
        case Or(parts):
            return " or ".join(f"({written(part)})" for part in parts) or "id in ()"


_WORD = re.compile(r"[^\s'(),=!<>~]+")
_SIGN = re.compile(r"~=|!=|<=|>=|=|<|>|\(|\)|,")
_KEYWORDS = frozenset({"and", "or", "not", "in", "null"})


def _quoted(text: str) -> str:
    if _WORD.fullmatch(text) and text.lower() not in _KEYWORDS:
        return text
    return "'" + text.replace("'", "''") + "'"


def _value(value: Value) -> str:
    return "null" if value is None else _quoted(str(value))


@dataclass(frozen=True)
class _Token:
    kind: str
    """ "word" (bare), "text" (quoted), "sign" or "end"."""
    text: str
    start: int


class _Parser:
    """Recursive descent: or, and, not, test."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def whole(self) -> Where:
        tree = self._or()
        if self._peek().kind != "end":
            raise self._off("'and', 'or' or the end")
        return tree

    def _or(self) -> Where:
        self._depth += 1
        if self._depth > DEEPEST:
            raise too_deep()
        parts = [self._and()]
        while self._took("or"):
            parts.append(self._and())
        self._depth -= 1
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def _and(self) -> Where:
        parts = [self._not()]
        while self._took("and"):
            parts.append(self._not())
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def _not(self) -> Where:
        negations = 0
        while self._took("not"):
            negations += 1
        if negations > DEEPEST:
            raise too_deep()
        tree = self._test()
        for _ in range(negations):
            tree = Not(tree)
        return tree

    def _test(self) -> Where:
        if self._took("("):
            tree = self._or()
            self._expect(")")
            return tree
        column = self._name("a column")
        if self._took("in"):
            return In(column, self._values())
        if self._took("not"):
            if not self._took("in"):
                raise self._off("'in'")
            return Not(In(column, self._values()))
        token = self._peek()
        if token.kind != "sign" or token.text in "(),":
            raise self._off("=, !=, <, <=, >, >=, ~= or 'in'")
        self._next += 1
        if token.text == "~=":
            return Starts(column, self._name("a pattern"))
        if token.text in ("=", "!="):
            equal = Eq(column, self._one_value())
            return equal if token.text == "=" else Not(equal)
        return Range(column, token.text, self._name("a value"))

    def _values(self) -> tuple[Value, ...]:
        self._expect("(")
        values: list[Value] = []
        if self._took(")"):
            return ()
        values.append(self._one_value())
        while self._took(","):
            values.append(self._one_value())
        self._expect(")")
        return tuple(values)

    def _one_value(self) -> Value:
        return None if self._took("null") else self._name("a value")

    def _name(self, what: str) -> str:
        token = self._peek()
        if token.kind == "text" or (token.kind == "word" and token.text.lower() not in _KEYWORDS):
            self._next += 1
            return token.text
        raise self._off(what)

    def _took(self, text: str) -> bool:
        token = self._peek()
        if token.kind in ("word", "sign") and token.text.lower() == text:
            self._next += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._took(text):
            raise self._off(f"'{text}'")

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _off(self, wanted: str) -> UsageError:
        token = self._peek()
        there = f"{token.text!r}" if token.kind != "end" else "the end"
        return UsageError(f"In the filter {self._text!r} {wanted} is expected where {there} is (at {token.start + 1}).")

    def _split(self) -> list[_Token]:
        tokens: list[_Token] = []
        at = 0
        while at < len(self._text):
            if self._text[at].isspace():
                at += 1
            elif self._text[at] == "'":
                closing = re.compile(r"'((?:[^']|'')*)'").match(self._text, at)
                if closing is None:
                    raise UsageError(f"In the filter {self._text!r} the quote at {at + 1} is never closed; add a '.")
                tokens.append(_Token("text", closing[1].replace("''", "'"), at))
                at = closing.end()
            else:
                sign = _SIGN.match(self._text, at)
                match = sign or _WORD.match(self._text, at)
                if match is None:
                    raise UsageError(
                        f"In the filter {self._text!r} the {self._text[at]!r} at {at + 1} is out of place."
                    )
                tokens.append(_Token("sign" if sign else "word", match[0], at))
                at = match.end()
        return [*tokens, _Token("end", "", len(self._text))]
