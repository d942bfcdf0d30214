from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samekind.pictures.signature import ENOUGH, kind_of
from samekind.pictures.tags import first_tags, orientation
from tests.pictures.awkward import encoded, scene
from tests.pictures.camera import dng


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_first_bytes_tell(form: str) -> None:
    assert kind_of(encoded(scene(), form)[:ENOUGH]) == form.lower()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"BMW is a make of cars and not a bitmap", None),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", None),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "avif"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "heif"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0crx isom", "raw"),
        (b"II*\0\x10\0\0\0CR\x02\0", "raw"),
        (b"FUJIFILMCCD-RAW 0201", "raw"),
        (b"%PDF-1.7", None),
        (b"\x89PNG\r\n", None),
        (b"", None),
    ],
)
def test_lookalikes(data: bytes, kind: str | None) -> None:
    assert kind_of(data) == kind


def test_a_tiff_with_a_preview_of_what_it_holds_is_raw() -> None:
    assert kind_of(dng(encoded(scene(), "JPEG"), 48, 32)) == "raw"


@given(st.binary(max_size=400))
def test_anything_has_a_kind_or_none(data: bytes) -> None:
    kind_of(data)
    for start in (b"II*\0", b"MM\0*", b"\0\0\0\x18ftyp"):
        kind_of(start + data)


@given(st.sampled_from([b"II", b"MM"]), st.binary(max_size=300))
def test_damaged_tags_never_raise(order: bytes, data: bytes) -> None:
    assert all(0 <= value < 2**32 for value in first_tags(order + b"*\0\x08\0\0\0" + data).values())
    assert orientation(b"Exif\0\0" + order + data) in (None, *range(1, 9))


def test_orientation() -> None:
    exif = Image.Exif()
    exif[274] = 6
    assert orientation(exif.tobytes()) == 6
    exif[274] = 9
    assert orientation(exif.tobytes()) is None
    assert orientation(None) is None
    big = b"MM\0*" + struct.pack(">IHHHIHH", 8, 1, 274, 3, 1, 8, 0)
    assert orientation(big) == 8
