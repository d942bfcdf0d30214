"""Several processes that train together, as torchrun starts them: who is who, and what they tell each other.

Process 0 leads: it is the run, which reads, writes and prints. The others help it with training (`helping.py`): each
takes its share of every batch, and ends when the leader does, however that ends.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from numpy.typing import NDArray

from samekind.adapt.checkpoint import Arrays, pack, unpack
from samekind.adapt.torches import torch
from samekind.errors import EXIT_INTERRUPTED, EXIT_USAGE, SamekindError, UsageError
from samekind.tuning.nuisance import Rows

_START, _WAIT = timedelta(minutes=2), timedelta(days=7)
"""How long the processes look for each other, and how long one waits for what another does at most.

That another has ended or failed it hears at once.
"""
_ENDED, _FAILED = "ended", "failed"


@dataclass
class _Group:
    """What this process is; ``store`` is where the others read how it ended."""

    rank: int = 0
    count: int = 1
    store: Any = None


_group = _Group()


class Parted(SamekindError):
    """Another of the processes has ended."""


def started_together() -> bool:
    """Whether this process is one of several that torchrun started."""
    return "RANK" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


def count() -> int:
    """How many train together."""
    return _group.count


def leads() -> bool:
    """Whether this is the process that reads, writes and prints."""
    return _group.rank == 0


def together(lead: Callable[[], int], assist: Callable[[], int], device: str = "cpu") -> int:
    """Runs ``lead`` in one process and ``assist`` in the others; the exit code of ``lead`` in all of them.

    What goes wrong in ``assist`` is raised in the leader, as SamekindError. Raises UsageError where the processes do
    not find each other.
    """
    _join(device)
    try:
        return _leading(lead) if leads() else _assisting(assist)
    finally:
        _group.rank, _group.count, _group.store = 0, 1, None


def call(task: str, arrays: Arrays, **choices: Any) -> None:
    """Calls the others to a task, where there are others; they are ``called``."""
    if count() > 1 and leads():
        _tell(pack(arrays, {"task": task, **choices}))


def called() -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What the leader calls to: arrays, and choices with the "task". Raises Parted where the leader has ended."""
    return unpack(_hear())


def shared(arrays: Arrays, state: Mapping[str, Any]) -> tuple[Arrays, Mapping[str, Any]]:
    """The leader's, in all processes."""
    if count() == 1:
        return arrays, state
    if not leads():
        return unpack(_hear())
    _tell(pack(arrays, state))
    return arrays, state


@dataclass(frozen=True)
class Share:
    """What this process does of a batch of ``sets`` equal parts: an equal share of each part."""

    sets: int = 1

    def of(self, batch: Rows) -> Rows:
        """Some of (b,), or all where no others are there."""
        mine: Rows = batch.reshape(self.sets, count(), -1)[:, _group.rank].reshape(-1)
        return mine

    def whole(self, mine: Any) -> Any:
        """Tensors (b / processes, ...) of the shares -> (b, ...) of the batch, in its order, with this one's gradient.

        The gradient is ``count`` times as large, since in the end the mean over processes is taken.
        """
        if count() == 1:
            return mine
        mine = mine.view_as(mine)
        if mine.requires_grad:
            mine.register_hook(lambda gradient: gradient * count())
        parts = [torch().empty_like(mine) for _ in range(count())]
        _done(torch().distributed.all_gather(parts, mine.detach().contiguous(), async_op=True))
        parts[_group.rank] = mine
        each = [part.unflatten(0, (self.sets, -1)) for part in parts]
        return torch().stack(each, 1).flatten(0, 2)


def average_gradients(parameters: Sequence[Any]) -> None:
    """Gives every process the mean of all processes' gradients."""
    if count() == 1:
        return
    gradients = [one.grad for one in parameters if one.grad is not None]
    flat = torch().cat([one.flatten() for one in gradients])
    _done(torch().distributed.all_reduce(flat, async_op=True))
    flat /= count()
    for one, mean in zip(gradients, flat.split([one.numel() for one in gradients]), strict=True):
        one.copy_(mean.view_as(one))


def _join(device: str) -> None:
    distributed = torch().distributed
    if device != "cpu":
        torch().cuda.set_device(device)
    try:
        store, _group.rank, _group.count = next(distributed.rendezvous("env://", timeout=_START))
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if device != "cpu" else "gloo",
            store=distributed.PrefixStore("group", store),
            rank=_group.rank,
            world_size=_group.count,
            timeout=_WAIT,
        )
    except (RuntimeError, ValueError, OSError) as problem:
        _group.rank, _group.count = 0, 1
        raise UsageError(
            f"The processes do not find each other ({_first_line(problem)}); start them by torchrun."
        ) from None
    _group.store = distributed.PrefixStore("words", store)


def _leading(lead: Callable[[], int]) -> int:
    code = EXIT_USAGE
    try:
        code = lead()
    except SamekindError as error:
        code = error.exit_code
        raise
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
        raise
    finally:
        with suppress(RuntimeError):
            _group.store.set(_ENDED, str(code))
    return code


def _assisting(assist: Callable[[], int]) -> int:
    """The leader's exit code. It is asked for when the leader is gone, or has been told of what went wrong here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which reaches the leader as well
    code = EXIT_USAGE
    try:
        assist()
    except Parted:
        pass
    except Exception as problem:
        with suppress(RuntimeError):
            _group.store.set(_FAILED, f"process {_group.rank}: {_first_line(problem)}")
    with suppress(RuntimeError):  # of a store that is gone with the leader
        while not _group.store.check([_ENDED]):
            time.sleep(0.05)
        code = int(_group.store.get(_ENDED))
    return code


def _tell(data: bytes) -> None:
    _broadcast(torch().tensor([len(data)]))
    _broadcast(torch().frombuffer(bytearray(data), dtype=torch().uint8))


def _hear() -> bytes:
    length = torch().zeros(1, dtype=torch().int64)
    _broadcast(length)
    data = torch().empty(int(length), dtype=torch().uint8)
    _broadcast(data)
    return bytes(data.numpy())


def _broadcast(tensor: Any) -> None:
    _done(torch().distributed.broadcast(tensor, 0, async_op=True))


def _done(work: Any) -> None:
    """Waits for something that all do. Raises Parted where one of them has ended or failed meanwhile."""
    started, word = time.monotonic(), _FAILED if leads() else _ENDED
    try:
        while not work.is_completed():
            if _group.store.check([word]):
                raise _parted()
            time.sleep(min(0.05, 0.0002 + (time.monotonic() - started) / 20))
        work.wait()
    except RuntimeError as problem:
        raise _parted() from problem


def _parted() -> Parted:
    why = "one of them was killed"
    with suppress(RuntimeError):
        if _group.store.check([_FAILED]):
            why = _group.store.get(_FAILED).decode()
    return Parted(
        f"Training in {count()} processes ended early ({why}); run the same again, and it goes on from there."
    )


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
