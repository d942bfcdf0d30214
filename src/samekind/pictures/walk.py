"""Walks a folder: hidden names, links and what ``.samekindignore`` names are left out; nothing is opened."""

# A Path for each of 50,000 files costs more than looking at them.
# ruff: noqa: PTH114, PTH118, PTH123

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from samekind.errors import UsageError
from samekind.events import Skipped

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".samekindignore"
COLLECTION_FILE = "samekind.toml"

Entry = os.DirEntry[str]
_by_name = attrgetter("name")


class Walked(NamedTuple):
    """A file below the folder: POSIX ``path`` relative to it, bytes, and time of last change in nanoseconds."""

    path: str
    size: int
    mtime_ns: int


class _Rule(NamedTuple):
    """What one ignore file says about paths, of which the first ``start`` characters lead to its folder."""

    start: int
    spec: GitIgnoreSpec


def walk(root: str, wanted: Callable[[Entry], bool], deepest: int | None = None) -> Iterator[Walked | Skipped]:
    """The wanted files below ``root`` by name, those of a folder before those of its subfolders.

    ``deepest``: how many levels are looked at, 1 for the folder alone. A folder that cannot be listed and a name that
    is no text give one Skipped each. Folders that hold a collection are passed over. Raises UsageError for an ignore
    file that cannot be understood.
    """
    waiting: list[tuple[str, str, int, tuple[_Rule, ...]]] = [(root, "", 1, ())]
    while waiting:
        folder, prefix, level, rules = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=_by_name)
        except OSError as problem:
            yield Skipped(shown(folder), "unreadable", problem.strerror or str(problem))
            continue
        names = {entry.name for entry in entries}
        if prefix and COLLECTION_FILE in names:
            continue
        if IGNORE_FILE in names:
            rules = (*rules, _rule(folder, prefix))
        below = []
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            is_folder = entry.is_dir(follow_symlinks=False)
            if not is_folder and not (entry.is_file(follow_symlinks=False) and wanted(entry)):
                continue
            path = prefix + name
            if rules and _ignored(path, is_folder, rules):
                continue
            if not is_text(name):
                yield Skipped(shown(entry.path), "odd name", "the name is not UTF-8 and cannot be stored; rename it")
            elif is_folder:
                below.append((entry.path, path + "/", level + 1, rules))
            else:
                try:
                    found = entry.stat(follow_symlinks=False)
                except OSError as problem:
                    yield Skipped(shown(entry.path), "unreadable", problem.strerror or str(problem))
                    continue
                yield Walked(path, found.st_size, found.st_mtime_ns)
        if deepest is None or level < deepest:
            waiting += reversed(below)


def reaches(root: str, below: str) -> bool:
    """Whether a walk through ``root`` comes through the folder ``below`` (a relative POSIX path)."""
    folder, prefix, rules = root, "", tuple[_Rule, ...]()
    for name in below.split("/"):
        if os.path.lexists(os.path.join(folder, IGNORE_FILE)):
            rules = (*rules, _rule(folder, prefix))
        folder, path = os.path.join(folder, name), prefix + name
        hidden = name.startswith(".") or os.path.islink(folder)
        if hidden or os.path.lexists(os.path.join(folder, COLLECTION_FILE)) or _ignored(path, True, rules):
            return False
        prefix = path + "/"
    return True


def is_text(name: str) -> bool:
    """False for a name whose bytes are not UTF-8."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(path: str) -> str:
    """A path that can be printed and stored, whatever bytes it holds."""
    return path.encode(errors="backslashreplace").decode()


def _rule(folder: str, prefix: str) -> _Rule:
    from pathspec import GitIgnoreSpec

    file = os.path.join(folder, IGNORE_FILE)
    try:
        with open(file, encoding="utf-8", errors="surrogateescape") as lines:
            return _Rule(len(prefix), GitIgnoreSpec.from_lines(lines))
    except OSError as problem:
        raise UsageError(f"{shown(file)} cannot be read ({problem.strerror}); mend or remove it.") from None
    except ValueError as problem:
        raise UsageError(f"{shown(file)} holds a pattern that git would not take ({problem}); mend it.") from None


def _ignored(path: str, is_folder: bool, rules: tuple[_Rule, ...]) -> bool:
    """As git does: the deepest file that says anything about the path decides, and in it the last line that does."""
    for start, spec in reversed(rules):
        verdict = spec.check_file(path[start:] + "/" * is_folder).include
        if verdict is not None:
            return verdict
    return False
