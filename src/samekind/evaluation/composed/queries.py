"""What a composed benchmark asks: pictures that are like a reference but for what some words say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from samekind.errors import UsageError


@dataclass(frozen=True)
class ComposedQuery:
    """One query: a reference picture and words, and which pictures are right.

    ``texts``: what the words are, several where a protocol averages over phrasings; a text may be empty where the
    annotations have none. ``targets``: the right pictures, the one that the words were written for first; none where a
    server keeps them. ``aspects``: what kind of change is asked for, the name of a rule or several semantic aspects.
    ``group``: the pictures, less the reference, among which a subset measure ranks. ``gallery``: the pictures of this
    query's own small gallery; None where all of the benchmark is searched. ``drops_reference``: whether the reference
    is taken out of the ranking.
    """

    id: str
    reference: str
    texts: tuple[str, ...]
    targets: tuple[str, ...] = ()
    aspects: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    gallery: tuple[str, ...] | None = None
    drops_reference: bool = False


@dataclass(frozen=True)
class Benchmark:
    """Queries and the names of the pictures they are asked of.

    ``gallery`` is empty where the annotation files do not list it; rankings can then be given by names only.
    ``conventions``: what belongs beside every figure, in short sentences; figures of other conventions are not to be
    compared with them.
    """

    name: str
    queries: tuple[ComposedQuery, ...]
    gallery: tuple[str, ...] = field(repr=False)
    conventions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.queries)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Each gallery name's row number."""
        return {name: row for row, name in enumerate(self.gallery)}

    @cached_property
    def pictures(self) -> tuple[str, ...]:
        """Every picture that is needed: the gallery, then references that are not in it, each once."""
        return tuple(dict.fromkeys([*self.gallery, *(query.reference for query in self.queries)]))

    def excluding_references(self) -> Benchmark:
        """The same queries where the reference is taken out of the ranking."""
        queries = tuple(replace(query, drops_reference=True) for query in self.queries)
        return replace(self, name=f"{self.name}, reference excluded", queries=queries)

    def subsets(self) -> Benchmark:
        """The same queries, each asked of its group only. Raises UsageError where one has none."""
        for query in self.queries:
            if not query.group:
                raise UsageError(f"Query {query.id} of {self.name} has no group to rank within.")
        queries = tuple(replace(query, gallery=query.group) for query in self.queries)
        return replace(self, name=f"{self.name}, subset", queries=queries)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the name, counts and conventions, not the queries."""
        return {
            "name": self.name,
            "queries": len(self.queries),
            "gallery": len(self.gallery) or None,
            "conventions": list(self.conventions),
        }
