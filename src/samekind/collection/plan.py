"""What a sync has to do: the stored rows against the files that were found. Pure; no file is opened here.

A picture is its content: a file whose content is known is never encoded again, wherever it lies now.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Value = str | int | float | None
Place = tuple[str, str]
"""The name of a root, and a path below it."""

PRESENT, MISSING, SKIPPED = "present", "missing", "skipped"
STATES = (PRESENT, MISSING, SKIPPED)
CLASSES = ("new", "changed", "moved", "copies", "missing", "back", "touched", "retried", "same")

NOT_ENCODED = "not encoded"
"""The reason of a missing picture without a vector: its file was away or broken when the encoder was changed."""

PASSING = frozenset({"unreadable", "needs extra", "too many pixels", "too many bytes", NOT_ENCODED})
"""Reasons that may pass without the file changing: permissions, an extra, another limit, a file that is back."""

_NAMESPACE = uuid.UUID("5f6a4a1e-8d0c-5b3e-9c55-2f6d9b1f7a10")


class Stored(NamedTuple):
    """A row of the table, as far as planning looks at it."""

    id: str
    root: str
    path: str
    hash: str | None
    size: int
    mtime_ns: int
    state: str
    reason: str | None
    columns: Mapping[str, Value] = {}

    @property
    def place(self) -> Place:
        """Where its file lies."""
        return self.root, self.path


class Found(NamedTuple):
    """A file that was scanned. ``columns`` are those the source names; others stay as they are."""

    root: str
    path: str
    size: int
    mtime_ns: int
    columns: Mapping[str, Value] = {}

    @property
    def place(self) -> Place:
        """Where it lies."""
        return self.root, self.path


class Scope(NamedTuple):
    """A folder that was looked at whole: the ``root`` name and a ``prefix`` of paths, empty or ending in "/"."""

    root: str
    prefix: str = ""

    def covers(self, row: Stored) -> bool:
        """True where the row's file would have been found if it were there."""
        return row.root == self.root and row.path.startswith(self.prefix)


class Item(NamedTuple):
    """A file and the id of the row that it is written to."""

    id: str
    found: Found


class Carried(NamedTuple):
    """A file whose vector is that of a stored row (``source``, an id) with the same content."""

    item: Item
    source: str


@dataclass(frozen=True)
class Plan:
    """``encode``: groups of files with one content each, to be looked at once; ``carried``: known content at a new or
    changed place; ``revised``: rows that keep their content and take the file's place, times and columns;
    ``missing``: ids of rows whose file is away.
    """

    encode: tuple[tuple[Item, ...], ...] = ()
    carried: tuple[Carried, ...] = ()
    revised: tuple[Item, ...] = ()
    missing: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """True when the table holds what was found already."""
        return not (self.encode or self.carried or self.revised or self.missing)

    @property
    def changes(self) -> int:
        """Pictures that come, go or change their content."""
        return sum(self.counts[name] for name in ("new", "changed", "copies", "missing", "back"))


def unsettled(stored: Sequence[Stored], found: Sequence[Found]) -> list[Found]:
    """The files whose content hash decides something.

    A file with the place, size and time of a row is taken to be that picture. Any other can only be known content where
    another picture has its very size.
    """
    rows = {row.place: row for row in stored}
    sizes = Counter(row.size for row in stored if row.hash)
    open_files = []
    for file in found:
        row = rows.get(file.place)
        if row is None or not _untouched(row, file):
            open_files.append(file)
    ours = Counter(file.size for file in open_files)
    return [file for file in open_files if ours[file.size] > 1 or sizes[file.size]]


def passing(stored: Sequence[Stored], found: Sequence[Found]) -> list[tuple[Found, str]]:
    """The files that did not change and were skipped for a reason that may have passed, each with that reason."""
    rows = {row.place: row for row in stored if row.reason in PASSING}
    asked = [(file, rows[file.place]) for file in found if file.place in rows]
    return [(file, row.reason) for file, row in asked if row.reason and _untouched(row, file)]


