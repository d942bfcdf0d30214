"""Training over the kept tokens: the sets of adaptors, and attention that fuses them where that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from samekind.adapt import losses, processes
from samekind.adapt.adaptors import Adaptors, Fusion
from samekind.adapt.checkpoint import Checkpoint
from samekind.adapt.descent import Descent
from samekind.adapt.fusion import Attention, Heard, Mean, SparingMean
from samekind.adapt.insight import Losses, losses_of
from samekind.adapt.kinds import flat_labels
from samekind.adapt.processes import Share
from samekind.adapt.tokens import Tokens
from samekind.adapt.torches import autocast, torch
from samekind.adapt.trunk import UpperNetwork
from samekind.adapt.watch import Watch, Watched
from samekind.encoders.rows import Array
from samekind.errors import UsageError
from samekind.events import Event
from samekind.tuning.nuisance import Rows

BATCH, RATE = 128, 1e-3
FUSION_EPOCHS = 2
LOOK = 8
"""Pictures that a processor looks at together: what a block gives stays in its cache for the next. GPUs take BATCH."""
PATCHES = 64
"""Patch tokens that a step looks at where the trunk allows it, drawn anew for each batch, besides the class token."""
CLUSTER_WEIGHT = 0.5
DRIFT_WEIGHT = 0.01

Pairs = Literal["neighbours", "views"]
PairLoss = Literal["contrast", "redundancy", "graded"]
_PAIR_LOSSES: dict[PairLoss, Callable[[Any, Any], Any]] = {
    "contrast": losses.contrast,
    "redundancy": losses.redundancy_reduction,
}


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learned from: ``rows`` (n,) of ``tokens``, numbers of usable pictures.

    ``labels[i]`` (n,) is pseudo-granularity i, ``neighbours`` (n, k) are positions within ``rows``, and ``start``
    (n, d) the vectors before training. Two pictures are a pair where one is a neighbour of the other, or with ``pairs``
    "views" where they are views of the same one. ``pair_loss`` "graded": pictures are as much alike as their ``grades``
    say; else the two of a pair are compared, and set i also tells the clusters of granularity i apart, their means
    before training as the first prototypes. ``taught`` (n, e), a teacher's unit vectors: its likenesses are learned
    instead of all that. ``watched``: pictures that say when to stop (`watch.py`); None: nobody does.
    """

    tokens: Tokens
    rows: Rows
    labels: Sequence[NDArray[np.intp]]
    neighbours: Rows
    start: Array
    pairs: Pairs = "neighbours"
    pair_loss: PairLoss = "graded"
    taught: Array | None = None
    watched: Watched | None = None

    def drawn(self, some: Rows, trunk: UpperNetwork, rng: np.random.Generator, share: Share) -> tuple[Any, Any, Rows]:
        """Tokens of pictures and of their partners, each in a view by chance: two (m, t, d), the ``share`` of them.

        Where the ``trunk`` lets patches be dropped, the first token and PATCHES others. Last the positions (b,) of all
        partners within ``rows``.
        """
        count = self.tokens.array.shape[2] - 1
        patches: Rows | slice = slice(None)
        if trunk.droppable:
            patches = np.concatenate([[0], 1 + rng.choice(count, min(PATCHES, count), replace=False)])
        partners = some
        if self.pairs == "neighbours":
            partners = self.neighbours[some, rng.integers(0, self.neighbours.shape[1], len(some))]
        ours, theirs = rng.integers(0, self.tokens.array.shape[1], (2, len(some)))
        if self.pairs == "views":
            theirs = (ours + 1 + theirs % (self.tokens.array.shape[1] - 1)) % self.tokens.array.shape[1]
        sides = (some, ours), (partners, theirs)
        first, second = (self._read(share.of(rows), share.of(views), patches, trunk.device) for rows, views in sides)
        return first, second, partners

    def compared(self, ours: Any, theirs: Any, some: Rows, partners: Rows) -> Any:
        """The pair loss of a batch's unit vectors (b, d) and their partners' -> ()."""
        if self.taught is not None:
            likenesses = torch().from_numpy(self.taught[some] @ self.taught[partners].T)
            return losses.taught(ours, theirs, likenesses.to(ours.device))
        if self.pair_loss != "graded":
            return _PAIR_LOSSES[self.pair_loss](ours, theirs)
        return losses.graded(ours, theirs, torch().from_numpy(self.grades(some, partners)).to(ours.device))

    @staticmethod
    def clustered(space: Array, sizes: Sequence[float], seed: int) -> list[NDArray[np.intp]]:
        """The ``labels`` of pictures whose vectors are ``space`` (n, d)."""
        return flat_labels(space, sizes, seed)

    def order(self, rng: np.random.Generator) -> Rows:
        """(n,) positions within ``rows``, as they are drawn in an epoch: each once."""
        return rng.permutation(len(self.rows))

    @property
    def has_clusters(self) -> bool:
        """Whether each set tells clusters apart beside what pairs say."""
        return self.taught is None and self.pair_loss != "graded"

    def grades(self, some: Rows, partners: Rows) -> NDArray[np.float32]:
        """(b, b): in how many granularities a picture and a partner are of one cluster; all more for its own one."""
        alike = sum((each[some][:, None] == each[partners] for each in self.labels), np.zeros((len(some),) * 2))
        return (alike + len(self.labels) * np.eye(len(some))).astype(np.float32)

    def told(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What another process wants to learn the same: arrays and choices, for ``heard``."""
        labels = {f"labels.{at}": each for at, each in enumerate(self.labels)}
        arrays = {"rows": self.rows, "neighbours": self.neighbours, "start": self.start, **labels}
        arrays |= {} if self.taught is None else {"taught": self.taught}
        return arrays, {"pairs": self.pairs, "pair_loss": self.pair_loss}

    @staticmethod
    def heard(tokens: Tokens, arrays: Mapping[str, Any], choices: Mapping[str, Any]) -> Lesson:
        """The lesson that was ``told``, over the same tokens."""
        labels = [arrays[f"labels.{at}"] for at in range(sum(name.startswith("labels.") for name in arrays))]
        known = arrays["rows"], labels, arrays["neighbours"], arrays["start"]
        return Lesson(tokens, *known, taught=arrays.get("taught"), **choices)

    def call(self, task: str, tensors: Mapping[str, Any], **choices: Any) -> None:
        """Calls other processes, where there are any, to the same lesson. UsageError for one that they do not know."""
        if processes.count() > 1 and type(self) is not Lesson:
            raise UsageError("A lesson of one's own is learned in one process; start it without torchrun.")
        if processes.count() > 1 and processes.leads():
            arrays, lesson = self.told()
            arrays |= {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
            processes.call(task, arrays, folder=str(self.tokens.folder), lesson=lesson, **choices)

    def checkpoint(self, descent: Descent, tensors: Sequence[Any], *choices: Any) -> Checkpoint:
        """Where a descent from these tensors over this lesson keeps what it has reached."""
        return Checkpoint.of(
            self.tokens.folder,
            type(self).__qualname__,
            (descent, self.pairs, self.pair_loss, PATCHES, CLUSTER_WEIGHT, DRIFT_WEIGHT, *choices),
            *(self.tokens.usable, self.rows, *self.labels, self.neighbours, self.start),
            *(() if self.watched is None else self.watched.arrays()),
            *(() if self.taught is None else (self.taught,)),
            *(tensor.detach().cpu().numpy() for tensor in tensors),
        )

    def _read(self, some: Rows, views: Rows, patches: Rows | slice, device: str) -> Any:
        return torch().from_numpy(self.tokens.read(self.rows[some], views, patches)).to(device)


def train_sets(
    adaptors: Adaptors, trunk: UpperNetwork, lesson: Lesson, seed: int, epochs: int, routed: bool = True
) -> Generator[Event, None, Losses | None]:
    """Trains all sets of ``adaptors`` in place, each on its own clusters and all on the pairs.

    Unless it ``has_clusters`` all sets learn the same: how much alike pictures are. ``routed``: each batch
    is divided among the sets, and each picture is compared with all of the batch, so that the sets learn one space at
    the cost of one of them. Else every set sees every picture, in a stream of its own. Returns what each set had to
    pay, or all of them together where they learn the same from shared batches.
    """
    lesson.call("sets", {}, sets=adaptors.sets, seed=seed, epochs=epochs, routed=routed)
    share = Share(adaptors.sets if routed else 1)
    before = torch().from_numpy(lesson.start).to(trunk.device)
    mean = before.mean(0)
    clusters = lesson.labels if lesson.has_clusters else []
    prototypes = [_means(_centred(before, mean), each) for each in clusters]
    known = [torch().from_numpy(each).to(trunk.device) for each in clusters]

    def apart(some: Rows, rng: np.random.Generator) -> list[Any]:
        *sides, partners = lesson.drawn(some, trunk, rng, share)
        each = (_centred(adaptors.apart(trunk, seen), mean).movedim(1, 0) for seen in sides)
        ours, theirs = (share.whole(one).movedim(0, 1) for one in each)
        pairs = [lesson.compared(*both, some, partners) for both in zip(ours, theirs, strict=True)]
        if not lesson.has_clusters:
            return pairs
        return [
            pairs[one] + CLUSTER_WEIGHT * losses.normalised_softmax(ours[one], kinds, label[some])
            for one, (kinds, label) in enumerate(zip(prototypes, known, strict=True))
        ]

    def shared(some: Rows, rng: np.random.Generator) -> list[Any]:
        *sides, partners = lesson.drawn(some, trunk, rng, share)
        ours, theirs = (share.whole(_centred(adaptors.routed(trunk, seen), mean)) for seen in sides)
        pairs = lesson.compared(ours, theirs, some, partners)
        if not lesson.has_clusters:
            return [pairs]
        each = zip(ours.chunk(adaptors.sets), np.split(some, adaptors.sets), prototypes, known, strict=True)
        found = [losses.normalised_softmax(part, kinds, label[rows]) for part, rows, kinds, label in each]
        return [(pairs + CLUSTER_WEIGHT * one) / adaptors.sets for one in found]

    parameters = [*adaptors.tensors.values(), *prototypes]
    descent = Descent("training", epochs, _batch(len(lesson.rows), adaptors.sets), adaptors.sets**0.5, RATE, seed)
    kept = lesson.checkpoint(descent, parameters, trunk.points, trunk.device, routed)
    watch = None
    if lesson.watched is not None:
        watch = Watch(partial(_glance, adaptors, trunk, lesson.tokens), lesson.watched)
    loss = shared if routed else apart
    return losses_of((yield from descent.run(parameters, loss, len(lesson.rows), lesson.order, kept, watch)))


def train_fusion(
    fusion: Attention,
    trunk: UpperNetwork,
    lesson: Lesson,
    seed: int,
    *,
    consistency: float = 0.0,
    balance: float = 0.1,
) -> Generator[Event, None, None]:
    """Trains the attention in place, its adaptors frozen: under it, the two of a pair must look alike.

    ``consistency`` weighs the difference of a pair's attentions, ``balance`` the use of all sets.
    """
    lesson.call(
        "fusion",
        {f"adaptors.{name}": tensor for name, tensor in fusion.adaptors.tensors.items()},
        sets=fusion.adaptors.sets,
        query=fusion.query,
        seed=seed,
        consistency=consistency,
        balance=balance,
    )
    share = Share()
    mean = torch().from_numpy(lesson.start).to(trunk.device).mean(0)
    for tensor in fusion.adaptors.tensors.values():
        tensor.requires_grad_(False)

    def loss(some: Rows, rng: np.random.Generator) -> list[Any]:
        sides, heard = [], []
        *seen_by, partners = lesson.drawn(some, trunk, rng, share)
        for seen in seen_by:
            hearing = Heard(fusion)
            sides.append(share.whole(_centred(fusion.adaptors.fused(trunk, seen, hearing), mean)))
            heard.append(share.whole(hearing.attention()))
        found = lesson.compared(sides[0], sides[1], some, partners) + DRIFT_WEIGHT * fusion.drift()
        for ours, theirs in zip(*(each.unbind(1) for each in heard), strict=True):
            found = found + consistency * losses.attention_consistency(ours, theirs)
            found = found + balance * losses.attention_balance(ours)
        return [found]

    descent = Descent("fusing", FUSION_EPOCHS, _batch(len(lesson.rows), 1), 1.0, RATE, seed)
    parameters = list(fusion.tensors.values())
    everything = [*parameters, *fusion.adaptors.tensors.values()]
    kept = lesson.checkpoint(descent, everything, trunk.points, trunk.device, fusion.query, consistency, balance)
    yield from descent.run(parameters, loss, len(lesson.rows), lesson.order, kept)


def embed(
    adaptors: Adaptors,
    fusion: Fusion,
    trunk: UpperNetwork,
    tokens: Tokens,
    rows: Rows,
    view: int,
    patches: Rows | slice = slice(None),
) -> Array:
    """(n, d) unit vectors of ``rows`` in one view, by the fused network; from some ``patches`` where it allows that."""

    def vectors(seen: Any, _: slice) -> list[Any]:
        return [torch().nn.functional.normalize(adaptors.fused(trunk, seen, fusion).float(), dim=-1)]

    return _through(vectors, trunk, tokens, rows, view, patches)[0]


def shares_of(fusion: Attention, trunk: UpperNetwork, tokens: Tokens, rows: Rows) -> Array:
    """(n, points, sets + 1): how the pictures' attention is shared at each point, the null adaptor last."""

    def heard(seen: Any, _: slice) -> list[Any]:
        hearing = Heard(fusion)
        fusion.adaptors.fused(trunk, seen, hearing)
        return [hearing.attention()]

    return _through(heard, trunk, tokens, rows, 0)[0]


def asked_of(
    adaptors: Adaptors, trunk: UpperNetwork, tokens: Tokens, rows: Rows, spared: NDArray[np.bool_]
) -> dict[str, Array]:
    """For each point (n, d): what pictures ask an attention with there, those that are ``spared`` (n,) unadapted."""

    def asked(seen: Any, some: slice) -> list[Any]:
        fusion = SparingMean(torch().from_numpy(spared[some]).to(trunk.device))
        adaptors.fused(trunk, seen, fusion)
        return fusion.asked()

    return dict(zip(trunk.points, _through(asked, trunk, tokens, rows, 0), strict=True))


def _glance(adaptors: Adaptors, trunk: UpperNetwork, tokens: Tokens, rows: Rows, view: int) -> Array:
    """(m, d) unit vectors of some pictures by the sets' mean, with no more patches than a step has."""
    patches: Rows | slice = slice(None)
    if trunk.droppable:
        count = trunk.shape[0] - 1
        patches = np.concatenate([[0], np.arange(1, 1 + count, max(1, -(-count // PATCHES)))])
    return embed(adaptors, Mean(), trunk, tokens, rows, view, patches)


def _through(
    look: Callable[[Any, slice], Sequence[Any]],
    trunk: UpperNetwork,
    tokens: Tokens,
    rows: Rows,
    view: int,
    patches: Rows | slice = slice(None),
) -> list[Array]:
    """What ``look`` makes of the tokens of ``rows``, batch by batch; it is told which of them the batch has."""
    found: list[list[Array]] = []
    with torch().inference_mode(), autocast(trunk.device):
        step = LOOK if trunk.device == "cpu" else BATCH
        for start in range(0, len(rows), step):
            some = slice(start, start + step)
            seen = torch().from_numpy(tokens.read(rows[some], np.full(len(rows[some]), view), patches))
            found.append([one.float().cpu().numpy() for one in look(seen.to(trunk.device), some)])
    return [np.concatenate(each) for each in zip(*found, strict=True)]


def _batch(pictures: int, parts: int) -> int:
    """At most BATCH of the pictures, in parts of the same size, of which each process does an equal share."""
    unit = parts * processes.count()
    if unit > min(BATCH, pictures):
        raise UsageError(
            f"{processes.count()} processes are too many for {pictures} pictures in batches of {BATCH}; start fewer."
        )
    return min(BATCH, pictures) // unit * unit


def _centred(vectors: Any, mean: Any) -> Any:
    """(..., d) -> unit vectors, float32, the mean taken off."""
    normalize = torch().nn.functional.normalize
    return normalize(normalize(vectors.float(), dim=-1) - mean, dim=-1)


def _means(vectors: Any, labels: NDArray[np.intp]) -> Any:
    sums = torch().zeros(int(labels.max()) + 1, vectors.shape[1], device=vectors.device)
    sums.index_add_(0, torch().from_numpy(labels).to(vectors.device), vectors)
    return torch().nn.functional.normalize(sums, dim=-1).requires_grad_(True)
