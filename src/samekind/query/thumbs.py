"""Small pictures for contact sheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from samekind.encoders.base import Pixels
from samekind.errors import PictureError
from samekind.pictures.decode import Limits, decode, read_bytes
from samekind.pictures.views import Box

BOX_COLOUR = (255, 196, 0)


def thumbnail(source: Path | bytes | Pixels | None, side: int, box: Box | None = None) -> Image.Image | None:
    """An RGB picture whose longer side is at most ``side`` pixels, with ``box`` drawn on it.

    None where there is no picture to show (the file went away, a raw vector): a sheet is still worth having.
    """
    if source is None:
        return None
    if isinstance(source, np.ndarray):
        pixels, width = source, source.shape[1]
    else:
        limits = Limits()
        try:
            decoded = decode(read_bytes(source, limits) if isinstance(source, Path) else source, limits, side)
        except PictureError:
            return None
        pixels, width = decoded.pixels, decoded.width
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2)
    if box is not None:
        scale = picture.width / width
        left, top = box.left * scale, box.top * scale
        corners = (left, top, left + box.width * scale, top + box.height * scale)
        pen = ImageDraw.Draw(picture)
        pen.rectangle(corners, outline=(0, 0, 0), width=4)
        pen.rectangle(corners, outline=BOX_COLOUR, width=2)
    return picture
