"""Rankings of a benchmark's queries, from scores, row numbers or names, as its protocol reads them.

The protocol is applied once, here: the reference leaves the ranking where the query says so, and where a query has a
gallery of its own only that is kept. Both take a subsequence of the whole ranking; nothing is searched again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError
from samekind.evaluation.composed.entries import first_twice
from samekind.evaluation.composed.queries import Benchmark, ComposedQuery

Order = NDArray[np.int32]
"""(r,) numbers of names, best first, none twice."""


@dataclass(frozen=True)
class Rankings:
    """One ranking for each query of ``benchmark``, in its order.

    ``orders``: numbers into ``names``, which is the gallery, or the names that occur where the gallery is not known.
    Made by ``from_scores``, ``from_rows`` or ``from_names``, which raise UsageError for what is no ranking of it.
    """

    benchmark: Benchmark
    names: tuple[str, ...] = field(repr=False)
    orders: tuple[Order, ...] = field(repr=False)

    @classmethod
    def from_scores(cls, benchmark: Benchmark, scores: NDArray[Any]) -> Rankings:
        """From (q, n) scores of every query for the whole gallery, the best highest; ties in gallery order."""
        gallery = _gallery(benchmark)
        if scores.shape != (len(benchmark), len(gallery)):
            raise UsageError(
                f"The scores for {benchmark.name} must be {len(benchmark)} x {len(gallery)}, not"
                f" {' x '.join(map(str, scores.shape))}: a row a query, a column a gallery picture."
            )
        orders = (_sorted(query, row) for query, row in zip(benchmark.queries, scores, strict=True))
        return _read(benchmark, gallery, orders)

    @classmethod
    def from_rows(cls, benchmark: Benchmark, rows: Sequence[NDArray[Any]] | NDArray[Any]) -> Rankings:
        """From gallery row numbers, best first: (q, r), or an array of its own length for each query."""
        gallery = _gallery(benchmark)
        _one_each(benchmark, len(rows))
        orders = [_in_range(query, one, gallery) for query, one in zip(benchmark.queries, rows, strict=True)]
        return _read(benchmark, gallery, orders)

    @classmethod
    def from_names(cls, benchmark: Benchmark, names: Sequence[Sequence[str]]) -> Rankings:
        """From gallery names, best first, for each query; any names where the gallery is not known."""
        _one_each(benchmark, len(names))
        known = benchmark.gallery or tuple(dict.fromkeys(name for one in names for name in one))
        numbers = _numbers(known)
        orders = [
            _numbered(benchmark, query, one, numbers) for query, one in zip(benchmark.queries, names, strict=True)
        ]
        return _read(benchmark, known, orders)

    def excluding_references(self) -> Rankings:
        """The same rankings without any query's reference, also where the protocol keeps it."""
        return _read(self.benchmark.excluding_references(), self.names, self.orders)

    def subsets(self) -> Rankings:
        """The same rankings, each masked to its query's group."""
        return _read(self.benchmark.subsets(), self.names, self.orders)

    def top(self, at: int, depth: int) -> tuple[str, ...]:
        """The first names of query number ``at``. Raises UsageError where its ranking is shorter than that."""
        if len(self.orders[at]) < depth:
            raise self._short(at, depth)
        return tuple(self.names[number] for number in self.orders[at][:depth])

    def target_ranks(self, depth: int | None) -> list[NDArray[np.int64]]:
        """For each query the rank of each of its targets, in their order, 1 the best; 0 for one that was not ranked.

        ``depth``: how many places will be looked at, or None for all. Raises UsageError for a query without targets,
        and for a ranking that stops before that depth though pictures are left: its figures would be too low.
        """
        numbers = _numbers(self.names)
        place = np.zeros(len(self.names) + 1, np.int64)
        found = []
        for at, (query, order) in enumerate(zip(self.benchmark.queries, self.orders, strict=True)):
            if not query.targets:
                raise UsageError(f"Query {query.id} of {self.benchmark.name} has no targets; only a server scores it.")
            needed = min((one for one in (self._whole(query), depth) if one is not None), default=0)
            if len(order) < needed:
                raise self._short(at, needed)
            place[order] = np.arange(1, len(order) + 1)
            found.append(place[[numbers.get(name, -1) for name in query.targets]])
            place[order] = 0
        return found

    def _whole(self, query: ComposedQuery) -> int | None:
        """How many pictures a whole ranking of the query holds, or None where the gallery is not known."""
        if query.gallery is None and not self.benchmark.gallery:
            return None
        among = self.benchmark.rows if query.gallery is None else query.gallery
        return len(among) - (query.drops_reference and query.reference in among)

    def _short(self, at: int, depth: int) -> UsageError:
        query = self.benchmark.queries[at]
        searched = query.gallery is None or query.reference in query.gallery
        dropped = " other than the reference" if query.drops_reference and searched else ""
        own = "" if query.gallery is None else " of the query's own gallery"
        return UsageError(
            f"The ranking of query {query.id} of {self.benchmark.name} holds {len(self.orders[at])} pictures{dropped}"
            f"{own} where {depth} are needed; rank more pictures."
        )


