"""Lessons that might be better than the one that stands; `benchmarks/beyond.py` measures them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.adapt import losses
from samekind.adapt.checkpoint import Checkpoint
from samekind.adapt.descent import Descent
from samekind.adapt.processes import Share
from samekind.adapt.torches import torch
from samekind.adapt.train import BATCH, Lesson
from samekind.adapt.trunk import UpperNetwork
from samekind.encoders.rows import Array, unit_rows
from samekind.tuning.nuisance import Rows


class Other(Lesson):
    """One whose code is not the product's."""

    def checkpoint(self, descent: Descent, tensors: Sequence[Any], *choices: Any) -> Checkpoint:
        """Taken up by the same code only."""
        return super().checkpoint(descent, tensors, inspect.getsource(type(self)), *choices)


class Averaged(Other):
    """Soft labels: each granularity is clustered from several seeds, (n, seeds); grades are means over the seeds."""

    SEEDS, APART = 5, 1000

    @staticmethod
    def clustered(space: Array, sizes: Sequence[float], seed: int) -> list[NDArray[np.intp]]:
        """The labels by every seed side by side."""
        seeds = [seed + Averaged.APART * at for at in range(Averaged.SEEDS)]
        every = [Lesson.clustered(space, sizes, one) for one in seeds]
        return [np.stack(one, axis=1) for one in zip(*every, strict=True)]

    def grades(self, some: Rows, partners: Rows) -> NDArray[np.float32]:
        """(b, b): the mean number of common clusters."""
        alike = sum((each[some][:, None] == each[partners]).mean(axis=2) for each in self.labels)
        return np.float32(alike + len(self.labels) * np.eye(len(some)))


@dataclass(frozen=True, eq=False)
class EarlyLearning(Other):
    """Early-learning regularisation (ELR, Liu and others, 2020), for lists instead of classes (ours).

    A picture's prediction is how much alike it finds the partners of a batch, of which no two batches have the same. So
    the moving average is one of its vectors, (n, d); the target over a batch is what such averages find alike there.
    """

    MEMORY, WEIGHT = 0.7, 3.0
    memory: Array = field(init=False)

    def __post_init__(self) -> None:
        """With nothing remembered."""
        object.__setattr__(self, "memory", np.zeros_like(self.start))

    def compared(self, ours: Any, theirs: Any, some: Rows, partners: Rows) -> Any:
        """The usual loss, and log(1 - <target, prediction>)."""
        for rows, seen in ((partners, theirs), (some, ours)):
            now = seen.detach().float().cpu().numpy()
            self.memory[rows] = self.MEMORY * self.memory[rows] + (1 - self.MEMORY) * now
        known = torch().from_numpy(unit_rows(self.memory[some]) @ unit_rows(self.memory[partners]).T).to(ours.device)
        target = (known / losses.PAIR_TEMPERATURE).softmax(1)
        said = (ours @ theirs.T / losses.PAIR_TEMPERATURE).softmax(1)
        term = (1 - (target * said).sum(1).clamp_max(1 - 1e-4)).log().mean()
        return super().compared(ours, theirs, some, partners) + self.WEIGHT * term

    def checkpoint(self, descent: Descent, tensors: Sequence[Any], *choices: Any) -> Checkpoint:
        """One that no other run takes up: what is remembered is not in it."""
        return super().checkpoint(descent, tensors, np.random.default_rng().random(), *choices)


class Topics(Other):
    """Batches by topic (TAS-B, 2021): four fifths of each from clusters of one granularity, the rest by chance."""

    LEVEL, BY_CHANCE = 0, 0.2

    def order(self, rng: np.random.Generator) -> Rows:
        """Each picture once, clusters one after the other; within a batch by chance."""
        labels, order = self.labels[self.LEVEL], super().order(rng)
        places = rng.permutation(labels.max() + 1)
        order = order[np.argsort(places[labels[order]], kind="stable")]
        some = np.flatnonzero(rng.random(len(order)) < self.BY_CHANCE)
        order[some] = rng.permutation(order[some])
        whole = order[: len(order) // BATCH * BATCH].reshape(-1, BATCH)
        return rng.permuted(whole, axis=1).ravel()


class FinerTopics(Topics):
    """The same by the next finer granularity: a batch has three or four clusters of about 32."""

    LEVEL = 1


class Tempered(Other):
    """Pictures of large clusters are drawn less often: with a chance in proportion to size^(POWER - 1)."""

    POWER = 0.5

    def order(self, rng: np.random.Generator) -> Rows:
        """As many as there are; each as often as its chance says, but for what is rounded (systematic sampling)."""
        sizes = np.bincount(self.labels[0])[self.labels[0]]
        chances = np.cumsum(sizes ** (self.POWER - 1))
        wanted = (np.arange(len(sizes)) + rng.random()) / len(sizes) * chances[-1]
        return rng.permutation(np.searchsorted(chances, wanted))


class Nested(Other):
    """The loss also on the first half and the first quarter of the numbers (Matryoshka, 2022): the mean of three."""

    def compared(self, ours: Any, theirs: Any, some: Rows, partners: Rows) -> Any:
        """Each prefix a unit vector of its own."""
        normalize, found = torch().nn.functional.normalize, []
        for width in (ours.shape[1], ours.shape[1] // 2, ours.shape[1] // 4):
            both = (normalize(one[:, :width], dim=-1) for one in (ours, theirs))
            found.append(super().compared(*both, some, partners))
        return sum(found) / len(found)


class Consistent(Other):
    """Views must find the same alike (UDA, 2020, without its threshold): a third side, half as much work again."""

    SHARPENED = 0.4

    def drawn(self, some: Rows, trunk: UpperNetwork, rng: np.random.Generator, share: Share) -> tuple[Any, Any, Rows]:
        """Two views of each picture in turn (2m, t, d), and partners (m, t, d)."""
        first, second, _ = Lesson.drawn(replace(self, pairs="views"), some, trunk, rng, share)
        _, theirs, partners = super().drawn(some, trunk, rng, share)
        return torch().stack([first, second], 1).flatten(0, 1), theirs, partners

    def compared(self, ours: Any, theirs: Any, some: Rows, partners: Rows) -> Any:
        """The usual loss of one view, and the divergence of the other's softmax from its sharpened one."""
        first, second = ours[0::2], ours[1::2]
        wanted = (first.detach() @ theirs.detach().T / losses.PAIR_TEMPERATURE / self.SHARPENED).log_softmax(1)
        said = (second @ theirs.T / losses.PAIR_TEMPERATURE).log_softmax(1)
        apart = torch().nn.functional.kl_div(said, wanted, reduction="batchmean", log_target=True)
        return super().compared(first, theirs, some, partners) + apart


class Shallow(UpperNetwork):
    """The same network with fewer points, the last ones, over the same tokens."""

    def __init__(self, whole: UpperNetwork, points: int) -> None:
        """``points``: how many are left."""
        self.whole, self.device, self.shape, self.droppable = whole, whole.device, whole.shape, whole.droppable
        self.points = dict([*whole.points.items()][-points:])

    def run(self, tokens: Any, adapt: Any) -> Any:
        """Vectors (n, d), adapted at the points that are left."""
        return self.whole.run(tokens, lambda x, point: adapt(x, point) if point in self.points else x)
