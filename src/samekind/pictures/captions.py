"""Captions, titles and keywords that people or programs wrote into a picture file: EXIF, IPTC and XMP.

EXIF: ImageDescription, XPTitle, XPComment, XPKeywords. IPTC-IIM 4.2: object name 2:05, keywords 2:25, caption 2:120.
XMP (ISO 16684-1): dc:title, dc:description, dc:subject. RAW files are not looked into.
"""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Iterator
from xml.parsers import expat

from PIL import Image
from PIL.IptcImagePlugin import getiptcinfo

from samekind.errors import PictureError
from samekind.pictures.decode import BROKEN, Limits
from samekind.pictures.formats import opened, size_before_opening
from samekind.pictures.signature import kind_of

LONGEST, MOST = 2_000, 200
"""Characters of one text, and texts of one picture, that are kept."""
_MOST_XMP = 2_000_000
_DESCRIPTION, _TITLE, _COMMENT, _KEYWORDS = 0x010E, 0x9C9B, 0x9C9C, 0x9C9E
_IPTC = ((2, 5), (2, 120), (2, 25))
_DC, _RDF = "http://purl.org/dc/elements/1.1/", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = frozenset(f"{_DC} {name}" for name in ("title", "description", "subject"))
_BY_CAMERAS = re.compile(
    r"(?:olympus|sony|minolta|kodak|konica|digital|camera|dsc|exif_jpeg_|pictures?|default|\W)*", re.IGNORECASE
)
"""What cameras write into the description of every picture."""


def captions(data: bytes, limits: Limits = Limits()) -> tuple[str, ...]:  # noqa: B008 - frozen
    """The texts in the bytes of a picture file, each once, titles and captions before keywords of the same block.

    Only headers are read. Damaged or huge metadata, or data that is no picture, gives what could be read, or nothing.
    """
    kind = kind_of(data)
    if kind in (None, "raw") or len(data) > limits.max_bytes:
        return ()
    try:
        width, height = size_before_opening(data, str(kind)) or (0, 0)
        if width * height > limits.max_pixels:
            return ()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with opened(data, str(kind)) as picture:
                return captions_of(picture)
    except (*BROKEN, PictureError, MemoryError, Image.DecompressionBombError):
        return ()


def captions_of(picture: Image.Image) -> tuple[str, ...]:
    """The texts of an opened picture, as ``captions`` gives them."""
    found: dict[str, None] = {}
    for read in (_of_exif, _of_iptc, _of_xmp):
        try:
            for text in read(picture):
                line = " ".join(text.replace("\0", " ").split())[:LONGEST]
                if line and not _BY_CAMERAS.fullmatch(line):
                    found[line] = None
        except (*BROKEN, expat.ExpatError):
            continue
    return tuple(found)[:MOST]


def _of_exif(picture: Image.Image) -> Iterator[str]:
    exif = picture.getexif()
    description = exif.get(_DESCRIPTION)
    if isinstance(description, str | bytes):
        yield _text(description)
    for tag in (_TITLE, _COMMENT, _KEYWORDS):
        value = exif.get(tag)
        if isinstance(value, tuple):
            value = struct.pack(f"{len(value)}B", *value)
        if isinstance(value, bytes):
            text = value.decode("utf-16-le", "ignore")
            yield from text.split(";") if tag == _KEYWORDS else (text,)


def _of_iptc(picture: Image.Image) -> Iterator[str]:
    found = getiptcinfo(picture) or {}  # type: ignore[arg-type]
    for tag in _IPTC:
        values = found.get(tag, b"")
        for value in values if isinstance(values, list) else (values,):
            yield _text(value)


def _of_xmp(picture: Image.Image) -> tuple[str, ...]:
    data = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    if isinstance(data, str):
        data = data.encode()
    return xmp_texts(data.strip(b"\0 \n\r\t")) if isinstance(data, bytes) else ()


def xmp_texts(data: bytes) -> tuple[str, ...]:
    """What an XMP packet says in dc:title, dc:description and dc:subject, in its order.

    A packet with a document type is not read, so there are no entities to expand, and none above 2 MB. Raises
    ExpatError for what is no XML.
    """
    if len(data) > _MOST_XMP:
        return ()
    parser = expat.ParserCreate(namespace_separator=" ")
    open_ones: list[bool] = []  # for each open element whether its text counts
    within = 0  # how many of them are properties that count
    found: list[list[str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal within
        counts = name in _XMP or (within > 0 and name == f"{_RDF} li")
        open_ones.append(counts)
        within += name in _XMP
        if counts:
            found.append([])
        elif name == f"{_RDF} Description":
            found.extend([value] for key, value in attributes.items() if key in _XMP)

    def end(name: str) -> None:
        nonlocal within
        open_ones.pop()
        within -= name in _XMP

    def said(text: str) -> None:
        if open_ones[-1]:
            found[-1].append(text)

    def refuse(*_: object) -> None:
        raise expat.ExpatError("a document type in XMP")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, said
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.Parse(data, True)
    return tuple("".join(parts) for parts in found if "".join(parts).strip())


def _text(value: str | bytes) -> str:
    """As UTF-8 where it is that, else as Latin-1; Pillow reads all EXIF as the latter."""
    try:
        return (value.encode("latin-1") if isinstance(value, str) else value).decode("utf-8")
    except UnicodeError:
        return value if isinstance(value, str) else value.decode("latin-1")
