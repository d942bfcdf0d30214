"""The pixels of a query's part, or of a file of a collection."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from samekind.encoders.base import Pixels
from samekind.errors import PictureError
from samekind.query.model import Like, Part, Picture, Unlike

if TYPE_CHECKING:
    from samekind.collection import Collection


def pixels_of(collection: Collection, shown: Part | Path) -> Pixels:
    """(h, w, 3) uint8, upright, within the crop of a Picture. Raises PictureError, also where there is no picture."""
    from samekind.pictures.decode import Limits, decode, read_picture
    from samekind.pictures.views import crop

    limits = Limits(collection.settings.max_pixels, collection.settings.max_bytes)
    match shown:
        case Picture(source=np.ndarray() as pixels):
            pass
        case Picture(source=bytes() as data):
            pixels = decode(data, limits).pixels
        case Picture(source=Path() as file) | (Path() as file):
            pixels = read_picture(file, limits).pixels
        case Like(item=item) | Unlike(item=item):
            (row,) = collection.rows(collection.find([item]), [])
            pixels = read_picture(row["file"], limits).pixels
        case _:
            raise PictureError("missing", "this part of the query has no picture")
    return crop(pixels, shown.crop) if isinstance(shown, Picture) and shown.crop else pixels


def png_of(collection: Collection, shown: Part | Path) -> bytes:
    """The same as the content of a PNG file."""
    from PIL import Image

    held = BytesIO()
    Image.fromarray(pixels_of(collection, shown)).save(held, "PNG")
    return held.getvalue()
