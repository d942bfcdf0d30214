"""What a collection is made of: groups of like pictures at several granularities, found without labels.

Nested groups are for people: each kind is divided into finer ones, and a picture's way down the tree is its address,
such as 12/3/1. Flat groups, each granularity by itself, are for training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.rows import Array, unit_rows
from samekind.tuning.kmeans import Labels, nearest_centroid, shares, spherical_kmeans, sums_by_label

SIZES = (8192, 1024, 128, 32, 8)
"""Pictures in a kind, about, from the coarsest on; few enough kinds to look over at the top of any collection."""

FEWEST = 24
"""Fewer pictures than this have no kinds: 8 kinds of 3 is the least."""

_FEWEST_KINDS = 8
_LEAST_MEMBERS = 3
_APART = 1.8
_SEPARATOR = "/"


@dataclass(frozen=True, eq=False)
class Level:
    """The kinds of one granularity, in the order of the tree.

    ``addresses`` such as "12/3"; ``centroids`` (k, d) float32 unit rows; ``parents`` (k,) ascending, the place of each
    in the level above (0 at the top).
    """

    addresses: tuple[str, ...]
    centroids: Array
    parents: Labels

    def __len__(self) -> int:
        return len(self.addresses)


@dataclass(frozen=True, eq=False)
class Kinds:
    """A tree of kinds: ``levels`` from the coarsest to the finest, none where there were too few pictures."""

    levels: tuple[Level, ...]

    def assign(self, vectors: Array) -> tuple[Labels, ...]:
        """The kind of each of ``vectors`` (n, d) at each level, (n,): the nearest centroid inside the one above."""
        found: list[Labels] = []
        for level in self.levels:
            if not found:
                found.append(nearest_centroid(vectors, level.centroids)[0])
                continue
            labels = np.zeros(len(vectors), np.intp)
            for parent in np.unique(found[-1]):
                rows = np.flatnonzero(found[-1] == parent)
                first, end = np.searchsorted(level.parents, [parent, parent + 1])
                labels[rows] = first + nearest_centroid(vectors[rows], level.centroids[first:end])[0]
            found.append(labels)
        return tuple(found)

    def addresses(self, vectors: Array) -> list[str]:
        """The address of each of ``vectors`` (n, d) in the finest level."""
        finest = self.assign(vectors)[-1]
        return [self.levels[-1].addresses[label] for label in finest]

    def labels(self, addresses: Sequence[str]) -> tuple[Labels, ...]:
        """The kinds of pictures with these finest addresses, (n,) a level. Raises KeyError for one that is unknown."""
        found: list[Labels] = []
        for level in reversed(self.levels):
            if found:
                finer = self.levels[len(self.levels) - len(found)]
                found.append(finer.parents[found[-1]])
            else:
                place = {address: n for n, address in enumerate(level.addresses)}
                found.append(np.array([place[one] for one in addresses], np.intp))
        return tuple(reversed(found))


def granularities(n: int, sizes: Sequence[float] = (128, 32, 8, 4)) -> tuple[int, ...]:
    """How many kinds to seek among ``n`` pictures, from few to many: about n / size for each of ``sizes``.

    Each number is kept within 8 and n / 3, and left out where it is less than 1.8 times the one before; so few pictures
    have fewer granularities, and below ``FEWEST`` none.
    """
    found: list[int] = []
    for size in sorted(sizes, reverse=True):
        k = min(max(round(n / size), _FEWEST_KINDS), n // _LEAST_MEMBERS)
        if k >= _FEWEST_KINDS and (not found or k >= _APART * found[-1]):
            found.append(k)
    return tuple(found)


def find_kinds(vectors: Array, seed: int, sizes: Sequence[float] = SIZES) -> Kinds:
    """Nested kinds of ``vectors`` (n, d) float32 unit rows, at the ``granularities`` that ``sizes`` give.

    The coarsest by k-means; each finer one by k-means inside each kind above, which is divided in proportion to its
    pictures. Kinds are numbered from 1, the largest first, within the kind above.
    """
    levels: list[Level] = []
    above = [np.arange(len(vectors))]
    names = [""]
    for depth, k in enumerate(granularities(len(vectors), sizes)):
        groups, addresses, centroids, parents = [], [], [], []
        for parent, (rows, share) in enumerate(zip(above, shares([len(rows) for rows in above], k), strict=True)):
            found, labels = spherical_kmeans(vectors[rows], share, seed + 7919 * depth + parent)
            counts = np.bincount(labels, minlength=len(found))
            order = [n for n in np.argsort(-counts, kind="stable") if counts[n]]
            for number, n in enumerate(order, 1):
                groups.append(rows[labels == n])
                addresses.append(f"{names[parent]}{number}")
                centroids.append(found[n])
                parents.append(parent)
        levels.append(Level(tuple(addresses), np.stack(centroids), np.array(parents, np.intp)))
        above, names = groups, [f"{address}{_SEPARATOR}" for address in addresses]
    return Kinds(tuple(levels))


def flat_labels(vectors: Array, sizes: Sequence[float] = (128, 32, 8, 4), seed: int = 0) -> list[Labels]:
    """The label (n,) of each of ``vectors`` (n, d) at each granularity, each clustered by itself: not nested."""
    found = granularities(len(vectors), sizes)
    return [spherical_kmeans(vectors, k, seed + depth)[1] for depth, k in enumerate(found)]


def kinds_of(sums: Mapping[str, NDArray[np.float64]]) -> Kinds:
    """The tree that stored addresses make: for each finest address the sum (d,) of its pictures' unit vectors.

    The centroid of a kind at any level is the mean direction of its pictures.
    """
    addresses = sorted(sums, key=steps)
    below = np.stack([sums[one] for one in addresses]) if addresses else np.zeros((0, 1))
    levels: list[Level] = []
    while addresses:
        depth = len(steps(addresses[0]))
        above = list(dict.fromkeys(one.rpartition(_SEPARATOR)[0] for one in addresses))
        place = {one: n for n, one in enumerate(above)}
        parents = np.array([place[one.rpartition(_SEPARATOR)[0]] for one in addresses], np.intp)
        levels.append(Level(tuple(addresses), unit_rows(below), parents))
        if depth == 1:
            break
        below = np.stack([below[parents == n].sum(axis=0) for n in range(len(above))])
        addresses = above
    return Kinds(tuple(reversed(levels)))


def sums_of(vectors: Array, addresses: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """For each address the sum (d,) of its rows of ``vectors`` (n, d)."""
    held, labels = np.unique(np.array(addresses, np.str_), return_inverse=True)
    return dict(zip((str(one) for one in held), sums_by_label(vectors, labels, len(held)), strict=True))


def steps(address: str) -> tuple[int, ...]:
    """An address as numbers, by which addresses are put in order."""
    return tuple(int(one) for one in address.split(_SEPARATOR))


__all__ = [
    "FEWEST",
    "SIZES",
    "Kinds",
    "Level",
    "find_kinds",
    "flat_labels",
    "granularities",
    "kinds_of",
    "spherical_kmeans",
    "steps",
    "sums_of",
]
