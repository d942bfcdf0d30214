"""Glob patterns: ``*`` and ``?`` within a name, ``[...]`` one character of a set, ``**`` any number of folders."""

from __future__ import annotations

import os
import re

from samekind.errors import UsageError

_WILD = re.compile(r"[*?\[]")


def is_glob(text: str) -> bool:
    """True where the text holds a wildcard."""
    return bool(_WILD.search(text))


def split(pattern: str) -> tuple[str, str]:
    """(folder before the first wildcard, the rest as a POSIX pattern relative to it)."""
    parts = pattern.replace(os.sep, "/").split("/")
    first = next(n for n, part in enumerate(parts) if is_glob(part))
    folder = "/".join(parts[:first])
    return (folder or "/" if first and not parts[0] else folder or "."), "/".join(parts[first:])


def levels(pattern: str) -> int | None:
    """How many levels of folders a pattern can reach; None for any number."""
    parts = pattern.split("/")
    return None if "**" in parts else len(parts)


def compiled(pattern: str) -> re.Pattern[str]:
    """An expression that matches whole POSIX paths. Raises UsageError for a range that runs backwards."""
    parts = pattern.split("/")
    out = []
    for n, part in enumerate(parts):
        last = n == len(parts) - 1
        if part == "**":
            out.append(".*" if last else "(?:[^/]+/)*")
        else:
            out.append(_name(part) + ("" if last else "/"))
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error as problem:
        raise UsageError(f"The pattern {pattern!r} cannot be understood ({problem.msg}); mend the brackets.") from None


def _name(part: str) -> str:
    """One name of a pattern; a bracket without its partner stands for itself."""
    out, at = [], 0
    while at < len(part):
        character = part[at]
        at += 1
        if character == "*":
            out.append("[^/]*")
        elif character == "?":
            out.append("[^/]")
        elif character == "[" and (end := part.find("]", at + 1 + (part[at : at + 1] == "!"))) > 0:
            members = part[at:end].replace("\\", r"\\").replace("[", r"\[").replace("^", r"\^")
            out.append(f"(?!/)[{'^' + members[1:] if members.startswith('!') else members}]")
            at = end + 1
        else:
            out.append(re.escape(character))
    return "".join(out)
