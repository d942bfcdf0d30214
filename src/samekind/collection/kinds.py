"""Where a collection keeps its kinds, and the filter ``kind=...``.

Each picture has the address of its finest kind, such as "12/3/1", in a column of its own, which the table's metadata
names; the names that people gave to kinds stand there too. So both belong to a version of the table, as a tuning does.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from typing import Any

from samekind.collection.spaces import PRESENT_ROWS
from samekind.collection.table import KINDS, Table, sql_text
from samekind.collection.where import Eq, In, Or, Range, Starts, Test, Where, replaced
from samekind.errors import UsageError

STAMP = "samekind.kinds"
NAMES = "samekind.kinds.names"
WRITTEN = "samekind.kinds.columns"
"""The person's columns that hold kinds, which may be written over."""

FILTER, ALWAYS = "kind", "samekind.kind"
"""What a filter calls a picture's kind; the first means the person's own column where there is one of that name."""

_ADDRESS = re.compile(r"[1-9]\d*(/[1-9]\d*)*")


def active(table: Table) -> str | None:
    """The column of addresses, or None where no kinds were found yet."""
    column = f"{KINDS}{table.metadata.get(STAMP)}"
    return column if column in table.schema.names else None


def names(table: Table) -> dict[str, str]:
    """Address -> the name that a person gave it."""
    found: dict[str, str] = json.loads(table.metadata.get(NAMES, "{}"))
    return found


def rename(table: Table, named: Mapping[str, str]) -> None:
    """Writes all names, one commit."""
    table.annotate({NAMES: json.dumps(named)})


def called(address: str | None, named: Mapping[str, str]) -> str | None:
    """The name of the finest kind on the way to an address that has one, else the address."""
    above = address
    while above:
        if above in named:
            return named[above]
        above = above.rpartition("/")[0]
    return address


def shown(table: Table) -> str | None:
    """The column of addresses where pictures are shown with their kind: not where the person has such a column."""
    return None if FILTER in table.person_columns else active(table)


def about(table: Table) -> dict[str, Any] | None:
    """How many kinds there are, "levels" from the coarsest on, how many "named", and pictures "waiting" for theirs."""
    column = active(table)
    if column is None:
        return None
    addresses = table.read([column], PRESENT_ROWS)[column]
    finest = [one for one in addresses.unique().to_pylist() if one]
    depth = max((one.count("/") + 1 for one in finest), default=0)
    levels = [len({"/".join(one.split("/")[:n]) for one in finest}) for n in range(1, depth + 1)]
    return {"levels": levels, "named": len(names(table)), "waiting": addresses.null_count}


def is_address(text: str) -> bool:
    """Whether it has the form of an address: numbers from 1 and slashes."""
    return _ADDRESS.fullmatch(text) is not None


def below(column: str, address: str) -> Where:
    """The pictures of a kind and of all kinds inside it."""
    return Or((Eq(column, address), Starts(column, f"{address}/")))


def resolved(where: Where, table: Table, collection: str) -> Where:
    """The filter with tests of ``kind`` put as tests of the column of addresses.

    Raises UsageError where there are no kinds, for an unknown address or name, or for a comparison by order.
    """
    return replaced(where, lambda test: _resolved(test, table, collection))


def _resolved(where: Test, table: Table, collection: str) -> Where:
    if where.column != ALWAYS and (where.column != FILTER or FILTER in table.person_columns):
        return where
    column = active(table)
    if column is None:
        raise UsageError(f"No kinds were found in {collection} yet; find them with: samekind kinds {collection}")
    match where:
        case Eq(_, None):
            return Eq(column, None)
        case Eq(_, value):
            return below(column, address_of(str(value), table, collection))
        case In(_, values):
            return Or(tuple(_resolved(Eq(where.column, value), table, collection) for value in values))
        case Starts(_, pattern):
            return Starts(column, pattern)
        case Range():
            raise UsageError(f"Kinds have no order; ask for one with {where.column}=12/3, or by its name.")


def address_of(kind: str, table: Table, collection: str) -> str:
    """The address of a kind that is named by address or by its given name. Raises UsageError for an unknown one."""
    named = {name: address for address, name in names(table).items()}
    if kind in named:
        return named[kind]
    column = active(table)
    if column is None:
        raise UsageError(f"No kinds were found in {collection} yet; find them with: samekind kinds {collection}")
    inside = f"{column} = {sql_text(kind)} OR starts_with({column}, {sql_text(kind + '/')})"
    if is_address(kind) and table.count(inside):
        return kind
    near = difflib.get_close_matches(kind, named, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"There is no kind {kind!r} in {collection}; samekind kinds {collection} shows them.{hint}")
