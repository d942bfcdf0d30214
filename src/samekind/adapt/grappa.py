"""The method from top to bottom: granularity-aware adaptation without labels (Grappa, ECCV 2022), as it is built here.

1. Pseudo-labels: the pictures of all collections are clustered at several granularities, in the space of the
   closed-form mix of experts, where clusters are purer than in the plain one.
2. Adaptors: one set for each granularity, after the last two blocks of the frozen trunk. Each set learns to tell its
   clusters apart (normalised softmax), and that neighbours belong together (contrast within the batch; ours).
3. Fusion: all sets in one network. After each adapted block the mean of what they add. (The paper's attention over
   the sets is not built yet; on the sets measured the mean of the sets was as good as the best of them.)
4. The mix of experts is fitted again, to the adapted vectors.

Pictures that are held out take no part in 1 to 3, so the gate can judge what comes of it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.adaptors import Adaptors, Fusion, merged
from samekind.adapt.fusion import Attention, Mean, Query
from samekind.adapt.insight import Losses
from samekind.adapt.kinds import flat_labels, granularities
from samekind.adapt.tokens import Tokens
from samekind.adapt.train import Lesson, PairLoss, Pairs, attention_of, embed, train_fusion, train_sets
from samekind.adapt.trunk import UpperNetwork
from samekind.encoders.experts import Experts
from samekind.encoders.rows import Array
from samekind.events import Chosen, Event, Progress
from samekind.tuning.experts import fit_experts
from samekind.tuning.nuisance import Rows, nearest_rows

NEIGHBOURS = 3


@dataclass(frozen=True)
class Variant:
    """The choices within the method; those that stand are measured in `benchmarks/adapt.py`.

    ``sizes``: mean number of pictures in a cluster, one for each granularity. ``rounds``: how often clusters and
    neighbours are found again in the space that was trained. ``fusion``: the mean of the sets, attention over them
    and a null adaptor, or one set with the mean of all sets' parameters. ``query``: whether attention looks at the
    whole picture or at each token. ``pairs`` and ``pair_loss``: what the two of a pair are, and how they are compared.
    ``consistency`` and ``balance`` weigh the losses on the attention itself.
    """

    sizes: tuple[int, ...] = (128, 32, 8, 4)
    rounds: int = 1
    fusion: Literal["mean", "attention", "merged"] = "mean"
    query: Query = "picture"
    pairs: Pairs = "neighbours"
    pair_loss: PairLoss = "contrast"
    consistency: float = 0.0
    balance: float = 0.1


DEFAULT = Variant()


@dataclass(frozen=True, eq=False)
class Trained:
    """``adaptors`` by name; ``look`` (n, d) and ``views`` (n, v, d) unit vectors of all pictures by the new network.

    ``attention`` (n, points, sets + 1) where sets are fused by it, the null adaptor last. ``labels`` (rows,) of each
    granularity: the clusters that were learned from at last; ``losses``: what learning had to pay.
    """

    adaptors: dict[str, Array]
    look: Array
    views: Array
    granularities: tuple[int, ...]
    labels: Sequence[NDArray[np.intp]]
    losses: Losses | None
    attention: Array | None = None


def grappa(
    trunk: UpperNetwork,
    tokens: Tokens,
    plain: Array,
    mix: Experts,
    rows: Rows,
    seed: int,
    variant: Variant = DEFAULT,
) -> Generator[Event, None, Trained]:
    """Trains on ``rows`` of ``tokens``, which ``trunk`` goes on from; ``plain`` (n, d) are their vectors as yet.

    ``mix`` gives the space in which clusters and neighbours are sought at first; it must not have seen other rows.
    """
    found = granularities(len(rows), variant.sizes)
    yield Chosen("granularities", ", ".join(map(str, found)) + " clusters", f"{len(rows):,} pictures")
    space = mix.apply(plain[rows])
    for again in range(variant.rounds):
        lesson = Lesson(
            tokens,
            rows,
            flat_labels(space, variant.sizes, seed),
            nearest_rows(space, np.arange(len(rows)), NEIGHBOURS),
            plain[rows],
            variant.pairs,
            variant.pair_loss,
        )
        adaptors = Adaptors(trunk.points, len(lesson.labels), seed)
        losses = yield from train_sets(adaptors, trunk, lesson, seed)
        adaptors.load(adaptors.to_numpy())
        if again + 1 < variant.rounds:
            look, views = yield from _seen(adaptors, Mean(), trunk, tokens, rows)
            space = mix_of(look, views, np.arange(len(rows)), np.arange(len(rows)), seed).apply(look)
    fusion: Mean | Attention = Mean()
    if variant.fusion == "merged":
        adaptors = merged(adaptors)
    elif variant.fusion == "attention":
        fusion = Attention(adaptors, seed, variant.query)
        yield from train_fusion(fusion, trunk, lesson, seed, consistency=variant.consistency, balance=variant.balance)
    everything = np.arange(len(plain))
    look, views = yield from _seen(adaptors, fusion, trunk, tokens, everything)
    if isinstance(fusion, Mean):
        return Trained(adaptors.to_numpy(), look, views, found, lesson.labels, losses)
    shares = attention_of(fusion, trunk, tokens, everything)
    return Trained(fusion.exported(), look, views, found, lesson.labels, losses, shares)


def _seen(
    adaptors: Adaptors, fusion: Fusion, trunk: UpperNetwork, tokens: Tokens, rows: Rows
) -> Generator[Event, None, tuple[Array, Array]]:
    """Vectors (n, d) of pictures and (n, v, d) of their other views."""
    seen, views = [], tokens.array.shape[1]
    for view in range(views):
        yield Progress("looking again", view, views)
        seen.append(embed(adaptors, fusion, trunk, tokens, rows, view))
    yield Progress("looking again", views, views)
    return seen[0], np.stack(seen[1:], axis=1)


def mix_of(look: Array, views: Array, rows: Rows, viewed: Rows, seed: int) -> Experts:
    """The mix of experts on ``rows`` of adapted vectors, with the second views of some of them, ``viewed``."""
    some = np.sort(viewed)
    return fit_experts(look[rows], views[some], np.searchsorted(rows, some), np.random.default_rng(seed))
