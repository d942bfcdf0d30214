"""Puts on a shelf what it lacks of a collection's present pictures, a commit every few hundred of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from samekind.collection import roots, sync
from samekind.collection.pipeline import Group, Looked, look, ready
from samekind.collection.plan import Found, Item
from samekind.collection.shelf import Shelf
from samekind.collection.spaces import PRESENT_ROWS
from samekind.encoders.base import Encoder
from samekind.events import Event, Progress, Skipped, Warned
from samekind.settings import Settings, usable_threads

if TYPE_CHECKING:
    from samekind.collection.collection import Collection

CHANGED = "changed"
"""The reason of a picture whose file is not the one that was synced."""


def reencode(
    collection: Collection,
    shelf: Shelf,
    encoder: Encoder | None,
    settings: Settings,
    *,
    views: bool = True,
    stage: str = "encoding",
) -> Generator[Event, None, tuple[int, float, Counter[str]]]:
    """Returns how many contents were encoded, at which rate, and pictures left out by reason.

    With ``views`` pictures that have second views get them here too. ``encoder`` None loads the shelf's, when it is
    needed. Raises EncoderMismatch where that has another version by now, and what loading it raises.
    """
    for name in sorted(roots.away(collection.manifest)):
        folder = collection.manifest.roots[name].folder
        yield Warned(f"Folder {folder} is away; its pictures get no new vectors until it is back and synced.")
    contents, viewed = _lacking(collection, shelf, views)
    if not contents:
        return 0, 0.0, Counter()
    if encoder is None:
        encoder = yield from ready(shelf.made.name, settings)
        shelf.made.check(encoder, collection.path)
    total, done, started = len(contents), 0, time.perf_counter()
    files = {hash_: len(group) for hash_, group in contents.items()}
    left_out: Counter[str] = Counter()
    waiting: list[Looked] = []
    committed = started
    yield Progress(stage, 0, total)
    while contents:
        others: dict[str, Group] = {}
        for hash_, one in _looks(collection, contents, viewed, encoder, settings):
            if one.reason is None and one.hash != hash_:
                one.reason, one.detail = CHANGED, "the file is not the one that was synced"
            if one.reason is None:
                waiting.append(one)
                done += 1
            elif len(one.group) > 1:  # the same content lies in other files too
                others[hash_] = one.group[1:]
            else:
                left_out[one.reason] += files[hash_]
                yield Skipped(one.group[0].found.path, one.reason, one.detail)
            now = time.perf_counter()
            if len(waiting) >= sync.COMMIT_PICTURES or now - committed > sync.COMMIT_SECONDS:
                _commit(shelf, waiting)
                waiting, committed = [], now
            if done % 16 == 0:
                yield Progress(stage, done, total)
        contents = others
    _commit(shelf, waiting)
    yield Progress(stage, done, total)
    return done, done / (time.perf_counter() - started), left_out


def _lacking(collection: Collection, shelf: Shelf, views: bool) -> tuple[dict[str, Group], set[str]]:
    """Present files by content, of the contents that the shelf lacks; and the contents that have second views."""
    table, made = collection.table, collection.made
    with_views = f"{PRESENT_ROWS} AND {made.views} IS NOT NULL"
    viewed = set(table.read(["hash"], with_views)["hash"].to_pylist()) if views else set()
    contents: dict[str, Group] = {}
    columns = ["hash", "id", "root", "path", "size", "mtime_ns"]
    for batch in table.batches(columns, PRESENT_ROWS):
        for hash_, id_, *place in zip(*(batch[name].to_pylist() for name in columns), strict=True):
            if hash_ and (hash_ not in shelf or (hash_ in viewed and not shelf.has_views(hash_))):
                contents[hash_] = (*contents.get(hash_, ()), Item(id_, Found(*place)))
    return contents, viewed


def _looks(
    collection: Collection, contents: dict[str, Group], viewed: set[str], encoder: Encoder, settings: Settings
) -> Iterator[tuple[str, Looked]]:
    """One file of each content, looked at, with the content that it had when it was synced."""
    folders = {name: root.folder for name, root in collection.manifest.roots.items()}
    looks = look(
        contents.values(),
        lambda file: folders[file.root] / file.path,
        encoder,
        {group[0].id for hash_, group in contents.items() if hash_ in viewed},
        usable_threads(settings) + 1,
        settings.max_pixels,
        settings.max_bytes,
    )
    yield from zip(contents, looks, strict=True)


def _commit(shelf: Shelf, looks: Sequence[Looked]) -> None:
    if looks:
        vectors = [one.vector for one in looks if one.vector is not None]  # all: what has none has a reason
        views = {str(one.hash): one.views for one in looks if one.views is not None}
        shelf.add([str(one.hash) for one in looks], np.stack(vectors), views)
