"""Trains all sets of adaptors in one pass over the kept tokens."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.adaptors import Adaptors
from samekind.adapt.insight import Losses, losses_of
from samekind.adapt.losses import contrast, normalised_softmax
from samekind.adapt.tokens import Tokens
from samekind.adapt.torches import torch
from samekind.adapt.trunk import UpperViT
from samekind.encoders.rows import Array
from samekind.encoders.runtime import machine_precision
from samekind.events import Event, Progress
from samekind.tuning.nuisance import Rows

EPOCHS, BATCH, RATE, DECAY = 5, 128, 1e-3, 1e-2
PATCHES = 96
"""Patch tokens that a step looks at, drawn anew for each batch; the class token is always there."""
CLUSTER_WEIGHT = 0.5
_WARM_UP = 0.1


def train(
    adaptors: Adaptors,
    trunk: UpperViT,
    tokens: Tokens,
    rows: Rows,
    labels: Sequence[NDArray[np.intp]],
    neighbours: Rows,
    start: Array,
    seed: int,
) -> Generator[Event, None, Losses | None]:
    """Trains ``adaptors`` in place, in the frozen ``trunk``; returns what each set had to pay.

    ``rows`` (n,) of ``tokens``, numbers of usable pictures, are trained on. Set i learns from ``labels[i]`` (n,), its
    pseudo-granularity, and all of them from ``neighbours`` (n, k), positions within ``rows``. ``start`` (n, d) are the
    vectors before training, whose means are the first prototypes.
    """
    rng = np.random.default_rng(seed)
    torch().manual_seed(seed)
    normalize = torch().nn.functional.normalize
    before = torch().from_numpy(start)
    mean = before.mean(0)
    centred = normalize(before - mean, dim=-1)
    prototypes = [_means(centred, each) for each in labels]
    known = [torch().from_numpy(each) for each in labels]
    parameters = [*adaptors.tensors.values(), *prototypes]
    optimiser = torch().optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
    batch = min(BATCH, len(rows))
    steps = len(rows) // batch
    done, total = 0, EPOCHS * steps
    paid: list[list[float]] = []

    def vectors(some: Rows, patches: Rows) -> Any:
        views = rng.integers(0, tokens.array.shape[1], len(some))
        seen = tokens.read(rows[some], views, patches)
        with _autocast():
            found = adaptors.apart(trunk, torch().from_numpy(seen))
        return normalize(normalize(found.float(), dim=-1) - mean, dim=-1)

    for _ in range(EPOCHS):
        order = rng.permutation(len(rows))
        for at in range(steps):
            yield Progress("training", done, total)
            some = order[at * batch : (at + 1) * batch]
            partners = neighbours[some, rng.integers(0, neighbours.shape[1], batch)]
            patches = _patches(tokens.array.shape[2] - 1, rng)
            ours, theirs = vectors(some, patches), vectors(partners, patches)
            losses = [
                contrast(ours[one], theirs[one]) + CLUSTER_WEIGHT * normalised_softmax(ours[one], kinds, label[some])
                for one, (kinds, label) in enumerate(zip(prototypes, known, strict=True))
            ]
            loss = sum(losses)
            for group in optimiser.param_groups:
                group["lr"] = RATE * _schedule(done / total)
            optimiser.zero_grad()
            loss.backward()
            torch().nn.utils.clip_grad_norm_(parameters, len(labels) ** 0.5)
            optimiser.step()
            paid.append([float(one.detach()) for one in losses])
            done += 1
    yield Progress("training", total, total)
    return losses_of(paid)


def embed(adaptors: Adaptors, trunk: UpperViT, tokens: Tokens, rows: Rows, view: int) -> Array:
    """(n, d) unit vectors of ``rows`` in one view, by the fused network."""
    found = []
    with torch().inference_mode(), _autocast():
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            seen = torch().from_numpy(tokens.read(some, np.full(len(some), view)))
            found.append(torch().nn.functional.normalize(adaptors.fused(trunk, seen).float(), dim=-1).numpy())
    return np.concatenate(found)


def _patches(count: int, rng: np.random.Generator) -> Rows:
    """Numbers of the class token and of some patch tokens."""
    return np.concatenate([[0], 1 + rng.choice(count, min(PATCHES, count), replace=False)])


def _means(vectors: Any, labels: NDArray[np.intp]) -> Any:
    sums = torch().zeros(int(labels.max()) + 1, vectors.shape[1])
    sums.index_add_(0, torch().from_numpy(labels), vectors)
    return torch().nn.functional.normalize(sums, dim=-1).requires_grad_(True)


def _schedule(done: float) -> float:
    """From nothing up to 1 in the first tenth, then down along a cosine."""
    if done < _WARM_UP:
        return done / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (done - _WARM_UP) / (1 - _WARM_UP)))


def _autocast() -> Any:
    """Products in bfloat16 where the processor has that, as the runtime chooses."""
    return torch().autocast("cpu", torch().bfloat16, enabled=machine_precision()[0] == "bf16")
