"""What adaptation looks at: the pictures' vectors of some collections and folders, all by one base encoder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from samekind.collection import Collection
from samekind.collection.manifest import FILE
from samekind.encoders.adapted import AdaptedEncoder, is_adapted
from samekind.encoders.base import Encoder
from samekind.encoders.rows import Array
from samekind.errors import EncoderMismatch, StorageError, UsageError
from samekind.events import Chosen, Event, Skipped
from samekind.pictures.scan import content_hash, scan, sources_from
from samekind.settings import Settings, cache_folder
from samekind.tuning.nuisance import Rows

FEWEST = 50
"""Pictures of a collection."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """One collection: ``vectors`` (n, d) unit rows, ``views`` (m, v, d) of rows ``view_rows`` (m,), ``files`` (n).

    ``skipped``: its pictures that could not be read; ``copies``: how many more files hold one of these pictures.
    """

    name: str
    vectors: Array
    views: Array
    view_rows: Rows
    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...] = ()
    copies: int = 0

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: Rows) -> Gathered:
        """Of some pictures only; ``rows`` ascending."""
        kept = np.flatnonzero(np.isin(self.view_rows, rows))
        view_rows = np.searchsorted(rows, self.view_rows[kept])
        files = tuple(self.files[row] for row in rows)
        return Gathered(self.name, self.vectors[rows], self.views[kept], view_rows, files, self.skipped, self.copies)

    def without(self, held: Rows) -> Gathered:
        """Of all other pictures."""
        return self.take(np.setdiff1d(np.arange(len(self)), held))

    def sample(self, most: int, rng: np.random.Generator) -> Gathered:
        """At most so many pictures, those with second views before others."""
        if len(self) <= most:
            return self
        seen = rng.permutation(self.view_rows)[:most]
        others = np.setdiff1d(np.arange(len(self)), self.view_rows)
        return self.take(np.sort(np.concatenate([seen, rng.choice(others, most - len(seen), replace=False)])))


def gather(
    sources: Sequence[str | Path], encoder: Encoder, settings: Settings
) -> Generator[Event, None, list[Gathered]]:
    """Collections as they are; folders by a sync into the cache folder.

    Raises UsageError for a name that is nothing or holds no pictures, EncoderMismatch for a collection of another
    encoder.
    """
    opened = {source: _opened(source, encoder) for source in distinct(sources)}
    gathered: list[Gathered] = []
    for source, collection in opened.items():
        found = _read(source.stem, collection or (yield from _synced(source, encoder, settings)))
        if not len(found):
            raise UsageError(f"There are no pictures in {source}; name a collection or folder that holds some.")
        if found.copies:
            whole, why = len(found) + found.copies, "copies of others, which teach nothing, are left out"
            yield Chosen("pictures", f"{len(found):,} of {whole:,} in {found.name}", why)
        gathered.append(found)
    return _with_names_that_differ(gathered)


def distinct(sources: Sequence[str | Path]) -> list[Path]:
    """Absolute paths as they were named, each place once."""
    found: dict[Path, Path] = {}
    for source in (Path(source).expanduser().absolute() for source in sources):
        found.setdefault(source.resolve(), source)
    return list(found.values())


def _opened(source: Path, encoder: Encoder) -> Collection | None:
    """The collection that this is, None for pictures. Anything else is refused before the first picture is encoded."""
    if not source.exists():
        raise UsageError(f"There is no collection or folder {source}; check the spelling.")
    if not (source / FILE).is_file():
        if all(isinstance(file, Skipped) for one in sources_from([str(source)]) for file in scan(one)):
            raise UsageError(f"There are no pictures in {source}; name a collection or folder that holds some.")
        return None
    collection = Collection.open(source)
    if collection.made.fingerprint != encoder.fingerprint:
        made_with = collection.encoder_name
        if made_with == encoder.name:
            raise EncoderMismatch(
                f"{source} holds vectors of another version of encoder {made_with!r}; run samekind migrate {source} "
                f"--encoder {made_with} first, or name its folders of pictures instead."
            )
        chosen = is_adapted(made_with) or isinstance(encoder, AdaptedEncoder)
        other = "" if chosen else f"give --encoder {made_with}, or "
        raise EncoderMismatch(
            f"{source} was made with encoder {made_with!r}, not {encoder.name!r}; {other}name its folders of "
            "pictures instead."
        )
    return collection


def _synced(folder: Path, encoder: Encoder, settings: Settings) -> Generator[Event, None, Collection]:
    """A collection of what lies in a folder (or is named by a list, as it stands now), in the cache folder."""
    place = hashlib.blake2b(str(folder).encode(errors="surrogateescape"), digest_size=4)
    if folder.is_file():
        place.update(content_hash(folder).encode())
    home = cache_folder() / "adapt"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StorageError(f"{home} cannot be made ({problem.strerror}); set SAMEKIND_CACHE to another.") from None
    if not os.access(home, os.W_OK):
        raise StorageError(f"{home} cannot be written to; set SAMEKIND_CACHE to another.")
    path = home / f"{folder.name}-{place.hexdigest()}-{encoder.fingerprint}.samekind"
    collection = Collection.open_or_create(path, encoder)
    yield from collection.sync([folder], encoder=encoder, settings=settings, tune=False)
    return collection


def _read(name: str, collection: Collection) -> Gathered:
    """Everything in the order of the files, however the table came about; of files with the same bytes one."""
    loaded = collection.vectors(tuned=False)
    present = {one["id"]: one for one in collection.pictures("state = present", ["id", "hash"])}
    file_of = {id_: one["file"] for id_, one in present.items()}
    viewed_ids, views = collection.views()
    viewed = {id_: at for at, id_ in enumerate(viewed_ids)}
    first: dict[str, int] = {}  # of each content, one with second views where there is one
    for at in sorted(range(len(loaded.ids)), key=lambda at: (loaded.ids[at] not in viewed, file_of[loaded.ids[at]])):
        first.setdefault(present[loaded.ids[at]]["hash"], at)
    order = sorted(first.values(), key=lambda at: file_of[loaded.ids[at]])
    ids = [loaded.ids[at] for at in order]
    seen = [(row, viewed[id_]) for row, id_ in enumerate(ids) if id_ in viewed]
    return Gathered(
        name,
        loaded.matrix[order],
        views[[at for _, at in seen]],
        np.array([row for row, _ in seen], np.intp),
        tuple(file_of[id_] for id_ in ids),
        tuple(
            Skipped(str(one["file"]), one["reason"] or "") for one in collection.pictures("state = skipped", ["reason"])
        ),
        len(loaded.ids) - len(ids),
    )


def _with_names_that_differ(gathered: list[Gathered]) -> list[Gathered]:
    taken: set[str] = set()
    named = []
    for one in gathered:
        name, number = one.name, 2
        while name in taken:
            name, number = f"{one.name}-{number}", number + 1
        taken.add(name)
        named.append(replace(one, name=name))
    return named
