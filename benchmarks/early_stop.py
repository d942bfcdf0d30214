"""Does early stop by the gate's score end training at the right time? Scores and labels after each epoch, six sets.

    python benchmarks/early_stop.py [--pictures 120]        about so many pictures of each set, whole classes

Trainings of the product as it is, longer, and spoilt ones; nothing is spared, and none is ended, so that one sees what
would have come. `views` and `witness`: what `adapt/watch.py` asks of held-out pictures. MAP@R by labels, each set by
itself, the mean of all removed, mean over sets.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
from common import save
from gate import SEED, Bench

from samekind.adapt import grappa, train
from samekind.adapt.fusion import Mean
from samekind.adapt.watch import Watch
from samekind.encoders.rows import Array, unit_rows
from samekind.evaluation.metrics import score
from samekind.evaluation.ranking import rank

TRAININGS: dict[str, dict[str, Any]] = {
    "as it is": {"epochs": grappa.DEFAULT.epochs},
    "ten times the rate": {"epochs": (4,), "rate": 10 * train.RATE},
    "neighbours by chance": {"epochs": (4,), "random": 1.0},
    "one long round": {"epochs": (10,)},
}


class Traced:
    """One training, looked at after each epoch."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.bench, self.name, self.round = bench, name, 0
        self.rows: list[dict[str, str]] = []
        self.starts = np.cumsum([0, *map(len, bench.gathered)])
        self._fell: Callable[..., str] = Watch.fell

    def fell(self, watch: Watch, epoch: int, parameters: Sequence[Any]) -> str:
        """What the watch says is noted and not heeded."""
        ends, watch.ended = self._fell(watch, epoch, parameters), ""
        adaptors, trunk, tokens = watch.look.args  # type: ignore[attr-defined]
        held = watch.watched.rows[watch.watched.held]
        self.round += epoch == 0
        look = train.embed(adaptors, Mean(), trunk, tokens, np.arange(int(tokens.usable.sum())), 0)
        seen, scores = unit_rows(look - look.mean(axis=0)), watch.scores()
        quality, held_quality = zip(*(self.of(at, seen, held) for at in range(len(self.bench.sets))), strict=True)
        self.rows.append(
            {
                "training": self.name,
                "round": str(self.round),
                "epoch": str(epoch),
                "views": f"{100 * float(scores['views'].mean()):.1f}",
                "witness": f"{100 * float(scores['witness'].mean()):.1f}",
                "would end by": ends,
                "MAP@R": f"{np.mean(quality):.1f}",
                "MAP@R of those held out": f"{np.mean(held_quality):.1f}",
            }
        )
        print(self.rows[-1], flush=True)
        return ""

    def of(self, at: int, seen: Array, held: Array) -> tuple[float, float]:
        """One set: MAP@R of all pictures, and of those held out."""
        here = slice(self.starts[at], self.starts[at + 1])
        codes = np.unique(np.array(self.bench.sets[at].labels), return_inverse=True)[1].astype(np.int64)
        look, out = seen[here], np.isin(np.arange(here.start, here.stop), held)
        found = rank(look, look, np.arange(len(look)), {"label": (codes, codes)}, 1).found["label"]
        several = np.bincount(codes)[codes] > 1  # a picture that is alone in its class asks nothing
        values = score(found)["map@r"]
        return 100 * float(values.mean()), 100 * float(values[out[several]].mean())

    def run(self, **how: Any) -> None:
        """Trains, as `gate.py` does."""
        with patch.object(Watch, "fell", lambda watch, *given: self.fell(watch, *given)):
            self.bench.trained(**how)


def main() -> None:
    """All trainings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=120)
    bench, rows = Bench(parser.parse_args().pictures), []
    for name, how in TRAININGS.items():
        traced = Traced(bench, name)
        traced.run(**how)
        rows += traced.rows
    for one in bench.kept:
        one.drop()
    notes = [
        f"{sum(map(len, bench.gathered)):,} pictures of six sets. `views` of those held out: the mean of two "
        "shares, crops that find their picture and neighbours that they keep; `witness`: 100 times the mean cosine of "
        "a picture and its neighbours. A watch that would end training is not heeded, and compares on with what was "
        "best. Epoch 0: before training."
    ]
    save("early_stop", "Scores without labels, and labels, after each epoch (dino)", rows, notes, seed=SEED)


if __name__ == "__main__":
    main()
