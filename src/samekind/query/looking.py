"""What is shown in a query, as vectors of the collection's encoder, and their weighted sum."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Encoder, Pixels, Vectors
from samekind.errors import PictureError, UsageError
from samekind.query.model import Like, Picture, Query, Unlike, Vector

if TYPE_CHECKING:
    from samekind.collection import Collection

_VANISHED = 1e-6


def load(collection: Collection) -> Encoder:
    """The collection's encoder."""
    from samekind.encoders.load import load_encoder

    return load_encoder(collection.encoder_name, collection.settings)


def look_at(
    pictures: Sequence[Picture], encoder: Encoder | None, collection: Collection
) -> tuple[Vectors, list[str | None]]:
    """Plain unit vectors (n, dim) of pictures by one call of the encoder, and the content hashes of their files.

    Where several crops of one picture follow each other, it is decoded once.
    """
    if not pictures or encoder is None:
        return np.zeros((0, collection.dim), np.float32), []
    from samekind.collection.pipeline import hash_bytes
    from samekind.pictures.decode import Limits, decode, read_bytes
    from samekind.pictures.views import crop

    collection.check(encoder)
    limits = Limits(collection.settings.max_pixels, collection.settings.max_bytes)

    @lru_cache(1)
    def read(source: Path | bytes, side: int | None) -> tuple[Pixels, str]:
        data = read_bytes(source, limits) if isinstance(source, Path) else source
        return decode(data, limits, side).pixels, hash_bytes(data)

    prepared, hashes = [], []
    for picture in pictures:
        source, content = picture.source, None
        try:
            if not isinstance(source, np.ndarray):
                # A crop is measured on the whole picture, which then must not be decoded smaller.
                source, content = read(source, None if picture.crop else encoder.input_side)
        except PictureError as problem:
            named = picture.source if isinstance(picture.source, Path) else "given as bytes"
            raise UsageError(f"The query picture {named} cannot be used ({problem}); ask with another one.") from None
        prepared.append(encoder.prepare(crop(source, picture.crop) if picture.crop else source))
        hashes.append(content)
    return encoder.encode(prepared), hashes


def plain_rows(collection: Collection, query: Query, looked: Vectors, asked: Sequence[str]) -> Vectors:
    """One plain unit vector each for what is shown, (n, dim), in the order of the parts."""
    stored = iter(collection.stored(asked, tuned=False) if asked else ())
    rows = {Picture: iter(looked), Like: stored, Unlike: stored}
    return np.stack(
        [_given(part, collection) if isinstance(part, Vector) else next(rows[type(part)]) for part in query.shown]
    )


def _given(part: Vector, collection: Collection) -> NDArray[np.float32]:
    values = np.asarray(part.values, np.float64)
    if len(values) != collection.dim:
        raise UsageError(
            f"A query vector must have {collection.dim} numbers for {collection.path}, not {len(values)}; make it with "
            f"the collection's encoder {collection.encoder_name!r}."
        )
    return np.asarray(values / np.linalg.norm(values), np.float32)


def summed(rows: Vectors, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """L2(sum of weight x row): (n, dim) unit rows and (n,) weights -> (dim,). UsageError where the sum vanishes."""
    total = weights @ rows
    length = float(np.linalg.norm(total))
    if length <= _VANISHED * float(np.abs(weights).sum()):
        raise UsageError("The parts of the query cancel each other out; change their weights.")
    return np.asarray(total / length, np.float32)
