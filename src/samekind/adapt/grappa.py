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

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.adaptors import Adaptors
from samekind.adapt.insight import Losses
from samekind.adapt.kinds import flat_labels, granularities
from samekind.adapt.tokens import Tokens
from samekind.adapt.train import embed, train
from samekind.adapt.trunk import UpperViT
from samekind.encoders.experts import Experts
from samekind.encoders.rows import Array
from samekind.events import Chosen, Event, Progress
from samekind.tuning.experts import fit_experts
from samekind.tuning.nuisance import Rows, nearest_rows

SIZES = (128, 32, 8, 4)
"""Mean number of pictures in a cluster, one for each granularity."""
NEIGHBOURS = 3


@dataclass(frozen=True, eq=False)
class Trained:
    """``adaptors`` by name; ``look`` (n, d) and ``views`` (n, v, d) unit vectors of all pictures by the new network.

    ``labels`` (rows,) of each granularity: the clusters that were learned from; ``losses``: what learning had to pay.
    """

    adaptors: dict[str, Array]
    look: Array
    views: Array
    granularities: tuple[int, ...]
    labels: Sequence[NDArray[np.intp]]
    losses: Losses | None


def grappa(
    trunk: UpperViT,
    tokens: Tokens,
    plain: Array,
    mix: Experts,
    rows: Rows,
    seed: int,
) -> Generator[Event, None, Trained]:
    """Trains on ``rows`` of ``tokens``, which ``trunk`` goes on from; ``plain`` (n, d) are their vectors as yet.

    ``mix`` gives the space in which clusters and neighbours are sought; it must not have seen other rows.
    """
    space = mix.apply(plain[rows])
    labels = flat_labels(space, SIZES, seed)
    found = granularities(len(rows), SIZES)
    yield Chosen("granularities", ", ".join(map(str, found)) + " clusters", f"{len(rows):,} pictures")
    neighbours = nearest_rows(space, np.arange(len(rows)), NEIGHBOURS)
    adaptors = Adaptors(trunk.points, len(labels), seed)
    losses = yield from train(adaptors, trunk, tokens, rows, labels, neighbours, plain[rows], seed)
    adaptors.load(adaptors.to_numpy())
    everything = np.arange(len(plain))
    seen, views = [], tokens.array.shape[1]
    for view in range(views):
        yield Progress("looking again", view, views)
        seen.append(embed(adaptors, trunk, tokens, everything, view))
    yield Progress("looking again", views, views)
    return Trained(adaptors.to_numpy(), seen[0], np.stack(seen[1:], axis=1), found, labels, losses)


def mix_of(look: Array, views: Array, rows: Rows, viewed: Rows, seed: int) -> Experts:
    """The mix of experts on ``rows`` of adapted vectors, with the second views of some of them, ``viewed``."""
    some = np.sort(viewed)
    return fit_experts(look[rows], views[some], np.searchsorted(rows, some), np.random.default_rng(seed))
