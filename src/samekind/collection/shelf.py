"""Vectors of an encoder that is not in use, kept beside the table by content: of the former one, or of one to come.

Two files grow record by record, a content's hash and its numbers; nothing in them is ever written over. What a kill
left half-written at their end is cut off, and a record counts only when its numbers have the length of a unit vector.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.collection.made_by import MadeBy
from samekind.collection.table import Table, to_matrix
from samekind.errors import DamagedCollection, StorageError
from samekind.pictures.views import SECOND_VIEWS

FOLDER = "encoders"
_ABOUT, _LOOKS, _VIEWS = "encoder.json", "looks", "views"
_BLOCK = 4096
_UNIT = 0.01


class Shelf:
    """The vectors of one encoder, at most one a content; ``made`` says of which."""

    def __init__(self, folder: Path, made: MadeBy) -> None:
        self.folder = folder
        self.made = made
        self._looks = _Records(folder / _LOOKS, 1, made.dim)
        self._views = _Records(folder / _VIEWS, len(SECOND_VIEWS), made.dim)

    @classmethod
    def make(cls, collection: Path, made: MadeBy, inside: str = FOLDER) -> Shelf:
        """The shelf of that encoder, a new one where there is none. Raises StorageError."""
        folder = place_of(collection, made, inside)
        if not (folder / _ABOUT).exists():
            with _stored(folder):
                folder.mkdir(parents=True, exist_ok=True)
                draft = folder / f"{_ABOUT}.part"
                draft.write_text(made.to_json(), "utf-8")
                draft.replace(folder / _ABOUT)
        return cls(folder, made)

    @classmethod
    def at(cls, collection: Path, made: MadeBy, inside: str = FOLDER) -> Shelf:
        """The shelf of that encoder, to look into."""
        return cls(place_of(collection, made, inside), made)

    def __len__(self) -> int:
        return len(self._looks.at)

    def __contains__(self, hash_: str) -> bool:
        return hash_.encode() in self._looks.at

    def has_views(self, hash_: str) -> bool:
        """Whether there are second views of that content."""
        return hash_.encode() in self._views.at

    def add(self, hashes: Sequence[str], looks: NDArray[np.float32], views: dict[str, NDArray[np.float32]]) -> None:
        """Vectors (n, dim) of n contents, and second views (v, dim) of some contents; durable when it returns."""
        self._views.add(list(views), np.stack(list(views.values())) if views else None)
        self._looks.add(hashes, looks)

    def fill(
        self, hashes: Sequence[str | None], viewed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], list[NDArray[np.float16] | None]]:
        """What these contents have here, as ``Table.add_encoded`` asks for it."""
        keys = [(hash_ or "").encode() for hash_ in hashes]
        there = np.array([key in self._looks.at for key in keys], bool)
        looks = self._looks.read([key for key in keys if key in self._looks.at])[:, 0].astype(np.float32)
        views = [
            self._views.read([key])[0].reshape(-1) if want and has and key in self._views.at else None
            for key, want, has in zip(keys, viewed, there, strict=True)
        ]
        return looks, there, views

    def keep(self, table: Table) -> None:
        """Takes in what the table has of this encoder and the shelf has not yet."""
        look, views = self.made.look, self.made.views
        for batch in table.batches(["hash", look, views], f"{look} IS NOT NULL"):
            hashes = batch["hash"].to_pylist()
            matrix, _ = to_matrix(batch[look])
            rows = [n for n, hash_ in enumerate(hashes) if hash_ and hash_ not in self]
            rows = list({hashes[n]: n for n in rows}.values())
            self._looks.add([hashes[n] for n in rows], matrix[rows])
            seconds = {
                hashes[n]: np.array(batch[views][n].as_py(), np.float32).reshape(-1, self.made.dim)
                for n in np.flatnonzero(np.asarray(batch[views].is_valid()))
                if hashes[n] and not self.has_views(hashes[n])
            }
            self._views.add(list(seconds), np.stack(list(seconds.values())) if seconds else None)


class _Records:
    """A growing file of (hash, ``count`` vectors); ``at`` leads from hashes to records."""

    def __init__(self, file: Path, count: int, dim: int) -> None:
        self._file = file
        self._type = np.dtype([("hash", "S32"), ("vectors", "<f2", (count, dim))])
        self.at: dict[bytes, int] = {}
        rows = self._rows()
        self._count = len(rows)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            lengths = np.linalg.norm(block["vectors"].astype(np.float32), axis=2)
            whole = (np.abs(lengths - 1) < _UNIT).all(axis=1)
            self.at |= {block["hash"][n]: start + int(n) for n in np.flatnonzero(whole)}

    def add(self, hashes: Sequence[str], vectors: NDArray[np.float32] | None) -> None:
        if not hashes or vectors is None:
            return
        records = np.empty(len(hashes), self._type)
        records["hash"] = [hash_.encode() for hash_ in hashes]
        records["vectors"] = vectors.reshape(records["vectors"].shape)
        with _stored(self._file), self._file.open("ab") as file:
            file.truncate(self._count * self._type.itemsize)
            file.write(records.tobytes())
            file.flush()
            os.fsync(file.fileno())
        self.at |= {hash_: self._count + n for n, hash_ in enumerate(records["hash"].tolist())}
        self._count += len(records)

    def read(self, keys: Sequence[bytes]) -> NDArray[np.float16]:
        """(n, count, dim) of n contents that are there."""
        return np.asarray(self._rows()[[self.at[key] for key in keys]]["vectors"])

    def _rows(self) -> NDArray[np.void]:
        try:
            whole = self._file.stat().st_size // self._type.itemsize
        except FileNotFoundError:
            whole = 0
        return np.memmap(self._file, self._type, "r", shape=(whole,)) if whole else np.empty(0, self._type)


def place_of(collection: Path, made: MadeBy, inside: str = FOLDER) -> Path:
    """The folder of that encoder's shelf."""
    return collection / inside / made.fingerprint


def shelves(collection: Path) -> list[MadeBy]:
    """The encoders that have a shelf. Raises DamagedCollection."""
    found = []
    for file in sorted((collection / FOLDER).glob(f"*/{_ABOUT}")):
        try:
            found.append(MadeBy.from_json(file.read_text("utf-8")))
        except FileNotFoundError:
            continue
        except (OSError, KeyError, TypeError, ValueError) as problem:
            raise DamagedCollection(f"{file} cannot be read ({problem}); remove the folder that it is in.") from None
    return found


def clear(collection: Path, keep: Sequence[str] = (), inside: str = FOLDER) -> None:
    """Drops the shelves of all encoders but those with the fingerprints to keep. Raises StorageError."""
    folder = collection / inside
    for place in folder.glob("*"):
        if place.name not in keep:
            with _stored(place):
                (place / _ABOUT).unlink(missing_ok=True)  # first, so that half a shelf is none
                shutil.rmtree(place)


@contextmanager
def _stored(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise StorageError(
            f"{place} cannot be written ({problem.strerror}); free space or check permissions, then run it again."
        ) from None
