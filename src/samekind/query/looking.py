"""What is shown in a query, as vectors of the collection's encoder, and their weighted sum."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Encoder, Vectors, encode_pictures
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
) -> tuple[Vectors, frozenset[str]]:
    """Plain unit vectors (n, dim) of the query's pictures, and the content hashes of their files."""
    if not pictures or encoder is None:
        return np.zeros((0, collection.dim), np.float32), frozenset()
    from samekind.collection.pipeline import hash_bytes
    from samekind.pictures.decode import Limits, decode, read_bytes
    from samekind.pictures.views import crop

    collection.check(encoder)
    settings = collection.settings
    limits = Limits(settings.max_pixels, settings.max_bytes)
    pixels, hashes = [], set()
    for picture in pictures:
        try:
            data = read_bytes(picture.source, limits) if isinstance(picture.source, Path) else picture.source
            if isinstance(data, bytes):
                hashes.add(hash_bytes(data))
                # A crop is measured on the whole picture, which then must not be decoded smaller.
                data = decode(data, limits, None if picture.crop else encoder.input_side).pixels
        except PictureError as problem:
            named = picture.source if isinstance(picture.source, Path) else "given as bytes"
            raise UsageError(f"The query picture {named} cannot be used ({problem}); ask with another one.") from None
        pixels.append(crop(data, picture.crop) if picture.crop else data)
    return encode_pictures(encoder, pixels), frozenset(hashes)


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
