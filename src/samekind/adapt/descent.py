"""The descent itself: AdamW over batches of picture numbers, gone on with where a run was killed."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.adapt import processes
from samekind.adapt.checkpoint import Arrays, Checkpoint, unkept
from samekind.adapt.torches import autocast, torch
from samekind.adapt.watch import EPOCH, WHY, Watch
from samekind.events import Chosen, Event, Progress
from samekind.tuning.nuisance import Rows

DECAY = 1e-2
_WARM_UP = 0.1

Loss = Callable[[Rows, np.random.Generator], list[Any]]
"""Numbers of a batch and what else is drawn from -> losses to be added up."""

Order = Callable[[np.random.Generator], Rows]
"""The numbers of an epoch's pictures, in the order in which they are drawn."""


@dataclass(frozen=True)
class Descent:
    """AdamW over batches of picture numbers, gradients clipped to ``norm``, the rate's greatest value ``rate``."""

    stage: str
    epochs: int
    batch: int
    norm: float
    rate: float
    seed: int

    def run(
        self,
        parameters: Sequence[Any],
        loss: Loss,
        pictures: int,
        order: Order,
        kept: Checkpoint,
        watch: Watch | None = None,
    ) -> Generator[Event, None, list[list[float]]]:
        """Goes down the sum of the losses; returns all of them, step by step.

        An epoch is as many whole batches as there are ``pictures`` for, in the ``order`` that it is given. After it all
        that the next one starts from is ``kept``, and the ``watch`` of the leading process is asked whether to go on;
        where it is not, the parameters become again what they were when it saw the best of them.
        """
        rng = np.random.default_rng(self.seed)
        torch().manual_seed(self.seed)
        optimiser = torch().optim.AdamW(parameters, lr=self.rate, weight_decay=DECAY)
        steps = pictures // self.batch
        total, warned = self.epochs * steps, False
        start = kept.read() if processes.leads() else None
        fresh = {"epochs": 0, "paid": [], "generator": rng.bit_generator.state, "ended": ""}
        arrays, state = processes.shared(*(start or (_arrays(parameters, optimiser), fresh)))
        first, paid = _taken_up(arrays, state, parameters, optimiser, rng)
        ended = state["ended"]
        if watch is not None:
            watch.begin(arrays, state, parameters)
        for epoch in range(first, 0 if ended else self.epochs):
            drawn = order(rng)
            for at in range(steps):
                done = epoch * steps + at
                yield Progress(self.stage, done, total)
                with autocast(str(parameters[0].device)):
                    found = loss(drawn[at * self.batch : (at + 1) * self.batch], rng)
                whole: Any = sum(found)
                for group in optimiser.param_groups:
                    group["lr"] = self.rate * _schedule((done + 1) / total)
                optimiser.zero_grad()
                whole.backward()
                processes.average_gradients(parameters)
                torch().nn.utils.clip_grad_norm_(parameters, self.norm)
                optimiser.step()
                paid.append([float(one.detach()) for one in found])
            ended = watch.fell(epoch + 1, parameters) if watch is not None else ""
            best, which = watch.told() if watch is not None else ({}, {})
            state = {"epochs": epoch + 1, "paid": paid, "generator": rng.bit_generator.state, "ended": ended, **which}
            if processes.leads() and not kept.write(_arrays(parameters, optimiser) | best, state) and not warned:
                yield unkept(kept)
                warned = True
            if ended := processes.shared({}, {"ended": ended})[1]["ended"]:
                break
        if ended:
            best = {} if watch is None else {str(at): one for at, one in enumerate(watch.back().tensors)}
            back, _ = processes.shared(best, {})
            for at, one in enumerate(parameters):
                one.data.copy_(torch().from_numpy(back[str(at)]))
        if ended and watch is not None:
            yield Chosen(self.stage, f"goes back to epoch {watch.back().epoch} of {self.epochs}", WHY[ended])
        yield Progress(self.stage, total, total)
        return paid


def _arrays(parameters: Sequence[Any], optimiser: Any) -> dict[str, NDArray[Any]]:
    """The tensors, what the optimiser knows of each, and the state of torch's generator."""
    found = {f"tensor.{at}": one.detach() for at, one in enumerate(parameters)}
    for at, known in optimiser.state_dict()["state"].items():
        found |= {f"{kind}.{at}": one for kind, one in known.items()}
    arrays: dict[str, NDArray[Any]] = {name: one.cpu().numpy() for name, one in found.items()}
    return arrays | {"generator": torch().get_rng_state().numpy()}


def _taken_up(
    arrays: Arrays, state: Mapping[str, Any], parameters: Sequence[Any], optimiser: Any, rng: np.random.Generator
) -> tuple[int, list[list[float]]]:
    """Puts everything into that state; how many epochs are done, and what they cost."""
    known: dict[int, dict[str, Any]] = {at: {} for at in range(len(parameters))}
    for name, array in arrays.items():
        kind, _, at = name.partition(".")
        if kind == EPOCH:
            continue
        if kind == "generator":
            torch().set_rng_state(torch().from_numpy(array))
        elif kind == "tensor":
            parameters[int(at)].data.copy_(torch().from_numpy(array))
        else:
            known[int(at)][kind] = torch().from_numpy(array)
    optimiser.load_state_dict({**optimiser.state_dict(), "state": known})
    rng.bit_generator.state = state["generator"]
    return state["epochs"], [*state["paid"]]


def _schedule(done: float) -> float:
    """From nothing up to 1 in the first tenth, then down along a cosine."""
    if done < _WARM_UP:
        return done / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (done - _WARM_UP) / (1 - _WARM_UP)))
