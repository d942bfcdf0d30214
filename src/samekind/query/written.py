"""The written form of queries.

Terms are joined by + and -: words in "..." (a " or \\ in them follows a \\) and pictures by their path, which has no
spaces or stands in '...' (a ' in it is doubled). ``2*"red"`` weighs, ``b.jpg[120,40,300,220]`` crops, ``- "people"``
drops, ``- b.jpg`` is a picture of negative weight. Fields stand anywhere, with or without a + before them:
``like:ITEM``, ``unlike:ITEM``, ``keep:"words"``, ``drop:"words"`` and ``where:FILTER``, which reaches up to the next
space outside of quotes and parentheses. Words are always quoted, paths never by ", so that nothing need be guessed.

    query  = ["+" | "-"] part {("+" | "-") part | space field}
    part   = [number "*"] (words | path ["[" number "," number "," number "," number "]"] | field)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from samekind.collection.where import Eq, Range, Starts
from samekind.collection.where import Where as Filter
from samekind.collection.written import written as written_filter
from samekind.errors import UsageError, unknown_name
from samekind.pictures.views import Box
from samekind.query.model import Query
from samekind.query.parts import Drop, Keep, Like, Part, Picture, Unlike, Vector, Where, Words

FIELDS = ("like", "unlike", "keep", "drop", "where")

_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TIMES = re.compile(rf"({_NUMBER})\s*\*\s*")
_CROP = re.compile(r"\[" + ",".join([rf"\s*([+-]?{_NUMBER})\s*"] * 4) + r"\]")
_FIELD = re.compile(r"([^\W\d]\w+):")
"""Two letters at least: a single one is the drive of a path."""
_SPACE = re.compile(r"\s*")
_BARE_PATH = re.compile(r"""[^\s"“”„\['+-][^\s"“”„\[]*""")
_BARE_ITEM = re.compile(r"""[^\s"“”„'][^\s"“”„]*""")
_IN_QUOTES = re.compile(r"'((?:[^']|'')*)'")
_STRAIGHT = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_CURLY = re.compile(r"[“”„]((?:[^“”\\]|\\.)*)[“”]", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_OPENING = frozenset('"“”„')
_OF_A_FILE = re.compile(r"[./\\]")


def parse(text: str) -> Query:
    """The query of a written form. Raises UsageError that shows where it is off, by the character."""
    return Query(*_Reader(text).parts())


def written(query: Query) -> str:
    """The written form; ``parse`` gives the same query back.

    Raises UsageError for vectors and for pictures that are no files.
    """
    text = ""
    for part in query.parts:
        negative, is_field, body = _body(part)
        if not text:
            text = f"-{body}" if negative else body
        elif is_field:
            text += f" {body}"
        else:
            text += f" {'-' if negative else '+'} {body}"
    return text


def _body(part: Part) -> tuple[bool, bool, str]:
    """Whether a - stands before it, whether it is a field, and the rest."""
    match part:
        case Picture(source=source, crop=crop, weight=weight):
            if not isinstance(source, Path):
                raise UsageError("A picture given as bytes or pixels has no written form; save it and name its file.")
            box = f"[{','.join(map(_number, crop.to_dict().values()))}]" if crop else ""
            return weight < 0, False, f"{_times(weight)}{_path(str(source))}{box}"
        case Words(text=text, weight=weight):
            return False, False, f"{_times(weight)}{_words(text)}"
        case Drop(text=text):
            return True, False, _words(text)
        case Keep(text=text):
            return False, True, f"keep:{_words(text)}"
        case Like(item=item, weight=weight):
            return False, True, f"{_times(weight)}like:{_item(str(item))}"
        case Unlike(item=item, weight=weight):
            return False, True, f"{_times(weight)}unlike:{_item(str(item))}"
        case Where(filter=tree):
            return False, True, f"where:{_filter(tree)}"
        case Vector():
            raise UsageError("A vector has no written form; use the JSON form, or leave the vector out.")


def _times(weight: float) -> str:
    return "" if abs(weight) == 1 else f"{_number(abs(weight))}*"


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _words(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _path(text: str) -> str:
    bare = _BARE_PATH.fullmatch(text) and _OF_A_FILE.search(text)
    return text if bare and not (_TIMES.match(text) or _FIELD.match(text)) else _single_quoted(text)


def _item(text: str) -> str:
    return text if _BARE_ITEM.fullmatch(text) else _single_quoted(text)


def _single_quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _filter(tree: Filter) -> str:
    text = written_filter(tree)
    return text.replace(" ", "") if isinstance(tree, Eq | Range | Starts) and "'" not in text else f"({text})"


class _Reader:
    """Reads a written form from left to right; ``_at`` is the next character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def parts(self) -> list[Part]:
        self._skip_space()
        if self._at == len(self._text):
            raise UsageError('The query is empty; say what to look for, such as photo.jpg or "red shoes".')
        found = [self._signed()]
        while True:
            end = self._at
            self._skip_space()
            if self._at == len(self._text):
                return found
            weighed = _TIMES.match(self._text, self._at)
            field = self._field_name(weighed.end() if weighed else self._at)
            if self._char() not in "+-" and not (field and self._at > end):
                raise self._expected("+ or -")
            found.append(self._signed())

    def _signed(self) -> Part:
        sign = self._char() if self._char() in ("+", "-") else ""
        self._at += len(sign)
        self._skip_space()
        start = self._at
        weight = 1.0
        weighed = _TIMES.match(self._text, self._at)
        if weighed:
            weight = float(weighed[1])
            self._at = weighed.end()
        name = self._field_name(self._at)
        if name:
            return self._field(name, weight if weighed else None, sign, start)
        if self._char() in _OPENING:
            text = self._words()
            if sign != "-":
                return self._made(start, lambda: Words(text, weight))
            if weight != 1:
                raise self._off(start, "what is dropped has no weight; leave the number out")
            return self._made(start, lambda: Drop(text))
        path, box = self._picture()
        return self._made(start, lambda: Picture(path, box, -weight if sign == "-" else weight))

    def _field(self, name: str, weight: float | None, sign: str, start: int) -> Part:
        if sign == "-":
            other = {"like": "unlike", "unlike": "like", "keep": "drop", "drop": "keep"}.get(name)
            hint = f"write {other}: without it" if other else "put a not into the filter"
            raise self._off(start, f"no - may stand before {name}:; {hint}")
        if weight is not None and name not in ("like", "unlike"):
            raise self._off(start, f"{name}: has no weight; leave the number out")
        self._at += len(name) + 1
        if name in ("keep", "drop"):
            if self._char() not in _OPENING:
                raise self._expected(f'words in quotes right behind {name}:, such as {name}:"red",')
            text = self._words()
            return self._made(start, lambda: Keep(text) if name == "keep" else Drop(text))
        if not self._char().strip():
            raise self._expected(f"{'a filter' if name == 'where' else 'an id or a path'} right behind {name}:")
        if name == "where":
            filter_ = self._filter()
            return self._made(start, lambda: Where(filter_))
        item = self._single_quoted() if self._char() == "'" else self._bare(_BARE_ITEM, "an id or a path")
        return self._made(start, lambda: (Like if name == "like" else Unlike)(item, 1.0 if weight is None else weight))

    def _field_name(self, at: int) -> str:
        """The name of the field that begins there; "" where none does, UsageError where it is none of ours."""
        match = _FIELD.match(self._text, at)
        if match and match[1] not in FIELDS:
            raise self._part_off(at, unknown_name("field", match[1], FIELDS))
        return match[1] if match else ""

    def _words(self) -> str:
        start = self._at
        match = (_STRAIGHT if self._char() == '"' else _CURLY).match(self._text, start)
        if match is None:
            raise self._off(start, "the quote is never closed; add " + ('a "' if self._char() == '"' else "a ”"))
        for escape in _ESCAPE.finditer(self._text, match.start(1), match.end(1)):
            if escape[1] not in _OPENING and escape[1] != "\\":
                raise self._off(escape.start(), "a \\ in words stands before a quote or another \\ only; double it")
        self._at = match.end()
        return _ESCAPE.sub(r"\1", match[1])

    def _picture(self) -> tuple[str, Box | None]:
        start = self._at
        if self._char() == "'":
            return self._single_quoted(), self._crop()
        path, box = self._bare(_BARE_PATH, 'words in "..." or a path'), self._crop()
        if not _OF_A_FILE.search(path):
            raise self._off(
                start, f'{path!r} is neither words nor a file; quote words: "{path}"; a file needs ./ or an ending'
            )
        return path, box

    def _bare(self, pattern: re.Pattern[str], wanted: str) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise self._expected(wanted)
        self._at = match.end()
        if self._char() in _OPENING:
            raise self._expected(f"a space behind {match[0]!r}")
        return match[0]

    def _single_quoted(self) -> str:
        match = _IN_QUOTES.match(self._text, self._at)
        if match is None:
            raise self._off(self._at, "the quote is never closed; add a '")
        if not match[1]:
            raise self._off(self._at, "there is nothing between the quotes; name a picture there")
        self._at = match.end()
        return match[1].replace("''", "'")

    def _crop(self) -> Box | None:
        if self._char() != "[":
            return None
        match = _CROP.match(self._text, self._at)
        if match is None:
            raise self._off(self._at, "a crop [LEFT,TOP,WIDTH,HEIGHT] is expected; put a path with a [ into '...'")
        self._at = match.end()
        return Box(*map(float, match.groups()))

    def _filter(self) -> str:
        """Up to the next space outside of quotes and parentheses."""
        start, depth, quoted = self._at, 0, False
        while self._at < len(self._text):
            char = self._char()
            if char == "'":
                quoted = not quoted
            elif not quoted:
                if char.isspace() and depth <= 0:
                    break
                depth += (char == "(") - (char == ")")
            self._at += 1
        return self._text[start : self._at]

    def _made(self, start: int, make: Callable[[], Part]) -> Part:
        try:
            return make()
        except UsageError as problem:
            raise self._part_off(start, problem) from None

    def _char(self) -> str:
        """The next character, "" at the end."""
        return self._text[self._at : self._at + 1]

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _expected(self, wanted: str) -> UsageError:
        rest = self._text[self._at :].split(maxsplit=1)
        there = "the end" if not rest else "a space" if self._char().isspace() else f"{rest[0]!r:.40}"
        return self._off(self._at, f"{wanted} is expected where {there} is")

    def _part_off(self, at: int, problem: UsageError) -> UsageError:
        return UsageError(f"In the query {self._text!r} the part at {at + 1} is off: {problem}")

    def _off(self, at: int, what: str) -> UsageError:
        return UsageError(f"In the query {self._text!r} {what} (at {at + 1}).")
