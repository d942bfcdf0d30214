"""Figure 7: a writer killed 200 times at random moments of sync, tune and upkeep, a reader searching all the while.

    python benchmarks/kills.py [--kills 200]

In rounds of ten kills, each on a collection and a folder that has changed in every way; after each kill the table is
checked row by row, and at the end of a round it must equal that of a run that was left alone.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from common import save

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from samekind.collection import Collection
from tests.collection.mock import MockEncoder, age, draw_many
from tests.collection.test_processes import change, start, state

A_ROUND = 10
LONGEST = 0.4
"""Seconds a writer lives at most: a whole sync takes several times as long."""


def one_round(folder: Path, seed: int) -> Counter[str]:
    """Ten kills; raises where anything is lost, doubled or half-written, or the reader fails."""
    pictures = folder / "pictures"
    draw_many(pictures, 25, start=10_000 * seed)
    age(pictures)
    collection = Collection.create(folder / "c.samekind", MockEncoder())
    collection.sync([pictures], encoder=MockEncoder()).result()
    change(pictures)
    undisturbed = folder / "undisturbed.samekind"
    shutil.copytree(collection.path, undisturbed)
    if start("write", undisturbed, pictures).wait():
        raise SystemExit("the undisturbed run failed")
    reader = start("read", collection.path, stdin=subprocess.PIPE)
    rng, seen = random.Random(seed), Counter({"kills": 0, "came too late": 0, "searches meanwhile": 0})
    for _ in range(A_ROUND):
        writer = start("write", collection.path, pictures)
        time.sleep(rng.uniform(0.0, LONGEST))
        running = writer.poll() is None
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        seen["kills" if running else "came too late"] += 1
        state(collection.path, settled=False)
    if start("write", collection.path, pictures).wait():
        raise SystemExit("the run after the kills failed")
    said, problem = reader.communicate("")
    if reader.returncode:
        raise SystemExit(f"the reader failed: {problem}")
    if state(collection.path) != state(undisturbed):
        raise SystemExit(f"round {seed}: the final state differs from the undisturbed run's")
    seen["searches meanwhile"] += int(said)
    return seen


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--kills", type=int, default=200)
    wanted = options.parse_args().kills
    total: Counter[str] = Counter()
    rounds = 0
    while total["kills"] < wanted:
        with tempfile.TemporaryDirectory() as folder:
            total += one_round(Path(folder), rounds)
        rounds += 1
        print(dict(total), flush=True)
    rows = [{"what": name, "how often": count} for name, count in [("rounds", rounds), *total.items()]]
    rows += [{"what": name, "how often": 0} for name in ("pictures lost", "doubled", "half-written", "failed searches")]
    rows.append({"what": "final states unlike an undisturbed run's", "how often": 0})
    save(
        "kills",
        "Kills at random moments",
        rows,
        ["Any of the zeros not being zero ends the run with an error."],
        seed=0,
    )
