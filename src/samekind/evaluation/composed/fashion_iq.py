"""FashionIQ: garments of three categories, two captions a query (Wu et al. 2021, "Fashion IQ: A New Dataset Towards
Retrieving Images by Natural Language Feedback").

A folder with ``captions/cap.CATEGORY.val.json`` and ``image_splits/split.CATEGORY.val.json``. Papers search one of two
galleries and seldom say which; the smaller one gives higher scores, so the choice is part of a benchmark's name.
"""

from __future__ import annotations

from pathlib import Path

from samekind.errors import UsageError, unknown_name
from samekind.evaluation.composed.entries import Entry, checked, first_twice, read_entries, read_json
from samekind.evaluation.composed.queries import Benchmark, ComposedQuery

CATEGORIES = ("dress", "shirt", "toptee")
GALLERIES = {
    "original split": "the gallery is every picture of the category's validation list",
    "val split": "the gallery is the references and targets of the queries only",
}
_ENDS = " .,?"


def read_fashion_iq(folder: Path | str, category: str, gallery: str = "original split") -> Benchmark:
    """The validation queries of one category; one target each; the reference stays in the ranking.

    ``gallery``: a name of GALLERIES. The texts of a query are its two captions joined in both orders (Baldrati et al.
    2023 and later encode both and average). Where a caption is empty, as three are, the other one is the only text,
    which leaves no " and " that joins nothing (ours). Raises UsageError with file and entry for what breaks the
    contract.
    """
    if category not in CATEGORIES:
        raise unknown_name("category of FashionIQ", category, CATEGORIES)
    if gallery not in GALLERIES:
        raise unknown_name("gallery of FashionIQ", gallery, GALLERIES)
    listed = Path(folder) / "image_splits" / f"split.{category}.val.json"
    names = _names(listed)
    entries = read_entries(Path(folder) / "captions" / f"cap.{category}.val.json")
    pairs = ((entry, _query(entry, f"{category}-{number}")) for number, entry in enumerate(entries, start=1))
    queries = checked(pairs, names, f"the gallery of {listed}")
    if gallery == "val split":
        used = {name for query in queries for name in (query.reference, *query.targets)}
        names = tuple(name for name in names if name in used)
    conventions = (GALLERIES[gallery], "the reference stays in the ranking")
    return Benchmark(f"fashion_iq {category}, {gallery}", queries, names, conventions)


def both_orders(first: str, second: str) -> tuple[str, ...]:
    """Two captions as one text, in either order; where one is empty, the other one alone."""
    first, second = first.strip(_ENDS), second.strip(_ENDS)
    if first and second:
        return f"{first} and {second}", f"{second} and {first}"
    return (first or second,)


def _names(file: Path) -> tuple[str, ...]:
    found = read_json(file)
    if not isinstance(found, list) or not found or not all(isinstance(name, str) and name for name in found):
        raise UsageError(f"{file} must hold a list of picture names; take it anew from its source.")
    twice = first_twice(found)
    if twice is not None:
        raise UsageError(f"{file} lists {twice} twice; take it anew from its source.")
    return tuple(found)


def _query(entry: Entry, number: str) -> ComposedQuery:
    captions = entry.items("captions")
    if len(captions) != 2 or not all(isinstance(text, str) for text in captions):
        raise entry.wrong("captions must be a list of two texts")
    texts = both_orders(*captions)
    if texts == ("",):
        raise entry.wrong("both captions are empty")
    return ComposedQuery(number, entry.name("candidate"), texts, (entry.name("target"),))
