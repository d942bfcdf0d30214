"""What can be told of an adaptation afterwards: clusters, attention, losses, neighbours before and after.

Small frozen records without arrays, ready for a report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.gate import Fold, Space
from samekind.adapt.realign import Words
from samekind.encoders.base import Part
from samekind.encoders.experts import Experts
from samekind.encoders.rows import Array, split_parts
from samekind.events import Skipped
from samekind.tuning.nuisance import Rows

SHOWN = 5
"""Neighbours in an example."""
_EXAMPLES, _POINTS, _ASKED = 8, 60, 5_000


@dataclass(frozen=True)
class Clusters:
    """One granularity: ``sizes`` from the largest on; ``purity``: the share of pictures in a cluster that is mostly of
    their own collection; ``chance``: the share of the largest collection, which any clustering reaches."""

    sizes: tuple[int, ...]
    purity: float
    chance: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"clusters": len(self.sizes), **asdict(self)}


@dataclass(frozen=True)
class Losses:
    """What each set of adaptors had to pay, a curve a set: mean loss between one of ``steps`` and the next."""

    steps: tuple[int, ...]
    sets: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Attention:
    """How a mix of experts shares itself out: ``levels`` groups at each granularity of one ``part`` of a vector.

    By collection: the mean ``shares`` of all groups, level after level, each level with the sum 1; ``used`` groups in
    effect at each level (exp of the entropy of the mean share) and ``used_by_one`` picture (exp of its mean entropy).
    """

    part: str
    levels: tuple[int, ...]
    shares: Mapping[str, tuple[float, ...]]
    used: Mapping[str, tuple[float, ...]]
    used_by_one: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Neighbour:
    """A picture and the collection that it is from."""

    collection: str
    file: Path


@dataclass(frozen=True)
class Example:
    """A held-out picture and its nearest ones: ``before`` in its own collection, tuned by itself; ``after`` in all."""

    query: Neighbour
    before: tuple[Neighbour, ...]
    after: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Growth:
    """What was added to the encoder in the folder ``grown_from``, by collection: the share of ``new`` pictures that are
    taken for new, the number of ``kept`` ones, none of which is, and the share of ``kept_views`` that are."""

    grown_from: str
    new: Mapping[str, float]
    kept: Mapping[str, int]
    kept_views: Mapping[str, float]


@dataclass(frozen=True)
class Insight:
    """Everything of it. ``trained_on`` clusters from the coarsest on and ``losses`` are there where adaptors were
    trained, ``groups`` and ``attention`` where a mix of experts was fitted; ``token_bytes`` were on disk meanwhile.

    ``spared``: collections whose pictures the adaptors leave alone, since to a second network they got worse.
    ``shown`` says whose neighbours the examples show: "training", "experts" or "grown". ``settings``: those of the
    training. ``words`` is there where the base has some, ``growth`` where collections were added to an encoder.
    """

    spared: tuple[str, ...] = ()
    trained_on: tuple[Clusters, ...] = ()
    losses: Losses | None = None
    groups: tuple[Clusters, ...] = ()
    attention: tuple[Attention, ...] = ()
    examples: tuple[Example, ...] = ()
    shown: str = ""
    skipped: tuple[Skipped, ...] = ()
    words: Words | None = None
    token_bytes: int = 0
    settings: Mapping[str, str | int | float] = field(default_factory=dict)
    growth: Growth | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; files as text."""

        def told(one: Neighbour) -> dict[str, str]:
            return {"collection": one.collection, "file": str(one.file)}

        return {
            "spared": list(self.spared),
            "trained_on": [one.to_dict() for one in self.trained_on],
            "losses": None if self.losses is None else asdict(self.losses),
            "groups": [one.to_dict() for one in self.groups],
            "attention": [asdict(one) for one in self.attention],
            "examples": [
                {"query": told(one.query), "before": [*map(told, one.before)], "after": [*map(told, one.after)]}
                for one in self.examples
            ],
            "examples_of": self.shown,
            "skipped": [asdict(one) for one in self.skipped],
            "words": self.words.to_dict() if self.words else None,
            "token_cache_bytes": self.token_bytes,
            "settings": dict(self.settings),
            "grown_from": self.growth.grown_from if self.growth else None,
            "growth": asdict(self.growth) if self.growth else None,
        }


