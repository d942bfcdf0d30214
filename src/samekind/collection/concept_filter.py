"""The filter ``concept=teapot``: pictures that show it, as far as words were learned."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from samekind.collection.spaces import PRESENT_ROWS
from samekind.collection.where import Eq, In, Not, Range, Starts, Test, Where, replaced
from samekind.errors import UsageError

if TYPE_CHECKING:
    from samekind.collection.collection import Collection

FILTER, ALWAYS = "concept", "samekind.concept"
"""What a filter calls what a picture shows; the first means the person's own column where there is one of that name."""


def resolved(where: Where, collection: Collection) -> Where:
    """The filter with tests of ``concept`` put as tests of ids.

    A name means the concept of that name, or else all whose names hold its words. Raises UsageError where words were
    never learned, for a name that is unknown, or for a comparison by order.
    """
    return replaced(where, lambda test: _resolved(test, collection))


def _resolved(where: Test, collection: Collection) -> Where:
    if where.column != ALWAYS and (where.column != FILTER or FILTER in collection.table.person_columns):
        return where
    from samekind.meaning import concept_names

    match where:
        case Range():
            raise UsageError(f"Concepts have no order; ask for one with {where.column}=teapot.")
        case Starts(_, pattern):
            begins = pattern.casefold().replace("[", "[[]") + "*"
            named = [at for at, name in enumerate(concept_names()) if fnmatchcase(name.casefold(), begins)]
            return In("id", _showing(collection, named))
        case Eq(_, value):
            return _one_of(collection, (value,))
        case In(_, values):
            return _one_of(collection, values)


def _one_of(collection: Collection, values: Sequence[object]) -> Where:
    which = [at for value in values if value is not None for at in _named(str(value))]
    found = In("id", _showing(collection, which))
    if None not in values:
        return found
    return Not(In("id", tuple(set(_known(collection)[0]) - set(found.values))))


def _named(text: str) -> tuple[int, ...]:
    from samekind.meaning import concept_names
    from samekind.meaning.sparse import concepts_named

    found = concepts_named(text)
    if not found:
        near = difflib.get_close_matches(text, concept_names(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"No concept is known by the name {text!r}; ask for it with --words.{hint}")
    return found


def _showing(collection: Collection, which: Sequence[int]) -> tuple[str, ...]:
    from samekind.meaning.sparse import shows

    ids, concepts = _known(collection)
    return tuple(ids[row] for row in np.flatnonzero(shows(concepts, which)))


def _known(collection: Collection) -> tuple[list[str], np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Ids of the present pictures whose concepts are known, and these, (m, 1013)."""
    rows = collection.table.read(["id", "hash"], PRESENT_ROWS)
    concepts, there = collection.concepts_of(rows["hash"].to_pylist())
    if not there.any():
        raise UsageError(
            f"What the pictures of {collection.name} show was not learned yet; learn it with: samekind sync --into "
            f"{collection.name} --words"
        )
    ids = rows["id"].to_pylist()
    return [ids[row] for row in np.flatnonzero(there)], concepts
