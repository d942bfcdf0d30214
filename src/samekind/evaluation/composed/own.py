"""Composed queries that a script made by rules: one JSON object a line.

Its fields: ``reference`` and ``targets``, names of pictures; ``text``, what is to change; ``rule``, which rule made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from samekind.errors import UsageError
from samekind.evaluation.composed.entries import Entry, checked, first_twice, read_lines
from samekind.evaluation.composed.queries import Benchmark, ComposedQuery


def read_own(file: Path | str, gallery: Sequence[str]) -> Benchmark:
    """The queries of a file, asked of ``gallery`` less the reference; an id is the file's stem and the line.

    Raises UsageError, with the file and the line, for what breaks the contract, and for a gallery that is empty or
    names a picture twice.
    """
    file = Path(file)
    if not gallery:
        raise UsageError(f"The gallery for {file} is empty; name the pictures that are searched.")
    twice = first_twice(gallery)
    if twice is not None:
        raise UsageError(f"The gallery for {file} names {twice} twice; name each picture once.")
    pairs = ((entry, _query(entry, f"{file.stem}-{line}")) for line, entry in read_lines(file))
    queries = checked(pairs, gallery, "the gallery that was given")
    if not queries:
        raise UsageError(f"{file} lists no queries.")
    return Benchmark(file.stem, queries, tuple(gallery), ("the reference is taken out of the ranking",))


def _query(entry: Entry, number: str) -> ComposedQuery:
    return ComposedQuery(
        number,
        entry.name("reference"),
        (entry.text("text"),),
        entry.names("targets"),
        aspects=(entry.text("rule"),),
        drops_reference=True,
    )
