"""How each kind of picture file is opened; opening reads the header alone.

Pillow's own ``Image.open`` is not used: it tries every plugin there is, and refuses or warns about large pictures by a
switch that holds for the whole process. Here the class of the one right plugin is called.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from io import BytesIO

from PIL import Image, features
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from samekind.errors import PictureError

_OPENERS: Mapping[str, Callable[[BytesIO], Image.Image]] = {
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "webp": WebPImageFile,
    "gif": GifImageFile,
    "tiff": TiffImageFile,
    "bmp": BmpImageFile,
    "avif": AvifImageFile,
}


def opened(data: bytes, kind: str) -> Image.Image:
    """The picture with its header read and its pixels not. Raises what the decoders raise, or PictureError."""
    if kind == "heif":
        return _heif(data)
    if kind == "avif" and not features.check("avif"):
        raise PictureError("needs extra", "this Pillow was built without AVIF; pip install --upgrade pillow")
    return _OPENERS[kind](BytesIO(data))


def size_before_opening(data: bytes, kind: str) -> tuple[int, int] | None:
    """(width, height) for WebP, whose decoder takes memory for all pixels when it is opened; None for other kinds."""
    if kind != "webp" or len(data) < 30:
        return None
    chunk = data[12:16]
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def raw_preview(data: bytes) -> tuple[bytes | Image.Image, int]:
    """The preview inside a camera's RAW file: JPEG bytes or a picture, and the EXIF orientation of the RAW file.

    Raises PictureError "needs extra" without rawpy, and "broken" where the file holds no preview that can be read.
    """
    try:
        import rawpy
    except ImportError:
        raise PictureError("needs extra", "RAW previews need rawpy; pip install 'samekind[raw]'") from None
    try:
        with rawpy.imread(BytesIO(data)) as raw:
            turn = {3: 3, 5: 8, 6: 6}.get(raw.sizes.flip, 1)
            preview = raw.extract_thumb()
            if preview.format == rawpy.ThumbFormat.JPEG:
                return bytes(preview.data), turn
            return Image.fromarray(preview.data), turn
    except rawpy.LibRawError as problem:
        raise PictureError("broken", f"no preview in this RAW file could be read ({problem})") from None


def _heif(data: bytes) -> Image.Image:
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise PictureError("needs extra", "HEIC needs pillow-heif; pip install 'samekind[heif]'") from None
    picture: Image.Image = HeifImageFile(BytesIO(data))
    return picture