def descending(scores: NDArray[Any]) -> Order:
    """(n,) numbers of the scores, the best highest; ties in their order."""
    # from the last to the first, so that turning the ascending order round leaves ties as they stood
    return (len(scores) - 1 - np.argsort(scores[::-1], kind="stable"))[::-1].astype(np.int32)


def _read(benchmark: Benchmark, names: tuple[str, ...], orders: Iterable[Order]) -> Rankings:
    """The rankings as the benchmark's protocol reads them."""
    numbers = _numbers(names)
    kept = []
    for query, order in zip(benchmark.queries, orders, strict=True):
        if query.gallery is not None:
            order = order[np.isin(order, [numbers.get(name, -1) for name in query.gallery])]
        if query.drops_reference:
            order = order[order != numbers.get(query.reference, -1)]
        kept.append(order)
    return Rankings(benchmark, names, tuple(kept))


def _numbers(names: Sequence[str]) -> Mapping[str, int]:
    return {name: number for number, name in enumerate(names)}


def _gallery(benchmark: Benchmark) -> tuple[str, ...]:
    if not benchmark.gallery:
        raise UsageError(f"The gallery of {benchmark.name} is not known; read it with one, or give rankings by names.")
    return benchmark.gallery


def _one_each(benchmark: Benchmark, rankings: int) -> None:
    if rankings != len(benchmark):
        raise UsageError(f"{benchmark.name} has {len(benchmark)} queries, not {rankings}; give one ranking for each.")


def _sorted(query: ComposedQuery, scores: NDArray[Any]) -> Order:
    if np.isnan(scores).any():
        raise UsageError(f"The scores of query {query.id} hold values that are not numbers; mend what made them.")
    return descending(scores)


def _in_range(query: ComposedQuery, rows: NDArray[Any], gallery: Sequence[str]) -> Order:
    order = np.asarray(rows)
    if order.ndim != 1 or (order.size and not np.issubdtype(order.dtype, np.integer)):
        raise UsageError(f"The ranking of query {query.id} must be a row of whole numbers, best first.")
    if order.size and not (order.min() >= 0 and order.max() < len(gallery)):
        raise UsageError(f"The ranking of query {query.id} leaves the gallery; its rows are 0 to {len(gallery) - 1}.")
    values, times = np.unique(order, return_counts=True)
    if np.any(times > 1):
        raise _twice(query, gallery[values[times > 1][0]])
    return order.astype(np.int32)


def _numbered(benchmark: Benchmark, query: ComposedQuery, names: Sequence[str], numbers: Mapping[str, int]) -> Order:
    unknown = next((name for name in names if name not in numbers), None)
    if unknown is not None:
        raise UsageError(
            f"The ranking of query {query.id} names {unknown}, which is not in the gallery of {benchmark.name}."
        )
    twice = first_twice(names)
    if twice is not None:
        raise _twice(query, twice)
    return np.array([numbers[name] for name in names], np.int32)


def _twice(query: ComposedQuery, name: str) -> UsageError:
    return UsageError(f"The ranking of query {query.id} holds {name} twice; rank each picture once.")
