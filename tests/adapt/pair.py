"""One of several processes that train a small network together: ``python pair.py FOLDER [HOW]``, started by a test.

FOLDER has ``tokens.npy``. The leader writes ``found.npz`` into it. HOW "fails": the others fail at their first task;
"stops": the leader is interrupted in the second round.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from samekind.adapt import helping, processes, torches, watch
from samekind.adapt.grappa import Variant, grappa
from samekind.adapt.tokens import FILE, Tokens
from samekind.errors import SamekindError
from samekind.events import Job, Progress
from samekind.settings import Settings
from samekind.tuning.experts import fit_experts
from tests.adapt.test_training import network, upper
from tests.encoders.small import WIDTH

VARIANTS = (
    Variant(sizes=(32, 8), epochs=(2, 2), fusion="attention", pair_loss="contrast"),
    Variant(sizes=(16,), epochs=(2,), routed=False, pair_loss="contrast"),
    Variant(sizes=(32, 8), epochs=(2,)),
    Variant(sizes=(32, 8), epochs=(3,)),
)
WATCHED = {3: (0.5, 0.9, 0.1)}
"""What pictures that are watched say at first and after each epoch, by variant."""


def found_by(tokens: Tokens, stop_at: int = 0) -> dict[str, np.ndarray]:
    """Tensors by name, and the vectors, of each variant."""
    exactly()
    rows = np.arange(len(tokens.array))
    plain = np.random.default_rng(1).normal(size=(len(rows), WIDTH)).astype(np.float32)
    mix = fit_experts(plain, np.zeros((0, 0, WIDTH), np.float32), rows[:0], np.random.default_rng(0))
    found: dict[str, np.ndarray] = {}
    for at, variant in enumerate(VARIANTS):
        said = iter(WATCHED.get(at, ()))
        watch.Watch.scores = lambda _, said=said: {"views": np.full(4, next(said), np.float32)}  # type: ignore[method-assign]
        watched = watch.Watched(rows[:4], rows[:4]) if at in WATCHED else None
        job = Job(grappa(upper(), tokens, plain, mix, rows, rows[::2], 0, variant, watched=watched))
        for event in job:
            stop_at -= isinstance(event, Progress) and event.stage == "training" and event.done != event.total
            if stop_at == 0 and "stops" in sys.argv:
                raise KeyboardInterrupt
        trained = job.result()
        found |= {f"{at} {name}": tensor for name, tensor in trained.tensors.items()} | {f"{at} look": trained.look}
    return found


def lead(folder: Path) -> int:
    tokens = Tokens(np.load(folder / FILE), np.ones(192, bool), folder)
    processes.call("open", {"usable": tokens.usable}, folder=str(folder), encoder="small vit", network=0)
    np.savez(folder / "found.npz", **found_by(tokens, 4))
    return 1


def exactly() -> None:
    """In float32, whatever the processor has."""
    torches.machine_precision = lambda: ("f32", "for the test")  # type: ignore[attr-defined]


def assist() -> int:
    exactly()
    if "fails" in sys.argv:
        raise MemoryError("no room for this")
    return helping.assist(Settings(threads=1))


def blueprints(*_: Any) -> list[Any]:
    return [SimpleNamespace(build=network)]


if __name__ == "__main__":
    helping.blueprints = blueprints  # type: ignore[attr-defined]
    try:
        sys.exit(processes.together(lambda: lead(Path(sys.argv[1])), assist))
    except SamekindError as error:
        sys.exit(f"{os.environ['RANK']}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
