"""Draws a camera's RAW file: a DNG (Adobe, 1.4) with a JPEG preview and a few raw pixels."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

_BYTE, _TEXT, _SHORT, _LONG, _RATIO, _SIGNED_RATIO = 1, 2, 3, 4, 5, 10
_FORMS = {_BYTE: "B", _SHORT: "H", _LONG: "I", _RATIO: "II", _SIGNED_RATIO: "ii"}
_Entries = Sequence[tuple[int, int, Any]]


def dng(preview: bytes, width: int, height: int, orientation: int = 1) -> bytes:
    """A DNG whose preview is the given JPEG of ``width`` x ``height`` as stored."""
    preview += b"\0" * (len(preview) % 2)
    across, down = 64, 48
    raw = (np.arange(across * down) % 1000).astype("<u2").tobytes()
    raw_at = 8 + len(preview)
    sub_at = raw_at + len(raw)
    sub: _Entries = [
        (254, _LONG, [0]),
        (256, _LONG, [across]),
        (257, _LONG, [down]),
        (258, _SHORT, [16]),
        (259, _SHORT, [1]),
        (262, _SHORT, [32803]),
        (273, _LONG, [raw_at]),
        (277, _SHORT, [1]),
        (278, _LONG, [down]),
        (279, _LONG, [len(raw)]),
        (33421, _SHORT, [2, 2]),
        (33422, _BYTE, [0, 1, 1, 2]),
    ]
    behind = _directory(sub, sub_at)
    main_at = sub_at + len(behind)
    main: _Entries = [
        (254, _LONG, [1]),
        (256, _LONG, [width]),
        (257, _LONG, [height]),
        (258, _SHORT, [8, 8, 8]),
        (259, _SHORT, [7]),
        (262, _SHORT, [6]),
        (271, _TEXT, b"Nobody\0"),
        (272, _TEXT, b"Drawn\0"),
        (273, _LONG, [8]),
        (274, _SHORT, [orientation]),
        (277, _SHORT, [3]),
        (278, _LONG, [height]),
        (279, _LONG, [len(preview)]),
        (330, _LONG, [sub_at]),
        (50706, _BYTE, [1, 4, 0, 0]),
        (50707, _BYTE, [1, 1, 0, 0]),
        (50708, _TEXT, b"Nobody Drawn\0"),
        (50721, _SIGNED_RATIO, [(int(row == column), 1) for row in range(3) for column in range(3)]),
        (50728, _RATIO, [(1, 1)] * 3),
        (50778, _SHORT, [21]),
    ]
    return b"II*\0" + struct.pack("<I", main_at) + preview + raw + behind + _directory(main, main_at)


def _directory(entries: _Entries, at: int) -> bytes:
    """A TIFF directory that stands at offset ``at``, with its longer values behind it."""
    out, behind = struct.pack("<H", len(entries)), b""
    start = at + 2 + 12 * len(entries) + 4
    for tag, kind, values in entries:
        if kind == _TEXT:
            data = values
        else:
            pairs = (value if isinstance(value, tuple) else (value,) for value in values)
            data = b"".join(struct.pack("<" + _FORMS[kind], *pair) for pair in pairs)
        if len(data) <= 4:
            out += struct.pack("<HHI", tag, kind, len(values)) + data.ljust(4, b"\0")
        else:
            out += struct.pack("<HHII", tag, kind, len(values), start + len(behind))
            behind += data + b"\0" * (len(data) % 2)
    whole = out + struct.pack("<I", 0) + behind
    return whole + b"\0" * (len(whole) % 2)
