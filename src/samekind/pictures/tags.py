"""The whole numbers in the first directory of TIFF and EXIF data, as far as they can be read.

Enough for the orientation and for telling RAW files from TIFFs; unlike a full EXIF reader it never raises and never
warns. Layout: TIFF 6.0 (Adobe, 1992), section 2.
"""

from __future__ import annotations

import struct

ORIENTATION = 274
_SHORT, _LONG, _BYTE, _IFD = 3, 4, 1, 13
_MOST_ENTRIES = 1000


def first_tags(data: bytes) -> dict[int, int]:
    """The first value of every BYTE, SHORT, LONG or IFD tag of the first directory; a value that lies elsewhere in the
    data (more than fits into 4 bytes) is given as 0. Damaged data gives what could be read.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    tags: dict[int, int] = {}
    if order is None or len(data) < 8:
        return tags
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return tags
    (count,) = struct.unpack_from(order + "H", data, start)
    for n in range(min(count, _MOST_ENTRIES)):
        at = start + 2 + 12 * n
        if at + 12 > len(data):
            break
        tag, kind, length = struct.unpack_from(order + "HHI", data, at)
        form = {_BYTE: "B", _SHORT: "H", _LONG: "I", _IFD: "I"}.get(kind)
        if form and length:
            fits = struct.calcsize(form) * length <= 4
            tags[tag] = struct.unpack_from(order + form, data, at + 8)[0] if fits else 0
    return tags


def orientation(exif: bytes | None) -> int | None:
    """The orientation 1..8 that an EXIF block names; None where it names none or cannot be read."""
    if not exif:
        return None
    value = first_tags(exif.removeprefix(b"Exif\0\0")).get(ORIENTATION)
    return value if value in range(1, 9) else None
