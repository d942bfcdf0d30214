"""Eyes that are kept: marks of earlier searches under a name, one file each, and what they are in the searched space.

What is stored are the marks and what they were marks for, so an eye follows a new tuning by itself. With another
encoder the pictures that were asked with cannot be compared any more, and the marks alone are left.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samekind.collection.lock import writing
from samekind.collection.where import In
from samekind.collection.whole import whole
from samekind.encoders.base import Encoder
from samekind.errors import DamagedCollection, StorageError, UsageError, unknown_name
from samekind.query.eye import LIVE, Marked, seen
from samekind.query.looking import load, summed
from samekind.query.model import Query
from samekind.query.shown import Shown, shown

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.tuning.space import Space

FOLDER = "eyes"
_SPARE = 16
"""Hits that are looked at beyond those that have a say, so that copies of the query can be passed over."""
_NAME = re.compile(r"\w[\w.-]{0,39}")


@dataclass(frozen=True)
class Search:
    """One search with marks: ``asked`` is a vector of the encoder with fingerprint ``encoder``, the rest are ids."""

    asked: tuple[float, ...]
    encoder: str
    liked: tuple[str, ...]
    disliked: tuple[str, ...]
    when: str


@dataclass(frozen=True)
class Eye:
    """Marks under a name, of one or several searches, the oldest first."""

    name: str
    searches: tuple[Search, ...]

    @property
    def when(self) -> str:
        """When marks were last added, UTC, ISO 8601."""
        return self.searches[-1].when

    @property
    def ids(self) -> frozenset[str]:
        """All marked pictures."""
        return frozenset(id_ for one in self.searches for id_ in (*one.liked, *one.disliked))

    def marked(self, collection: Collection, space: Space | None) -> tuple[list[Marked], frozenset[str]]:
        """Its searches in the space that is searched, and the ids of its marks; pictures that are gone are left out.

        Raises UsageError where no liked picture is left.
        """
        there = collection.passing(In("id", tuple(sorted(self.ids))))
        made = []
        for one in self.searches:
            liked = [id_ for id_ in one.liked if id_ in there]
            disliked = [id_ for id_ in one.disliked if id_ in there]
            if not liked:
                continue
            rows = collection.stored([*liked, *disliked], tuned=False)
            asked = [one.asked] if one.encoder == collection.fingerprint else []
            rows = np.vstack([np.array(asked, np.float32).reshape(-1, collection.dim), rows])
            rows = space.apply(rows) if space else rows
            looks = len(asked) + len(liked)
            made.append(Marked(rows[:looks], rows[looks:]))
        if not made:
            raise UsageError(
                f"All pictures that eye {self.name!r} liked are gone from {collection.name}; drop it with: samekind "
                f"eyes {collection.name} --drop {self.name}"
            )
        return made, frozenset(there)

    def look(self, collection: Collection, given: Shown, exact: bool | None = None) -> NDArray[np.float32]:
        """(dim,): what is asked with when it looks at a query's vector, marks of that query aside.

        ``exact`` as in ``search``. Raises as ``marked``.
        """
        marked, ids = self.marked(collection, given.space)
        apart = ids.union(given.items)
        asked, tuned = given.side_of(given.vector)[None], given.space is not None
        ((near, _),) = collection.nearest(asked, LIVE + _SPARE + len(apart), tuned=tuned, exact=exact)
        live = collection.stored([id_ for id_ in near if id_ not in apart], tuned=tuned)
        return seen(given.vector, marked, live[:, : len(given.vector)])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as it is told, without vectors."""
        return {
            "name": self.name,
            "searches": len(self.searches),
            "liked": sum(len(one.liked) for one in self.searches),
            "disliked": sum(len(one.disliked) for one in self.searches),
            "when": self.when,
        }


