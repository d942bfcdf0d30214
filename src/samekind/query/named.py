"""Texts that pictures have for free, each a weak caption: names of folders and files, captions in files, columns.

A picture beside which the words of a query are written gains at most ``NAMED`` standard deviations of their scores.
Words that no text of the collection holds change no score. (ours)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from samekind.errors import unknown_name
from samekind.meaning.terms import terms, terms_of_name
from samekind.meaning.word_index import WordIndex
from samekind.query.language.rules import understood

if TYPE_CHECKING:
    from samekind.collection import Collection

NAMED = 4.0
"""What a text that holds all of the words adds, in standard deviations of the words' scores.

On captions, with another caption of the picture or one word of it as the text of all, half or a fifth of the pictures,
recall at 1 never falls below that of words alone; fused by ranks it falls by up to 19 points where some have none."""
SURE = 0.5
"""The confidence that such a text gives by itself."""
SOURCES = ("folders", "files", "captions", "columns")

_KNOWN: WeakKeyDictionary[Collection, tuple[tuple[object, ...], Named]] = WeakKeyDictionary()


def sources_of(text: str) -> tuple[str, ...]:
    """The sources in a list such as "folders, captions"; "none" for none. Raises UsageError for an unknown one."""
    asked = [name.strip() for name in text.split(",") if name.strip()]
    for name in asked:
        if name not in (*SOURCES, "none"):
            raise unknown_name("source of weak captions", name, (*SOURCES, "none"))
    return tuple(source for source in SOURCES if source in asked)


@dataclass(frozen=True, eq=False)
class Named:
    """The texts of n pictures from some ``sources``: for each picture ``texts`` has the terms by where they stand."""

    sources: tuple[str, ...]
    texts: Sequence[dict[str, list[str]]]
    index: WordIndex

    @classmethod
    def of(cls, sources: Sequence[str], texts: Sequence[dict[str, list[str]]]) -> Named:
        """With the inverted list over all sources of a picture."""
        every = [[term for part in one.values() for term in part] for one in texts]
        return cls(tuple(sources), texts, WordIndex.of(every))

    def matched(self, text: str) -> NDArray[np.float64]:
        """(n,) how far the pictures' texts hold the words of a query, 0 to 1."""
        return self.index.matched(asked_terms(text))

    def said(self, row: int, texts: Sequence[str]) -> str:
        """Which words of the query stand where, such as "red kettle (file), iron (caption)"; empty for none."""
        found: dict[str, list[str]] = {}
        for term in dict.fromkeys(term for text in texts for term in asked_terms(text)):
            places = [source for source, there in self.texts[row].items() if term in there]
            if places:
                found.setdefault(", ".join(places), []).append(term)
        return ", ".join(f"{' '.join(words)} ({places})" for places, words in found.items())


def asked_terms(text: str) -> list[str]:
    """The terms that a query asks for, each once, without what its words take away ("a room without chairs")."""
    away = {term for name in understood("", text).drops for term in terms(name)}
    return [term for term in dict.fromkeys(terms(text)) if term not in away]


def named_of(collection: Collection, ids: Sequence[str], sources: Sequence[str]) -> Named | None:
    """The texts of these pictures from the ``sources``; None without sources. Kept for the version that is read."""
    if not sources:
        return None
    key = (collection.table.version, tuple(ids), tuple(sources))
    known = _KNOWN.get(collection)
    if known is None or known[0] != key:
        known = _KNOWN[collection] = key, Named.of(sources, _texts(collection, ids, sources))
    return known[1]


def _texts(collection: Collection, ids: Sequence[str], sources: Sequence[str]) -> list[dict[str, list[str]]]:
    own = [name for name, kind in collection.table.person_columns.items() if kind == "str"]
    rows = {row["id"]: row for row in collection.pictures("state = present", ["id", "root", "path", "hash", *own])}
    captions = collection.captions_of([rows[id_]["hash"] for id_ in ids]) if "captions" in sources else []
    found = []
    for at, id_ in enumerate(ids):
        folder, _, file = rows[id_]["path"].rpartition("/")
        texts: dict[str, list[str]] = {}
        if "folders" in sources:
            texts["folder"] = terms_of_name(f"{rows[id_]['root']} {folder}")
        if "files" in sources:
            texts["file"] = terms_of_name(file.rpartition(".")[0] or file)
        if "captions" in sources:
            texts["caption"] = terms(" ".join(captions[at]))
        if "columns" in sources:
            texts |= {name: terms(str(rows[id_][name] or "")) for name in own}
        found.append(texts)
    return found
