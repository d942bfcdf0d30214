"""Annotation files entry by entry: JSON with every complaint naming the file and the entry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samekind.errors import UsageError
from samekind.evaluation.composed.queries import ComposedQuery


@dataclass(frozen=True)
class Entry:
    """One object of an annotation file, and where it stands; every method raises UsageError that says so."""

    where: str
    fields: Mapping[str, Any]

    def text(self, field: str, empty: bool = False) -> str:
        """A text, white space at its ends taken off; an empty one only where ``empty`` allows it."""
        found = self._field(field)
        if not isinstance(found, str):
            raise self.wrong(f"{field} must be a text, not {_shown(found)}")
        if not found.strip() and not empty:
            raise self.wrong(f"{field} is empty")
        return found.strip()

    def name(self, field: str) -> str:
        """A picture's name or a query's id: a text, or a whole number, which becomes one."""
        return self._name(field, self._field(field))

    def names(self, field: str, least: int = 1) -> tuple[str, ...]:
        """A list of names, at least so many, none of them twice."""
        found = self.items(field)
        names = tuple(self._name(field, one) for one in found)
        if len(names) < least:
            raise self.wrong(f"{field} lists {len(names)} where at least {least} are needed")
        twice = first_twice(names)
        if twice is not None:
            raise self.wrong(f"{field} lists {twice} twice")
        return names

    def items(self, field: str) -> list[Any]:
        """A list of anything."""
        found = self._field(field)
        if not isinstance(found, list):
            raise self.wrong(f"{field} must be a list, not {_shown(found)}")
        return found

    def inner(self, field: str) -> Entry:
        """An object within this one."""
        return self._inner(field, self._field(field))

    def inners(self, field: str) -> tuple[Entry, ...]:
        """A list of objects within this one."""
        return tuple(self._inner(field, one) for one in self.items(field))

    def wrong(self, what: str) -> UsageError:
        """The error that says what is wrong with this entry."""
        return UsageError(f"{self.where}: {what}; mend the file or take it anew from its source.")

    def _field(self, field: str) -> Any:
        if field not in self.fields:
            raise self.wrong(f"there is no field {field}")
        return self.fields[field]

    def _name(self, field: str, found: Any) -> str:
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        if not isinstance(found, str) or not found:
            raise self.wrong(f"{field} must be a name or a whole number, not {_shown(found)}")
        return found

    def _inner(self, field: str, found: Any) -> Entry:
        if not isinstance(found, dict):
            raise self.wrong(f"{field} must be an object, not {_shown(found)}")
        return Entry(f"{self.where}, {field}", found)


def read_json(file: Path) -> Any:
    """What a JSON file holds. Raises UsageError for a file that cannot be read or is not JSON."""
    text = _text(file)
    try:
        return json.loads(text)
    except ValueError as problem:
        raise UsageError(f"{file} is not JSON ({problem}); take it anew from its source.") from None


def read_entries(file: Path) -> list[Entry]:
    """The objects of a JSON list, counted from 1 in messages."""
    found = read_json(file)
    if not isinstance(found, list):
        raise UsageError(f"{file} must hold a list of queries, not {_shown(found)}; name an annotation file.")
    if not found:
        raise UsageError(f"{file} lists no queries.")
    return [_entry(f"{file}, entry {number}", one) for number, one in enumerate(found, start=1)]


def read_lines(file: Path) -> Iterator[tuple[int, Entry]]:
    """The objects of a JSON Lines file with their line numbers; blank lines are passed over."""
    for number, line in enumerate(_text(file).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{file}, line {number}"
        try:
            found = json.loads(line)
        except ValueError as problem:
            raise UsageError(f"{where}: not JSON ({problem}); write one object a line.") from None
        yield number, _entry(where, found)


def checked(
    queries: Iterable[tuple[Entry, ComposedQuery]], gallery: Sequence[str], within: str
) -> tuple[ComposedQuery, ...]:
    """The queries, once each is sound: an id of its own, targets that differ from the reference, all names known.

    ``gallery``: the names that may be named, or none where they are not known; ``within`` says what it is. Raises
    UsageError with the entry otherwise.
    """
    known = frozenset(gallery)
    kept: dict[str, ComposedQuery] = {}
    for entry, query in queries:
        if query.id in kept:
            raise entry.wrong(f"the id {query.id} was used before")
        if query.reference in query.targets:
            raise entry.wrong(f"the reference {query.reference} is among its own targets")
        for name in (query.reference, *query.targets, *query.group):
            if known and name not in known:
                raise entry.wrong(f"{name} is not in {within}")
        kept[query.id] = query
    return tuple(kept.values())


def first_twice(names: Iterable[str]) -> str | None:
    """The first name that was there before, or None."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _entry(where: str, found: Any) -> Entry:
    if not isinstance(found, dict):
        raise UsageError(f"{where}: must be an object, not {_shown(found)}; name an annotation file.")
    return Entry(where, found)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UsageError(f"{file} is not UTF-8 text ({problem.reason}); save it as UTF-8.") from None
    except OSError as problem:
        raise UsageError(f"{file} cannot be read ({problem.strerror}); name an annotation file.") from None


def _shown(found: Any) -> str:
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:40]}..."