def clusters_of(labels: NDArray[np.intp], collections: NDArray[np.intp]) -> Clusters:
    """``labels`` (n,) of one granularity and the ``collections`` (n,) that the pictures are from, both from 0 on."""
    table = np.zeros((int(labels.max()) + 1, int(collections.max()) + 1), np.int64)
    np.add.at(table, (labels, collections), 1)
    sizes = np.sort(table.sum(axis=1))[::-1]
    return Clusters(
        tuple(sizes[sizes > 0].tolist()),
        float(table.max(axis=1).sum() / len(labels)),
        float(table.sum(axis=0).max() / len(labels)),
    )


def losses_of(paid: Sequence[Sequence[float]]) -> Losses | None:
    """Losses step by step, one for each set, as curves of at most so many points; None where no step was made."""
    if not paid:
        return None
    parts = np.array_split(np.asarray(paid, np.float64), min(_POINTS, len(paid)))
    ends = np.cumsum([len(part) for part in parts])
    means = np.stack([part.mean(axis=0) for part in parts])
    return Losses(tuple(ends.tolist()), tuple(tuple(round(one, 4) for one in each) for each in means.T.tolist()))


def attention_of(
    mixes: Sequence[Experts], parts: Sequence[Part], vectors: Mapping[str, Array]
) -> tuple[tuple[Attention, ...], tuple[Clusters, ...]]:
    """The experts' shares by collection, and their groups as clusters; ``vectors`` (n, d) by collection, as the mixes
    take them. Of large collections every so-maniest picture counts."""
    some = {name: split_parts(parts, found[:: -(-len(found) // _ASKED)]) for name, found in vectors.items()}
    attention, groups = [], []
    numbers = np.repeat(np.arange(len(some)), [len(pieces[0]) for pieces in some.values()])
    for at, (mix, part) in enumerate(zip(mixes, parts, strict=True)):
        seen = {name: mix.attention(pieces[at]) * np.float32(len(mix.levels)) for name, pieces in some.items()}
        ends = np.cumsum(mix.levels)[:-1]
        cut = {name: np.split(one, ends, axis=1) for name, one in seen.items()}
        attention.append(
            Attention(
                part.name,
                mix.levels,
                {name: tuple(round(x, 4) for x in one.mean(axis=0).tolist()) for name, one in seen.items()},
                {name: tuple(_in_effect(level.mean(axis=0)[None]) for level in one) for name, one in cut.items()},
                {name: tuple(_in_effect(level) for level in one) for name, one in cut.items()},
            )
        )
        groups += [
            clusters_of(np.concatenate([one[level].argmax(axis=1) for one in cut.values()]), numbers)
            for level in np.argsort(mix.levels, kind="stable")
        ]
    return tuple(attention), tuple(groups)


def examples_of(names: Sequence[str], files: Sequence[Sequence[Path]], fold: Fold, seed: int) -> tuple[Example, ...]:
    """Of the held-out pictures of a fold those whose neighbours changed most, as many of each collection."""
    each = max(1, _EXAMPLES // len(names))
    rng = np.random.default_rng(seed)
    every = [Neighbour(names[at], file) for at, some in enumerate(files) for file in some]
    starts = np.cumsum([0, *(len(one) for one in files[:-1])])
    found = []
    for at, (old, new) in enumerate(zip(*fold, strict=True)):
        rows = rng.permutation(np.unique(old.rows))
        was = starts[at] + _nearest([old], old.vectors[rows], rows)
        now = _nearest(fold[1], new.vectors[rows], starts[at] + rows)
        same = (was[:, :, None] == now[:, None]).any(axis=2).sum(axis=1)
        for one in np.argsort(same, kind="stable")[:each]:
            if same[one] == was.shape[1]:
                continue
            query = every[starts[at] + rows[one]]
            found.append(Example(query, tuple(every[n] for n in was[one]), tuple(every[n] for n in now[one])))
    return tuple(found[:_EXAMPLES])


def _nearest(spaces: Sequence[Space], asked: Array, left_out: Rows) -> Rows:
    """(q, SHOWN) rows of all spaces laid end to end, nearest first."""
    scores = np.hstack([asked @ one.vectors.T for one in spaces])
    scores[np.arange(len(asked)), left_out] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, : min(SHOWN, scores.shape[1] - 1)]


def _in_effect(shares: Array) -> float:
    """exp of the mean entropy of rows of shares: 1 where all is on one group."""
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=1)
    return round(float(np.exp(entropy.mean())), 3)
