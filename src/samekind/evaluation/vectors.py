"""The vectors of a labelled set's pictures."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.adapted import AdaptedEncoder
from samekind.encoders.base import Encoder, Vectors
from samekind.encoders.rows import map_views
from samekind.errors import CollectionBusy, StorageError
from samekind.evaluation.labels import LabelledSet
from samekind.events import Event, Progress, Skipped, Warned
from samekind.settings import Settings, cache_folder

_WAIT_SECONDS = 0.5


@dataclass(frozen=True)
class SetVectors:
    """``look`` (n, d) float32 unit rows and ``views`` (m, v, d) float32, the second views of rows ``view_rows`` (m,).

    ``rows`` (n,) are the numbers of the labelled pictures that could be used, ascending.
    """

    rows: NDArray[np.int64]
    look: Vectors
    views: NDArray[np.float32]
    view_rows: NDArray[np.int64]

    def keep(self, rows: NDArray[np.int64]) -> SetVectors:
        """Of these pictures only; ``rows`` are numbers of labelled pictures, ascending, all of them usable."""
        look, views, view_rows = self.take(np.searchsorted(self.rows, rows))
        return SetVectors(rows, look, views, view_rows)

    def take(self, rows: NDArray[np.int64]) -> tuple[Vectors, NDArray[np.float32], NDArray[np.int64]]:
        """Look, views and view rows of some rows (ascending), numbered anew: what a tuning is fitted on."""
        kept = np.flatnonzero(np.isin(self.view_rows, rows))
        return self.look[rows], self.views[kept], np.searchsorted(rows, self.view_rows[kept])


def joined(parts: Sequence[SetVectors]) -> SetVectors:
    """Several sets laid end to end."""
    starts = np.cumsum([0, *(len(part.look) for part in parts[:-1])])
    return SetVectors(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.look for part in parts]),
        np.concatenate([part.views for part in parts]),
        np.concatenate([part.view_rows + start for part, start in zip(parts, starts, strict=True)]),
    )


def vectors_of(labelled: LabelledSet, encoder: Encoder, settings: Settings) -> Generator[Event, None, SetVectors]:
    """The vectors of a set's pictures by the product's own sync, kept as a collection in the cache folder.

    Only new and changed pictures are encoded; broken ones are reported and left out. Where another process is encoding
    the same set, this one waits for it. What is adapted in closed form maps the vectors of its base, so that those are
    shared.
    """
    if isinstance(encoder, AdaptedEncoder) and encoder.known is None:
        found = yield from vectors_of(labelled, encoder.base, settings)
        return replace(found, look=encoder.adapt(found.look), views=map_views(encoder.adapt, found.views))
    from samekind.collection import Collection
    from samekind.pictures.scan import Source

    collection = Collection.open_or_create(cached(labelled.folder, encoder), encoder)
    source = Source(labelled.folder, files=labelled.paths)
    waited = False
    while True:
        try:
            for event in collection.sync([source], encoder=encoder, settings=settings, tune=False):
                yield _named(event, labelled)
            break
        except CollectionBusy:
            if not waited:
                yield Warned(f"Another process is encoding {labelled.name}; waiting for it.")
            waited = True
            time.sleep(_WAIT_SECONDS)
    row_of = {path: row for row, path in enumerate(labelled.paths)}
    row_of_id = {
        one["id"]: row_of[one["path"]]
        for one in collection.pictures("state = present", ["id", "path"])
        if one["path"] in row_of
    }
    loaded = collection.vectors(tuned=False)
    kept = sorted((row_of_id[id_], at) for at, id_ in enumerate(loaded.ids) if id_ in row_of_id)
    rows = np.array([row for row, _ in kept], np.int64)
    ids, views = collection.views()
    seen = sorted((row_of_id[id_], at) for at, id_ in enumerate(ids) if id_ in row_of_id)
    return SetVectors(
        rows,
        loaded.matrix[[at for _, at in kept]],
        views[[at for _, at in seen]],
        np.searchsorted(rows, np.array([row for row, _ in seen], np.int64)),
    )


def cached(of: Path, encoder: Encoder, more: str = "") -> Path:
    """Where the cache folder has the collection of a folder's pictures by an encoder. Raises StorageError."""
    place = hashlib.blake2b(str(of).encode(), digest_size=4).hexdigest()
    folder = cache_folder() / "evaluate"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StorageError(f"{folder} cannot be made ({problem.strerror}); set SAMEKIND_CACHE to another.") from None
    return folder / f"{of.name}-{place}-{encoder.fingerprint}{more}.samekind"


def _named(event: Event, labelled: LabelledSet) -> Event:
    """The same event with the set's name, so that each set has a bar of its own."""
    if isinstance(event, Progress):
        return replace(event, stage=f"{event.stage} {labelled.name}")
    return replace(event, path=str(labelled.folder / event.path)) if isinstance(event, Skipped) else event
