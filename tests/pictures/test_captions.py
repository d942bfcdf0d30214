"""Captions in files: each block by itself, all of them together, and whatever is broken gives nothing."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samekind.pictures.captions import LONGEST, captions, xmp_texts
from samekind.pictures.decode import Limits
from tests.pictures.mutate import mutants

XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Tea &amp; time</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>Somebody</rdf:li></rdf:Seq></dc:creator><photoshop:City>Porto</photoshop:City>
<dc:subject><rdf:Bag><rdf:li>kettle</rdf:li><rdf:li>théière</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def saved(kind: str = "JPEG", **more: object) -> bytes:
    held = BytesIO()
    Image.new("RGB", (8, 8)).save(held, kind, **more)
    return held.getvalue()


def exif(tags: dict[int, object]) -> bytes:
    found = Image.Exif()
    for tag, value in tags.items():
        found[tag] = value
    return found.tobytes()


def with_iptc(*values: tuple[int, bytes]) -> bytes:
    """A JPEG whose Photoshop block has these IPTC values of record 2."""
    iptc = b"".join(b"\x1c\x02" + bytes([tag]) + struct.pack(">H", len(text)) + text for tag, text in values)
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    segment = b"Photoshop 3.0\0" + block
    plain = saved()
    return plain[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + plain[2:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_in_all_formats_that_have_it(kind: str) -> None:
    found = exif({0x010E: "A red kettle", 0x9C9B: "Küche".encode("utf-16-le"), 0x9C9E: "tea;pot".encode("utf-16-le")})
    assert captions(saved(kind, exif=found)) == ("A red kettle", "Küche", "tea", "pot")


def test_iptc() -> None:
    data = with_iptc(
        (5, b"Title"), (25, b"kettle"), (25, "théière".encode()), (120, b"A red\nkettle"), (80, b"Somebody")
    )
    assert captions(data) == ("Title", "A red kettle", "kettle", "théière")


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF"])
def test_xmp_in_its_formats(kind: str) -> None:
    more = {"tiffinfo": {700: XMP.encode()}} if kind == "TIFF" else {"xmp": XMP.encode()}
    assert captions(saved(kind, **more)) == ("Tea & time", "kettle", "théière")


def test_the_same_text_counts_once_and_what_cameras_write_never() -> None:
    assert captions(saved(exif=exif({0x010E: "kettle"}), xmp=XMP.encode())) == ("kettle", "Tea & time", "théière")
    for text in ("OLYMPUS DIGITAL CAMERA", "SONY DSC", "  ", "default", "Exif_JPEG_Picture"):
        assert captions(saved(exif=exif({0x010E: text}))) == ()


def test_a_short_form_and_entities() -> None:
    dc = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    assert xmp_texts(f'<rdf:Description {dc} dc:title="Tea"/>'.encode()) == ("Tea",)
    assert xmp_texts(f"<x {dc}><dc:title>Tea</dc:title> and <rdf:li>no</rdf:li></x>".encode()) == ("Tea",)
    entities = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b SYSTEM "file:///etc/hostname">]>'
    bomb = f"{entities}<x {dc}><dc:title>&a;&b;</dc:title></x>"
    assert captions(saved(xmp=bomb.encode())) == ()
    assert xmp_texts(b"<a>" * 700_000) == ()


def test_a_deep_packet_takes_no_time_of_its_square() -> None:
    with pytest.raises(Exception, match="no element found"):
        xmp_texts(b"<a>" * 600_000)


def test_limits() -> None:
    assert captions(saved(exif=exif({0x010E: "x" * 9_000}))) == ("x" * LONGEST,)
    data = saved(exif=exif({0x010E: "kettle"}))
    assert captions(data, Limits(max_bytes=len(data) - 1)) == ()


def test_no_pictures() -> None:
    assert [captions(data) for data in (b"", b"words", b"\xff\xd8\xff", b"II*\0")] == [()] * 4


def test_damaged_pictures_give_no_error() -> None:
    for mutant in mutants(150, 5):
        assert isinstance(captions(mutant.data), tuple)


@given(at=st.integers(2, 700), byte=st.integers(0, 255))
def test_damaged_metadata_gives_no_error(at: int, byte: int) -> None:
    data = bytearray(saved(exif=exif({0x010E: "A red kettle", 0x9C9E: b"t\0"}), xmp=XMP.encode()))
    data[at] = byte
    assert isinstance(captions(bytes(data)), tuple)


@given(st.binary(max_size=200))
def test_any_block_gives_no_error(block: bytes) -> None:
    assert isinstance(captions(saved(exif=b"Exif\0\0" + block, xmp=block)), tuple)
