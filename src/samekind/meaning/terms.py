"""Texts to the terms that they are looked up by: accents and case folded, English plurals too, no empty words. (ours)

Words are what stands between spaces and signs, so languages that write without spaces match whole phrases only.
"""

from __future__ import annotations

import re
import unicodedata

_EMPTY = """
an and are as at by for from has in into is it its no not of on or that the their there this to with without
image images img photo photograph photos picture pictures pic pics
"""
EMPTY = frozenset(_EMPTY.split())
"""Words that say nothing about a picture."""

_BY_CAMERAS = """
burst cimg copy dsc dscf dscn dsci edit edited exif final gopr hdr imag image img imgp jpeg jpg mvimg pano pict png
pxl rotated scan screenshot untitled vid wa webp whatsapp
"""
BY_CAMERAS = frozenset(_BY_CAMERAS.split())
"""What cameras, telephones and programs put into the names of files."""

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NAMED = re.compile(r"\d*([^\W\d_]{2,})\d*")


def terms(text: str) -> list[str]:
    """The terms of a text in order, with repetitions; none of one letter."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    return [singular(word) for word in _WORD.findall(plain) if len(word) > 1 and word not in EMPTY]


def terms_of_name(name: str) -> list[str]:
    """The terms in the name of a file or folder: parted at capitals too, without numbers, ids and cameras' words."""
    words = _WORD.findall(_CAMEL.sub(" ", unicodedata.normalize("NFC", name)))
    named = [match[1] for match in map(_NAMED.fullmatch, words) if match]
    return terms(" ".join(word for word in named if word.casefold() not in BY_CAMERAS))


def singular(word: str) -> str:
    """An English word without the s of its plural; both forms of "cookies" become "cooky"."""
    if len(word) < 4:
        return word
    if re.search(r"(?:ch|sh|ss|x|zz)es$", word):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word[:-2] + "y" if len(word) > 3 and word.endswith("ie") else word
