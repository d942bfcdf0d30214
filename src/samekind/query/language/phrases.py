"""Captions as strings: what is named in one taken out, exchanged, or given another colour."""

from __future__ import annotations

import re

NOTHING = "a photo"
"""What is left where a caption has nothing left: no text encoder is asked with an empty text."""

_COLOURS = (
    "red|orange|yellow|green|blue|purple|violet|pink|brown|black|white|grey|gray|beige|cream|gold|golden|silver|navy|"
    "turquoise|teal|maroon|tan|ivory|khaki|lavender|magenta|cyan|bronze|copper|burgundy|peach|mint|coral|olive|"
    "multicolou?red|colou?rful|transparent"
)
_SHADE = r"(?:(?:dark|light|bright|pale|deep|pastel|off)[ -])?"
COLOUR = rf"{_SHADE}(?:{_COLOURS})(?:[ -]colou?r(?:ed)?)?"
COLOUR_PHRASE = rf"{COLOUR}(?:(?:, | and |-|/| & ){COLOUR})*"

_PEOPLE = r"(?:people|persons?|humans?|m[ae]n|wom[ae]n|boys?|girls?|child(?:ren)?)"
_IRREGULAR = ("m[ae]n", "wom[ae]n", "child(?:ren)?")
_DETERMINER = r"(?:(?:an?|the|some|many|several|another|his|her|its|their|one|two|three|four|five|six|\d+)\s+)"
_LINK = (
    r"(?:\s*,?\s*\b(?:and|or|with|on|in|at|by|near|beside|behind|under|over|above|below|beneath|against|holding|"
    r"wearing|"
    r"next\s+to|in\s+front\s+of|on\s+top\s+of|surrounded\s+by)\s+)"
)
_INNER = r"(?:(?!(?:and|or|with|of|on|in|at|by|near|a|an|the|to|is|are)\b)[\w-]+\s+)"
_DANGLING = re.compile(r"(?:\s|,|\b(?:and|or|with|of|on|in|at|by|near|a|an|the)\b)+$", re.IGNORECASE)
_OF_AND = re.compile(r"\b(of|with|on|in)\s+(?:,|and\b|or\b)\s*(?:with\b|(?=\w))", re.IGNORECASE)
_OF_ON = re.compile(r"\bof\s+(?=(?:on|in|at|with|by|near|next|behind|under)\b)", re.IGNORECASE)
_LEADING = re.compile(r"^(?:(?:and|or|with|of)\s+)+", re.IGNORECASE)
_PLACED = re.compile(r"(?:on|in|at|by|near|next|behind|under)\s", re.IGNORECASE)
_STRAY = re.compile(r"\s+(?=[,.])|,\s*(?=,)")


def without(caption: str, thing: str) -> str:
    """The caption without what names ``thing``, singular or plural, with its article and what ties it on.

    Of a name of several words the whole must stand there, or its last word alone behind an article.
    """
    for pattern in _named(thing):
        adjectives = "" if " " in thing else f"{_INNER}{{0,2}}?"
        found = re.sub(rf"{_LINK}{adjectives}{pattern}|{pattern}", " ", caption, flags=re.IGNORECASE)
        if found != caption:
            return mended(found)
    return caption


def replaced(caption: str, thing: str, other: str) -> str | None:
    """The caption with ``other`` where it names ``thing``; None where it does not."""
    for pattern in _named(thing):
        found, times = re.subn(pattern, lambda _: f" {other} ", caption, flags=re.IGNORECASE)
        if times:
            return mended(found)
    return None


def recoloured(caption: str, colour: str) -> str:
    """The caption with ``colour`` for the first colour it names, or behind it where it names none."""
    bare = re.sub(r"[ -]colou?r(?:ed)?$", "", colour)
    found, times = re.subn(rf"\b{COLOUR_PHRASE}\b", lambda _: bare, caption, count=1, flags=re.IGNORECASE)
    if not times:
        return f"{caption} in {colour}"
    return re.sub(rf"\ban?(?= {re.escape(bare)}\b)", article(bare), found, count=1)


def colours_in(caption: str) -> str:
    """The first colour that a caption names, "" without."""
    found = re.search(rf"\b{COLOUR_PHRASE}\b", caption, re.IGNORECASE)
    return found[0] if found else ""


def with_article(name: str) -> str:
    """``a kettle``; names that have an article or a number, or end like a plural, stay as they are."""
    plural = re.search(r"[^su]s$|people$|men$", name, re.IGNORECASE)
    return name if plural or not name or re.match(_DETERMINER, f"{name} ") else f"{article(name)} {name}"


def article(word: str) -> str:
    """``a`` or ``an``, by the first letter."""
    return "an" if word[:1].lower() in "aeiou" else "a"


def mended(caption: str) -> str:
    """Without doubled spaces, stray commas and words at the end that tie nothing; NOTHING where no word is left."""
    text = _STRAY.sub("", " ".join(caption.split()))
    text = _OF_ON.sub("", _OF_AND.sub(r"\1 ", text)).strip(" ,")
    text = _LEADING.sub("", text)
    text = " ".join(_DANGLING.sub("", text).split())
    text = f"{NOTHING} {text}" if _PLACED.match(text) else text
    return text if any(char.isalnum() for char in text) else NOTHING


def _named(thing: str) -> list[str]:
    """Patterns of ``thing`` in a caption, the surest first."""
    words = thing.split()
    if not words:
        return []
    head = _forms(words[-1])
    if len(words) == 1:
        return [rf"{_DETERMINER}{_INNER}{{0,2}}?{head}", head]
    whole = r"\s+".join([*map(re.escape, words[:-1]), head])
    return [rf"{_DETERMINER}?\b{whole}", rf"{_DETERMINER}{head}"]


def _forms(noun: str) -> str:
    """Singular and plural of a noun, as a pattern."""
    low = noun.lower()
    if re.fullmatch(r"people|persons?|humans?", low):
        return rf"\b{_PEOPLE}(?!\w)"
    for forms in _IRREGULAR:
        if re.fullmatch(forms, low):
            return rf"\b{forms}(?!\w)"
    stem = low[:-3] + "y" if low.endswith("ies") and len(low) > 4 else re.sub(r"(?<=[^s])s$", "", low)
    if stem.endswith("y") and len(stem) > 2:
        return rf"\b{re.escape(stem[:-1])}(?:y|ys|ies)(?!\w)"
    if len(stem) > 3 and re.search(r"(?:ch|sh|x|ss)e$", stem):
        stem = stem[:-1]
    return rf"(?<!\w){re.escape(stem)}(?:e?s)?(?!\w)"
