"""The method from top to bottom: granularity-aware adaptation without labels (Grappa, ECCV 2022), as it is built here.

1. Pseudo-labels: the pictures of all collections are clustered at several granularities, in the space of the
   closed-form mix of experts, where clusters are purer than in the plain one.
2. Adaptors: one set for each granularity, at the last points of the frozen trunk. They learn how much pictures are
   alike: neighbours most, others by the number of granularities at which they share a cluster (list-wise loss; ours).
   Or, nearer to the paper, each set learns to tell its own clusters apart (normalised softmax), and all that neighbours
   belong together.
3. Fusion: all sets in one network. At each point the mean of what they add, or attention over them. Or one set is made
   of all, or they stay apart and their vectors stand side by side.
4. Sparing (ours): where adaptors did harm to a collection, attention learns to leave pictures like its own alone.
5. The mix of experts is fitted again, to the adapted vectors.
6. Pictures unlike all that were learned from keep their plain vectors (`reach.py`; ours).

Pictures that are held out take no part in any of it, so the gate can judge what comes of it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.adaptors import Adaptors, Fusion, SideBySide, merged, spherical_mean
from samekind.adapt.checkpoint import Checkpoint, remembered
from samekind.adapt.fusion import Attention, Mean, Query, guard
from samekind.adapt.insight import Losses
from samekind.adapt.kinds import granularities
from samekind.adapt.tokens import Tokens
from samekind.adapt.train import (
    Lesson,
    PairLoss,
    Pairs,
    asked_of,
    embed,
    train_fusion,
    train_sets,
)
from samekind.adapt.trunk import UpperNetwork
from samekind.adapt.watch import Watched
from samekind.encoders.experts import Experts
from samekind.encoders.rows import Array
from samekind.errors import UsageError
from samekind.events import Chosen, Event, Progress
from samekind.tuning.experts import fit_experts
from samekind.tuning.nuisance import Rows, nearest_rows

NEIGHBOURS = 3


@dataclass(frozen=True)
class Variant:
    """The choices within the method; those that stand are measured in `benchmarks/adapt.py`.

    ``sizes``: mean number of pictures in a cluster, one for each granularity. ``routed``: sets share the
    batches, else each sees everything. ``epochs`` of each round of training; clusters and neighbours are found anew
    before each, in the space of the one before. ``fusion``: the mean of the sets, attention over them and a null
    adaptor, one set with the mean of all sets' parameters ("merged") or with their spherical mean ("slerp"), or sets
    "apart", whose vectors side by side are sets * d wide. ``query``: whether attention looks at the whole picture or at
    each token. ``pairs``: what the two of a pair are. ``pair_loss``: how pictures are compared, "graded" by what they
    have in common at all granularities; with "contrast" or "redundancy" between the two of a pair each set also learns
    its own clusters.
    ``consistency`` and ``balance`` weigh the losses on the attention itself. ``lesson``: the kind of lesson, which
    clusters, draws and compares pictures.
    """

    sizes: tuple[int, ...] = (128, 32, 8, 4)
    routed: bool = True
    epochs: tuple[int, ...] = (3, 5)
    fusion: Literal["mean", "attention", "merged", "slerp", "apart"] = "mean"
    query: Query = "picture"
    pairs: Pairs = "neighbours"
    pair_loss: PairLoss = "graded"
    consistency: float = 0.0
    balance: float = 0.1
    lesson: type[Lesson] = Lesson


DEFAULT = Variant()


@dataclass(frozen=True, eq=False)
class Trained:
    """The ``sets`` of adaptors, and the ``tensors`` by name that make the fused network of them.

    By that network: ``look`` (n, d) of all pictures, ``views`` (m, v, d) of some, d as wide as the fusion makes it.
    ``labels`` (rows,) of each granularity: the clusters that were learned from at last; ``losses``: what learning had
    to pay; ``fusion``: the attention, where there is one.
    """

    sets: Adaptors
    tensors: dict[str, Array]
    look: Array
    views: Array
    labels: Sequence[NDArray[np.intp]]
    losses: Losses | None
    fusion: Attention | None = None


def grappa(
    trunk: UpperNetwork,
    tokens: Tokens,
    plain: Array,
    mix: Experts,
    rows: Rows,
    viewed: Rows,
    seed: int,
    variant: Variant = DEFAULT,
    taught: Array | None = None,
    watched: Watched | None = None,
) -> Generator[Event, None, Trained]:
    """Trains on ``rows`` of ``tokens``, which ``trunk`` goes on from; ``plain`` (n, d) are their vectors as yet.

    ``mix`` gives the space in which clusters and neighbours are sought at first; it must not have seen other rows.
    ``viewed`` are those of ``rows``, ascending, whose other views are looked at for a mix. ``taught`` (n, e) unit
    vectors of a teacher, whose likenesses are learned instead of what clusters say. ``watched``: pictures that
    say when a round is to stop.
    """
    found = granularities(len(rows), variant.sizes)
    yield Chosen("granularities", ", ".join(map(str, found)) + " clusters", f"{len(rows):,} pictures")
    space = mix.apply(plain[rows])
    reached: tuple[Adaptors, Losses | None, Lesson] | None = None
    for done, epochs in enumerate(variant.epochs, 1):
        lesson = variant.lesson(
            tokens,
            rows,
            variant.lesson.clustered(space, variant.sizes, seed),
            nearest_rows(space, np.arange(len(rows)), NEIGHBOURS),
            plain[rows],
            variant.pairs,
            variant.pair_loss,
            None if taught is None else taught[rows],
            watched,
        )
        alike = variant.fusion in ("merged", "slerp")
        sets = Adaptors(trunk.points, len(lesson.labels), seed, trunk.device, alike)
        untrained = sets.to_numpy()
        losses = yield from train_sets(sets, trunk, lesson, seed, epochs, variant.routed)
        if reached and all(np.array_equal(one, untrained[name]) for name, one in sets.to_numpy().items()):
            sets, losses, lesson = reached  # early stop went back to before the first epoch: the former round stands
            break
        sets.load(sets.to_numpy())
        reached = sets, losses, lesson
        if done < len(variant.epochs):
            kept = Checkpoint.of(tokens.folder, trunk.device, rows, viewed, tokens.usable, *sets.to_numpy().values())
            look, views = yield from remembered(kept, _seen(sets, Mean(), trunk, tokens, rows, viewed))
            space = mix_of(look, views, np.arange(len(rows)), np.searchsorted(rows, viewed), seed).apply(look)
    fusion: Mean | Attention = Mean()
    match variant.fusion:
        case "merged":
            sets = merged(sets)
        case "slerp":
            sets = merged(sets, spherical_mean)
        case "apart":
            sets = SideBySide(sets)
        case "attention":
            fusion = Attention(sets, seed, variant.query)
            yield from train_fusion(
                fusion, trunk, lesson, seed, consistency=variant.consistency, balance=variant.balance
            )
            fusion.load(fusion.to_numpy())
    look, views = yield from _seen(sets, fusion, trunk, tokens, np.arange(len(plain)), viewed)
    attention = fusion if isinstance(fusion, Attention) else None
    return Trained(sets, (attention or sets).exported(), look, views, lesson.labels, losses, attention)


def spare(
    trained: Trained, trunk: UpperNetwork, tokens: Tokens, rows: Rows, viewed: Rows, spared: NDArray[np.bool_]
) -> Generator[Event, None, Trained]:
    """The same with attention that leaves pictures like those that are ``spared`` (n,) as they were.

    It is learned from ``rows``; other arguments as for ``grappa``. Raises UsageError for sets that stay apart, over
    which there is no attention.
    """
    if isinstance(trained.sets, SideBySide):
        raise UsageError("Sets that stay apart can spare no pictures; take another fusion.")
    fusion = guard(trained.sets, asked_of(trained.sets, trunk, tokens, rows, spared[rows]), spared[rows])
    everything = np.arange(len(spared))
    look, views = yield from _seen(trained.sets, fusion, trunk, tokens, everything, viewed)
    return replace(trained, tensors=fusion.exported(), look=look, views=views, fusion=fusion)


def mix_of(look: Array, views: Array, rows: Rows, viewed: Rows, seed: int) -> Experts:
    """The mix of experts on ``rows`` of adapted vectors (n, d), with other ``views`` (m, v, d) of some, ``viewed``."""
    return fit_experts(look[rows], views, np.searchsorted(rows, viewed), np.random.default_rng(seed))


def _seen(
    sets: Adaptors, fusion: Fusion, trunk: UpperNetwork, tokens: Tokens, rows: Rows, viewed: Rows
) -> Generator[Event, None, tuple[Array, Array]]:
    """Vectors (n, d) of pictures, and (m, v, d) of the other views of some."""
    views, seen = tokens.array.shape[1], []
    for view in range(views):
        yield Progress("looking again", view, views)
        seen.append(embed(sets, fusion, trunk, tokens, viewed if view else rows, view))
    yield Progress("looking again", views, views)
    return seen[0], np.stack(seen[1:], axis=1)
