"""Wider kinds of things by their names: an Abyssinian is a cat.

`scripts/make_wider.py` made them from WordNet (Miller, 1995): which of ImageNet's classes are of a kind, and what else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from samekind.meaning.colours import COLOURS
from samekind.meaning.concepts import concept_names
from samekind.meaning.terms import terms

LONGEST = 4
"""More words than these, an article before them not counted, are a sentence and no name."""
_ARTICLES = ("a", "an", "the")


@dataclass(frozen=True)
class Wider:
    """A kind of thing, and the ``classes`` of ImageNet that are of it."""

    name: str
    classes: tuple[int, ...]


def wider_kinds(text: str) -> list[Wider]:
    """The wider kinds of what an English text names, the narrowest first: the class that its name ends with (the pied
    hornbill is a hornbill) and the kind of that class, or else the kind that WordNet knows of its last words.

    None for the name of a class or of a kind, for sentences, and for what nobody knows.
    """
    said, words = text.casefold().split(), tuple(terms(text))
    known = words in _classes() or any(tuple(terms(kind.name)) == words for kind in _kinds())
    if known or len(said) - sum(word in _ARTICLES for word in said[:1]) > LONGEST:
        return []
    for tail in (words[start:] for start in range(len(words))):
        if found := _classes().get(tail):
            return [found, *(kind for kind in _kinds() if set(kind.classes) >= set(found.classes))][:2]
        if tail in _things():
            return [_things()[tail]]
    return []


@cache
def _classes() -> dict[tuple[str, ...], Wider]:
    """The classes by the words of their names."""
    found: dict[tuple[str, ...], Wider] = {}
    for at, name in enumerate(concept_names()[: -len(COLOURS)]):
        before = found.get(words := tuple(terms(name)), Wider(name, ()))  # two classes are called crane
        found[words] = Wider(before.name, (*before.classes, at))
    return found


@cache
def _things() -> dict[tuple[str, ...], Wider]:
    """The kinds by the words of the names of all that is of them."""
    return {tuple(name.split()): kind for kind, names in _read() for name in names}


@cache
def _kinds() -> list[Wider]:
    """All of them, the narrowest first."""
    return sorted((kind for kind, _ in _read()), key=lambda kind: len(kind.classes))


@cache
def _read() -> list[tuple[Wider, list[str]]]:
    """The kinds, and the names of things of each."""
    found = []
    for line in files("samekind.meaning").joinpath("data", "wider.txt").read_text("utf-8").splitlines():
        name, classes, things = line.split("\t")
        found.append((Wider(name, tuple(map(int, classes.split()))), things.split(",")))
    return found
