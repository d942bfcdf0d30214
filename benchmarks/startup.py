"""Figure 5: whole processes, `samekind --help` and a warm `samekind search`, and where the time of the latter goes.

python benchmarks/startup.py [--encoder dino]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import SHARED, save

RUNS = 7
COMMAND = str(Path(sys.executable).with_name("samekind"))
SPLIT = """
import json, sys, time
t = [time.perf_counter()]
from samekind import Collection, Picture, Query, load_encoder, search
import samekind.query.search, samekind.collection.collection
t.append(time.perf_counter())
collection = Collection.open(sys.argv[1])
t.append(time.perf_counter())
encoder = load_encoder(collection.encoder_name)
t.append(time.perf_counter())
hits = search(collection, Query(Picture(sys.argv[2])), encoder=encoder)
t.append(time.perf_counter())
found = hits.to_dict()["seconds"]
steps = dict(zip(("imports", "open", "load encoder", "search call"), (b - a for a, b in zip(t, t[1:]))))
print(json.dumps({**steps, "of it encode": found["encode"], "of it search": found["search"]}))
"""


def timed(*words: str) -> list[float]:
    """Wall seconds of whole processes, after one run that is not counted."""
    seconds = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds[1:])


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--encoder", default="dino")
    encoder = options.parse_args().encoder
    with tempfile.TemporaryDirectory() as folder:
        collection, picture = f"{folder}/c.samekind", str(next((SHARED / "birds" / "test").glob("*.jpg")))
        subprocess.run(
            [COMMAND, "sync", str(SHARED / "birds" / "test"), "--into", collection, "--encoder", encoder], check=True
        )
        rows = []
        for name, words in {
            "python -c pass": (sys.executable, "-c", "pass"),
            "samekind --help": (COMMAND, "--help"),
            f"samekind search, {encoder}, 300 pictures": (COMMAND, "search", collection, "--picture", picture),
        }.items():
            all_runs = timed(*words)
            rows.append({"process": name, "median s": statistics.median(all_runs), "fastest s": all_runs[0]})
        splits = [
            json.loads(subprocess.run([sys.executable, "-c", SPLIT, collection, picture], capture_output=True).stdout)
            for _ in range(RUNS)
        ]
        parts = {name: statistics.median(each[name] for each in splits) for name in splits[0]}
        notes = [
            "Where a search spends it, medians: " + ", ".join(f"{name} {s:.3f} s" for name, s in parts.items()) + "."
        ]
        save("startup", "Whole processes", rows, notes)
