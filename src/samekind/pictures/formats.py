"""Which kind of file some bytes are, and how each kind is opened.

Only the first bytes decide. Pillow's own ``Image.open`` is not used: it tries every plugin there is, and refuses or
warns about large pictures by a switch that holds for the whole process. Opening reads the header alone.
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
from samekind.pictures.tags import first_tags

_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb")
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION, _COMPRESSION = 254, 330, 50706, 259
_RAW_COMPRESSIONS = frozenset({32767, 32769, 34713, 65535})

_OPENERS: Mapping[str, Callable[[BytesIO], Image.Image]] = {
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "webp": WebPImageFile,
    "gif": GifImageFile,
    "tiff": TiffImageFile,
    "bmp": BmpImageFile,
    "avif": AvifImageFile,
}
_PLAIN_STARTS = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF87a", "gif"), (b"GIF89a", "gif"))


def kind_of(data: bytes) -> str | None:
    """One of jpeg, png, webp, gif, tiff, bmp, avif, heif, raw; None for anything else."""
    for start, kind in _PLAIN_STARTS:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if data.startswith(_RAW_STARTS):
        return "raw"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "raw" if _is_raw_tiff(data) else "tiff"
    if data[4:8] == b"ftyp":
        return _kind_of_box(data)
    return None


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


def _kind_of_box(data: bytes) -> str | None:
    """ISO base media files name what they are in their first box: a major brand and compatible ones."""
    major = data[8:12]
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = {major, *(data[at : at + 4] for at in range(16, end, 4))}
    if major == b"crx ":
        return "raw"
    if brands & {b"avif", b"avis"}:
        return "avif"
    return "heif" if brands & _HEIF_BRANDS else None


def _is_raw_tiff(data: bytes) -> bool:
    """Most cameras' RAW files are TIFFs whose first picture is a small preview of what lies in a sub-picture."""
    if data[8:10] == b"CR" or data[:4] in (b"II+\0", b"MM\0+"):
        return data[8:10] == b"CR"
    tags = first_tags(data)
    reduced = tags.get(_NEW_SUBFILE_TYPE, 0) & 1
    return _DNG_VERSION in tags or bool(reduced and _SUB_IFDS in tags) or tags.get(_COMPRESSION) in _RAW_COMPRESSIONS
