"""The kinds of a collection: found, kept with it, shown, named.

Found once, an address stays what it is: pictures that came later take the address of the nearest kind at each level,
and the others keep theirs until kinds are asked for again. A new tree is filled into a new column and switched to by
one commit, so that it is safe to be killed in.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.cards import Card, cards
from samekind.adapt.kinds import FEWEST, SIZES, Kinds, find_kinds, kinds_of, steps, sums_of
from samekind.adapt.results import Kind, KindsReport, Member
from samekind.adapt.words import words_in
from samekind.collection import Collection
from samekind.collection import kinds as stored
from samekind.collection.lock import writing
from samekind.collection.plan import PRESENT
from samekind.collection.table import KINDS, Table, to_matrix
from samekind.collection.upkeep import upkeep
from samekind.collection.writer import blocks, check_column
from samekind.encoders.rows import Array, unit_rows
from samekind.errors import CollectionError, UsageError
from samekind.events import Event, Job, Progress, Warned

if TYPE_CHECKING:
    import pyarrow as pa

FITTED_ON = 20_000
CARDS_ON = 50_000
SHOWN = 1_000
"""Levels are shown as long as they have so many kinds together; finer ones are counted."""

_EACH = 8
_SAME_KIND = 0.5
_SEED = 20_261_121
_HERE = f"state = '{PRESENT}'"


def kinds(collection: Collection, *, again: bool = False, deep: bool = False) -> Job[KindsReport]:
    """What a collection is made of: finds its kinds where it has none yet or ``again``, gives new pictures theirs.

    The report has the kinds of the coarsest level, or with ``deep`` of all levels that can be shown. Where everything
    has its kind already nothing is written. The job raises CollectionError (too few pictures), CollectionBusy,
    StorageError.
    """
    return Job(_kinds(collection, again, deep))


def name_kind(collection: Collection, kind: str, name: str) -> str:
    """Gives a kind (address, or the name that it has) a name, "" takes it away; returns its address. UsageError."""
    name = name.strip()
    with writing(collection.path):
        collection.refresh()
        address = stored.address_of(kind, collection.table, collection.name)
        others = {one: known for one, known in stored.names(collection.table).items() if one != address}
        if stored.is_address(name) or any(not letter.isprintable() for letter in name):
            raise UsageError(f"A kind cannot be called {name!r}; choose words.")
        if name in others.values():
            raise UsageError(f"Another kind of {collection.name} is called {name!r} already; choose another name.")
        stored.rename(collection.table, others | ({address: name} if name else {}))
    return address


def write_column(collection: Collection, column: str) -> int:
    """Writes each picture's kind into a text column of the person's: the nearest name above it, or its address.

    Returns how many pictures have one. Raises UsageError where the column is the person's own already.
    """
    since = time.time()
    with writing(collection.path):
        collection.refresh()
        table = collection.table
        addresses = _column(collection)
        ours = set(json.loads(table.metadata.get(stored.WRITTEN, "[]")))
        check_column(column)
        if column == stored.FILTER or (column in table.person_columns and column not in ours):
            why = "that is what filters call the kind" if column == stored.FILTER else "you have one of that name"
            raise UsageError(f"Kinds cannot be written to column {column!r}, {why}; choose another name.")
        names = stored.names(table)
        table.annotate({stored.WRITTEN: json.dumps(sorted(ours | {column}))})
        if column in table.person_columns:
            table.drop_columns([column])
        table.add_texts(column, addresses, lambda some: [stored.called(one, names) for one in some.to_pylist()])
        for _ in upkeep(collection.path, table, since, *collection.searched):
            pass
        return table.count(f"{addresses} IS NOT NULL AND {_HERE}")


def _kinds(collection: Collection, again: bool, deep: bool) -> Generator[Event, None, KindsReport]:
    collection.refresh()
    column = stored.active(collection.table)
    found, placed = False, 0
    lost: tuple[str, ...] = ()
    if again or column is None or collection.table.count(f"{_HERE} AND {column} IS NULL"):
        since = time.time()
        with writing(collection.path):
            collection.refresh()
            table = collection.table
            _sweep(table)
            column = stored.active(table)
            found = again or column is None or not table.count(f"{_HERE} AND {column} IS NOT NULL")
            if found:
                lost = yield from _find(collection)
            else:
                placed = yield from _place(collection)
            yield from upkeep(collection.path, table, since, *collection.searched)
    return (yield from _report(collection, found, placed, lost, deep))


def _find(collection: Collection) -> Generator[Event, None, tuple[str, ...]]:
    """Finds all kinds anew; returns names that none of them could take over."""
    table = collection.table
    rows = table.read([], _HERE, row_ids=True)["_rowid"].to_numpy()
    if len(rows) < FEWEST:
        raise CollectionError(f"{collection.name} holds {len(rows)} pictures, kinds want {FEWEST}; sync more first.")
    yield Progress("finding kinds", 0, len(rows))
    source, before, dim = collection.searched[0], stored.active(table), collection.dim
    chosen = rows
    if len(rows) > FITTED_ON:
        chosen = np.sort(np.random.default_rng(_SEED).choice(rows, FITTED_ON, replace=False))
    vectors = _unit(to_matrix(table.take(chosen, [source])[source].combine_chunks())[0], dim)
    tree = find_kinds(vectors, _SEED, [size * len(chosen) / len(rows) for size in SIZES])
    stamp = f"{datetime.now(UTC):%Y%m%d%H%M%S%f}"
    table.add_texts(KINDS + stamp, source, lambda some: _addresses(some, tree, dim))
    names = stored.names(table)
    kept = _taken_over(table, names, before, KINDS + stamp) if before else {}
    table.annotate({stored.STAMP: stamp, stored.NAMES: json.dumps(kept)})
    _sweep(table)
    yield Progress("finding kinds", len(rows), len(rows))
    return tuple(sorted(set(names.values()) - set(kept.values())))


def _addresses(column: pa.Array, tree: Kinds, dim: int) -> list[str | None]:
    """The addresses of a column of vectors, None where it has none."""
    vectors, there = to_matrix(column)
    found = iter(tree.addresses(_unit(vectors, dim)))
    return [next(found) if has_one else None for has_one in there]


def _taken_over(table: Table, names: dict[str, str], before: str, after: str) -> dict[str, str]:
    """Names at the new addresses: a kind keeps its name where the old and the new share most of their pictures."""
    if not names:
        return {}
    rows = table.read([before, after], f"{before} IS NOT NULL AND {after} IS NOT NULL")
    pairs = list(zip(rows[before].to_pylist(), rows[after].to_pylist(), strict=True))
    sizes = Counter(above for _, new in pairs for above in _path(new))
    found: dict[str, tuple[float, str]] = {}
    for old, name in names.items():
        members = [new for one, new in pairs if old in _path(one)]
        for new, count in Counter(above for one in members for above in _path(one)).items():
            likeness = count / (len(members) + sizes[new] - count)
            if likeness > max(_SAME_KIND, found.get(new, (0.0, ""))[0]):
                found[new] = likeness, name
    best = {name: max((one[0], new) for new, one in found.items() if one[1] == name) for _, name in found.values()}
    return {new: name for name, (_, new) in best.items()}


def _place(collection: Collection) -> Generator[Event, None, int]:
    """Gives new pictures the address of the nearest kind, level by level; returns how many."""
    table, source, column = collection.table, collection.searched[0], _column(collection)
    sums: dict[str, NDArray[np.float64]] = {}
    placed = 0
    for batch in table.batches([source, column], f"{_HERE} AND {column} IS NOT NULL"):
        vectors = _unit(to_matrix(batch[source])[0], collection.dim)
        placed += len(vectors)
        for address, total in sums_of(vectors, batch[column].to_pylist()).items():
            sums[address] = sums.get(address, 0) + total
    tree = kinds_of(sums)
    waiting = table.read(["id"], f"{_HERE} AND {column} IS NULL")["id"].to_pylist()
    done = 0
    for ids in blocks(waiting):
        yield Progress("placing new pictures", done, len(waiting))
        rows = table.by_ids(ids, [source])
        vectors = _unit(to_matrix(rows[source].combine_chunks())[0], collection.dim)
        table.write_texts(column, dict(zip(rows["id"].to_pylist(), tree.addresses(vectors), strict=True)))
        done += len(ids)
    yield Progress("placing new pictures", done, len(waiting))
    if done > placed:
        yield Warned(f"More pictures came to {collection.name} than had a kind before; --again finds kinds anew.")
    return done


def _report(
    collection: Collection, found: bool, placed: int, lost: Sequence[str], deep: bool
) -> Generator[Event, None, KindsReport]:
    table, column, source = collection.table, _column(collection), collection.searched[0]
    rows = table.read([column], f"{_HERE} AND {column} IS NOT NULL", row_ids=True)
    addresses: list[str] = rows[column].to_pylist()
    sizes = Counter(above for one in addresses for above in _path(one))
    levels = Counter(len(steps(one)) for one in sizes)
    counts = [levels[depth] for depth in sorted(levels)]
    depth = max(1, int(np.searchsorted(np.cumsum(counts), SHOWN, side="right"))) if deep else 1
    shown: list[Kind] = []
    if addresses:
        finest = ["/".join(one.split("/")[:depth]) for one in addresses]
        chosen = _sample(finest)
        wanted = ["id", "root", "path", source, *_texts(table)]
        some = table.take(rows["_rowid"].to_numpy()[chosen], wanted)
        vectors = _unit(to_matrix(some[source].combine_chunks())[0], collection.dim)
        about = some.drop_columns([source]).to_pylist()
        words = [_words(row) for row in about]
        tree = kinds_of(sums_of(vectors, [finest[n] for n in chosen]))
        names = stored.names(table)
        inside = Counter(one.rpartition("/")[0] for one in sizes)
        labels = tree.labels([finest[n] for n in chosen])
        total = sum(map(len, tree.levels))
        for n in range(len(tree.levels)):
            for card in cards(vectors, tree, labels[n], n, words):
                shown.append(_kind(card, collection, about, names, sizes[card.address], inside[card.address]))
                yield Progress("looking at kinds", len(shown), total)
    return KindsReport(
        collection=str(collection.path),
        pictures=len(addresses),
        levels=tuple(counts),
        kinds=tuple(shown),
        found=found,
        placed=placed,
        names_lost=tuple(lost),
    )


def _kind(
    card: Card, collection: Collection, about: Sequence[dict[str, Any]], names: dict[str, str], size: int, inside: int
) -> Kind:
    def member(row: int) -> Member:
        one = about[row]
        return Member(one["id"], one["path"], collection.file_of(one["root"], one["path"]))

    return Kind(
        address=card.address,
        name=names.get(card.address),
        words=card.words,
        pictures=size,
        inside=inside,
        quality=card.quality,
        prototypes=tuple(member(row) for row in card.prototypes),
        borderline=tuple((member(row), other) for row, other in card.borderline),
    )


def _sample(finest: Sequence[str]) -> NDArray[np.intp]:
    """Positions of CARDS_ON pictures by chance, and at least a few of each kind; ascending."""
    if len(finest) <= CARDS_ON:
        return np.arange(len(finest))
    order = np.random.default_rng(_SEED).permutation(len(finest))
    seen: Counter[str] = Counter()
    few = []
    for place in order:
        seen[finest[place]] += 1
        if seen[finest[place]] <= _EACH:
            few.append(place)
    return np.union1d(order[:CARDS_ON], few)


def _words(row: dict[str, Any]) -> frozenset[str]:
    others = [value for name, value in row.items() if name not in ("id", "path")]
    return words_in([str(PurePosixPath(row["path"]).with_suffix("")), *others])


def _texts(table: Table) -> list[str]:
    """The person's own text columns, without those that hold kinds."""
    ours = json.loads(table.metadata.get(stored.WRITTEN, "[]"))
    return [name for name, kind in table.person_columns.items() if kind == "str" and name not in ours]


def _path(address: str) -> list[str]:
    """An address and those above it: 1/2/3 -> 1, 1/2, 1/2/3."""
    parts = address.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _unit(vectors: Array, dim: int) -> Array:
    """Directions (n, d): stored vectors without zeros to fill them up, and without what a hub loses."""
    return unit_rows(vectors[:, :dim].astype(np.float64))


def _column(collection: Collection) -> str:
    column = stored.active(collection.table)
    if column is None:
        name = collection.name
        raise UsageError(f"No kinds were found in {name} yet; find them with: samekind kinds {name}")
    return column


def _sweep(table: Table) -> None:
    """Drops columns of kinds that were superseded, or that a killed run left."""
    active = stored.active(table)
    stale = [name for name in table.kinds_columns if name != active]
    if stale:
        table.drop_columns(stale)


__all__ = ["Kinds", "kinds", "name_kind", "write_column"]
