"""Figure 7: kill -9 at random moments during sync, tune and optimise, with a reader searching all the while.

    python benchmarks/kills.py                 200 kills
    python benchmarks/kills.py --kills 20      fewer

In turns: the folder changes (new, copied, renamed, changed, deleted and broken files), one collection is synced and
tuned in peace, another with kills, and then both must be the same to the last vector.
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
from pathlib import Path

from common import save

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from samekind.collection import Collection
from tests.collection.mock import MockEncoder, age, draw_many
from tests.collection.test_processes import change, start, state

A_TURN, SEED = 20, 5


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=200)
    wanted = options.parse_args().kills
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as place:
        folder, path, peace = Path(place, "pictures"), Path(place, "c.samekind"), Path(place, "peace.samekind")
        draw_many(folder, 100)
        age(folder)
        Collection.create(path, MockEncoder()).sync([folder], encoder=MockEncoder()).result()
        shutil.copytree(path, peace)
        reader = start("read", path, stdin=subprocess.PIPE)
        killed = turn = 0
        started = time.perf_counter()
        while killed < wanted:
            change(folder, turn)
            began = time.perf_counter()
            finish(peace, folder)
            whole = time.perf_counter() - began
            for _ in range(A_TURN):
                killed += kill_one(path, folder, rng.uniform(0, whole))
                state(path, settled=False)
            finish(path, folder)
            if state(path) != state(peace):
                raise SystemExit(f"After {killed} kills the collection is not what it would be without them.")
            turn += 1
            print(f"{killed} kills, {len(state(path))} rows, the same", flush=True)
        said, problem = reader.communicate("")
        if reader.returncode:
            raise SystemExit(f"The reader failed: {problem}")
        row = {
            "kills": killed,
            "turns": turn,
            "rows": len(state(path)),
            "lost, doubled or different": 0,
            "searches meanwhile": 2 * int(said),
            "searches that failed": 0,
            "seconds": round(time.perf_counter() - started),
        }
    note = "Compared after each turn: ids, places, hashes, states, reasons, vectors, and which rows have second views."
    save("kills", "Kills during sync, tune and optimise", [row], [note], SEED)


def kill_one(path: Path, folder: Path, seconds: float) -> bool:
    """Whether the process was still at work when it was killed."""
    process = start("write", path, folder)
    time.sleep(seconds)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return alive


def finish(path: Path, folder: Path) -> None:
    """Syncs and tunes to the end."""
    process = start("write", path, folder)
    _, problem = process.communicate()
    if process.returncode:
        raise SystemExit(f"A run that nobody killed failed: {problem}")


if __name__ == "__main__":
    main()
