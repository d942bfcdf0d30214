"""What adaptation looks at: the pictures' vectors of some collections and folders, all by one base encoder."""

from __future__ import annotations

import hashlib
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
from samekind.events import Event, Skipped
from samekind.settings import Settings, cache_folder
from samekind.tuning.nuisance import Rows


@dataclass(frozen=True, eq=False)
class Gathered:
    """One collection: ``vectors`` (n, d) unit rows, ``views`` (m, v, d) of rows ``view_rows`` (m,), ``files`` (n).

    ``skipped``: its pictures that could not be read.
    """

    name: str
    vectors: Array
    views: Array
    view_rows: Rows
    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: Rows) -> Gathered:
        """Of some pictures only; ``rows`` ascending."""
        kept = np.flatnonzero(np.isin(self.view_rows, rows))
        view_rows = np.searchsorted(rows, self.view_rows[kept])
        files = tuple(self.files[row] for row in rows)
        return Gathered(self.name, self.vectors[rows], self.views[kept], view_rows, files, self.skipped)

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

    Raises UsageError for a name that is nothing or holds no pictures and for an encoder that is adapted already,
    EncoderMismatch for a collection of another encoder.
    """
    if isinstance(encoder, AdaptedEncoder):
        raise UsageError(f"{encoder.name} is adapted already; start from its base: --encoder {encoder.base.name}.")
    gathered: list[Gathered] = []
    for source in dict.fromkeys(Path(source).expanduser().absolute() for source in sources):
        if (source / FILE).is_file():
            collection = Collection.open(source)
            if collection.made.fingerprint != encoder.fingerprint:
                made_with = collection.encoder_name
                other = "" if is_adapted(made_with) else f"give --encoder {made_with}, or "
                raise EncoderMismatch(
                    f"{source} was made with encoder {made_with!r}, not {encoder.name!r}; {other}name its folders of "
                    "pictures instead."
                )
        else:
            collection = yield from _synced(source, encoder, settings)
        found = _read(source.stem, collection)
        if not len(found):
            raise UsageError(f"There are no pictures in {source}; name a collection or folder that holds some.")
        gathered.append(found)
    return _with_names_that_differ(gathered)


def _synced(folder: Path, encoder: Encoder, settings: Settings) -> Generator[Event, None, Collection]:
    if not folder.exists():
        raise UsageError(f"There is no collection or folder {folder}; check the spelling.")
    place = hashlib.blake2b(str(folder).encode(), digest_size=4).hexdigest()
    home = cache_folder() / "adapt"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StorageError(f"{home} cannot be made ({problem.strerror}); set SAMEKIND_CACHE to another.") from None
    collection = Collection.open_or_create(home / f"{folder.name}-{place}-{encoder.fingerprint}.samekind", encoder)
    yield from collection.sync([folder], encoder=encoder, settings=settings, tune=False)
    return collection


def _read(name: str, collection: Collection) -> Gathered:
    loaded = collection.vectors(tuned=False)
    folders = {name: root.folder for name, root in collection.manifest.roots.items()}
    file_of = {
        one["id"]: folders[one["root"]] / one["path"]
        for one in collection.pictures("state = present", ["id", "root", "path"])
    }
    row_of = {id_: row for row, id_ in enumerate(loaded.ids)}
    seen_ids, views = collection.views()
    seen = sorted((row_of[id_], at) for at, id_ in enumerate(seen_ids) if id_ in row_of)
    return Gathered(
        name,
        loaded.matrix,
        views[[at for _, at in seen]],
        np.array([row for row, _ in seen], np.intp),
        tuple(file_of[id_] for id_ in loaded.ids),
        tuple(
            Skipped(str(folders[one["root"]] / one["path"]), one["reason"] or "")
            for one in collection.pictures("state = skipped", ["root", "path", "reason"])
        ),
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