def plan(
    stored: Sequence[Stored],
    found: Sequence[Found],
    scopes: Iterable[Scope],
    hashes: Mapping[Place, str],
    away: Iterable[str] = (),
    blind: Iterable[Place] = (),
    stuck: Container[Place] = (),
) -> Plan:
    """The plan that brings ``stored`` to the state of ``found``.

    Only rows that ``scopes`` cover can go missing. ``hashes`` by place for the files of ``unsettled`` (one that could
    not be read is left out). Rows of roots that are ``away`` are never taken for files that have moved. Rows at and
    below ``blind`` places, which could not be looked at, stay as they are, and so do those of ``passing`` at ``stuck``
    places, whose reasons have not passed. Places in ``found`` are unique.
    """
    away = frozenset(away)
    rows = {row.place: row for row in stored}
    revised: list[Item] = []
    fresh: list[Found] = []
    edited: list[tuple[Stored, Found]] = []
    retried: list[Item] = []
    returned: list[Item] = []
    counts = dict.fromkeys(CLASSES, 0)
    for file in found:
        row = rows.get(file.place)
        if row is None:
            fresh.append(file)
        elif not _same_content(row, file, hashes):
            edited.append((row, file))
        elif row.reason in PASSING and file.place not in stuck:
            retried.append(Item(row.id, file))
        elif row.state == MISSING:
            counts["back"] += 1
            revised.append(Item(row.id, file))
        elif not _untouched(row, file) or not _columns_agree(row, file):
            counts["touched"] += 1
            revised.append(Item(row.id, file))
        else:
            counts["same"] += 1

    places = {file.place for file in found}
    hidden = tuple(blind)
    gone = [row for row in _covered(stored, scopes) if row.place not in places and not _below_any(row, hidden)]
    movable: dict[str, deque[Stored]] = defaultdict(deque)
    lost = {row.id for row in gone} | {row.id for row in stored if row.state == MISSING and row.place not in places}
    for row in stored:
        if row.id in lost and row.hash and row.root not in away and row.reason not in PASSING - {NOT_ENCODED}:
            movable[row.hash].append(row)

    moved: set[str] = set()
    unplaced: list[Found] = []
    for file in fresh:
        mover = _take(movable.get(hashes.get(file.place, "")), file)
        if mover:
            moved.add(mover.id)
            (returned if mover.reason == NOT_ENCODED else revised).append(Item(mover.id, file))
        else:
            unplaced.append(file)

    known = {row.hash: row.id for row in reversed(stored) if row.hash and row.reason not in PASSING}
    taken = {row.id for row in stored}
    groups: dict[object, list[Item]] = {}
    carried: list[Carried] = []
    for item in retried + returned:
        groups[item.id] = [item]
    for id_, file in [(row.id, file) for row, file in edited] + [(None, file) for file in unplaced]:
        item = Item(id_ or _new_id(file.place, taken), file)
        content = hashes.get(file.place)
        source = known.get(content) if content else None
        if source is not None:
            carried.append(Carried(item, source))
        else:
            groups.setdefault(content or item.id, []).append(item)
        first = content is None or (source is None and len(groups[content]) == 1)
        counts["changed" if id_ else "new" if first else "copies"] += 1

    missing = tuple(row.id for row in gone if row.state != MISSING and row.id not in moved)
    counts.update(moved=len(moved), missing=len(missing), retried=len(retried))
    return Plan(tuple(map(tuple, groups.values())), tuple(carried), tuple(revised), missing, counts)


def _untouched(row: Stored, file: Found) -> bool:
    return row.size == file.size and row.mtime_ns == file.mtime_ns


def _same_content(row: Stored, file: Found, hashes: Mapping[Place, str]) -> bool:
    return _untouched(row, file) or (row.hash is not None and row.hash == hashes.get(file.place))


def _columns_agree(row: Stored, file: Found) -> bool:
    return all(row.columns.get(name) == value for name, value in file.columns.items())


def _covered(stored: Sequence[Stored], scopes: Iterable[Scope]) -> list[Stored]:
    by_root: dict[str, list[Scope]] = defaultdict(list)
    for scope in scopes:
        by_root[scope.root].append(scope)
    return [row for row in stored if any(scope.covers(row) for scope in by_root.get(row.root, ()))]


def _below_any(row: Stored, places: Iterable[Place]) -> bool:
    return any(
        row.root == root and (not path or row.path == path or row.path.startswith(path + "/")) for root, path in places
    )


def _take(rows: deque[Stored] | None, file: Found) -> Stored | None:
    """The row that the file most likely was: one of the same name before any other."""
    if not rows:
        return None
    name = file.path.rpartition("/")[2]
    for row in rows:
        if row.path.rpartition("/")[2] == name:
            rows.remove(row)
            return row
    return rows.popleft()


def _new_id(place: Place, taken: set[str]) -> str:
    """A UUIDv5 of the place; a row that moved away keeps the id of its first place, so that may be taken."""
    name = "/".join(place)
    salt = 0
    while (id_ := uuid.uuid5(_NAMESPACE, f"{name}#{salt}" if salt else name).hex) in taken:
        salt += 1
    taken.add(id_)
    return id_