def save_eye(collection: Collection, name: str, query: Query, *, encoder: Encoder | None = None) -> Eye:
    """Adds the marks of ``query``, its likes and unlikes beside a picture or a vector, to the eye of this name.

    It is made where there is none; marks for the same thing replace those before them. The collection's ``encoder`` is
    loaded when there are pictures to look at and none is given. Raises UsageError for a bad name, a query without
    liked hits or with words, and what looking at its parts raises; CollectionBusy, StorageError.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"An eye's name is up to 40 letters, digits, dots, dashes and underscores, not {name!r}.")
    check_wordless(query)
    collection.refresh()
    if query.pictures and encoder is None:
        encoder = load(collection)
    given = shown(collection, query, True, encoder)
    marks = list(zip(given.items, given.pulls[given.marks].tolist(), strict=True)) if given.marks.any() else []
    likes, dislikes = {id_ for id_, pull in marks if pull > 0}, {id_ for id_, pull in marks if pull < 0}
    if not likes - dislikes:
        raise UsageError(
            "An eye is made of hits that are liked, beside the picture or vector that they are hits of; name at least "
            "one liked hit."
        )
    asked = summed(given.plain[~given.marks], given.pulls[~given.marks])
    now = datetime.now(UTC).isoformat(timespec="seconds")
    liked, disliked = tuple(sorted(likes - dislikes)), tuple(sorted(dislikes - likes))
    search = Search(tuple(map(float, asked)), collection.fingerprint, liked, disliked, now)
    with writing(collection.path):
        before = _read(collection, name).searches if _file(collection, name).exists() else ()
        eye = Eye(name, (*(one for one in before if one.asked != search.asked), search))
        _write(_file(collection, name), eye)
    return eye


def check_wordless(query: Query) -> None:
    """Raises UsageError for a query with words, which no eye can look at."""
    if query.worded:
        raise UsageError("An eye is for queries without words; leave one of the two out.")


def eye_named(collection: Collection, name: str) -> Eye:
    """The eye of this name. Raises UsageError for an unknown one, DamagedCollection, StorageError."""
    known = _names(collection)
    if name not in known:
        raise unknown_name(f"eye in {collection.name} called", name, known)
    return _read(collection, name)


def eyes(collection: Collection) -> list[Eye]:
    """All that are kept, by name. Raises DamagedCollection, StorageError."""
    return [_read(collection, name) for name in _names(collection)]


def drop_eye(collection: Collection, name: str) -> None:
    """Throws an eye away. Raises UsageError for an unknown one, CollectionBusy, StorageError."""
    with writing(collection.path):
        known = _names(collection)
        if name not in known:
            raise unknown_name(f"eye in {collection.name} called", name, known)
        try:
            _file(collection, name).unlink()
        except OSError as problem:
            raise StorageError(
                f"{_file(collection, name)} cannot be removed ({problem.strerror}); check its permissions."
            ) from None


def _file(collection: Collection, name: str) -> Path:
    return collection.path / FOLDER / f"{name}.json"


def _names(collection: Collection) -> list[str]:
    return sorted(file.stem for file in (collection.path / FOLDER).glob("*.json"))


def _read(collection: Collection, name: str) -> Eye:
    file = _file(collection, name)
    try:
        made = tuple(map(_search, json.loads(file.read_bytes())["searches"]))
        if not made:
            raise ValueError("it holds no marks")
        return Eye(name, made)
    except OSError as problem:
        raise StorageError(f"{file} cannot be read ({problem.strerror}); check its permissions.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise DamagedCollection(
            f"Eye {file} cannot be read ({problem}); drop it with: samekind eyes {collection.name} --drop {name}"
        ) from None


def _search(form: dict[str, Any]) -> Search:
    ids = {name: tuple(map(str, form[name])) for name in ("liked", "disliked")}
    return Search(tuple(map(float, form["asked"])), str(form["encoder"]), **ids, when=str(form["when"]))


def _write(file: Path, eye: Eye) -> None:
    """Whole or not at all."""
    with whole(file, "free space or check permissions, then mark again") as draft:
        file.parent.mkdir(exist_ok=True)
        draft.write_text(json.dumps({"searches": [asdict(one) for one in eye.searches]}), "utf-8")
