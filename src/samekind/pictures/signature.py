"""Which kind of picture file some bytes are; only their beginning is looked at."""

from __future__ import annotations

from samekind.pictures.tags import first_tags

ENOUGH = 4096
"""As many first bytes decide, except for TIFFs whose directory lies further back."""

_PLAIN_STARTS = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF87a", "gif"), (b"GIF89a", "gif"))
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb")
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_NEW_SUBFILE_TYPE, _COMPRESSION, _SUB_IFDS, _DNG_VERSION = 254, 259, 330, 50706
_RAW_COMPRESSIONS = frozenset({32767, 32769, 34713, 65535})


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
    return _kind_of_box(data) if data[4:8] == b"ftyp" else None


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
    if data[8:10] == b"CR":
        return True
    tags = first_tags(data)
    reduced = tags.get(_NEW_SUBFILE_TYPE, 0) & 1
    return _DNG_VERSION in tags or bool(reduced and _SUB_IFDS in tags) or tags.get(_COMPRESSION) in _RAW_COMPRESSIONS
