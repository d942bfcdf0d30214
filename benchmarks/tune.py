"""Figure 4: seconds and memory of tuning 1,000, 10,000 and 100,000 pictures (generated vectors with kinds in them).

    python benchmarks/tune.py

Each size in a process of its own: fitting with its check, then mapping every picture, as a sync does at its end.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import numpy as np
from common import cpu_seconds, save

SIZES = (1_000, 10_000, 100_000)
DIM, VIEWED = 384, 250


def vectors_with_kinds(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 384) unit rows of n / 10 kinds with common nuisance, and two views of 250 of them."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(n // 10, 1), DIM)).astype(np.float32)
    nuisance = rng.normal(size=(40, DIM)).astype(np.float32) * 0.4

    def unit(x: np.ndarray) -> np.ndarray:
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    vectors = np.empty((n, DIM), np.float32)
    for start in range(0, n, 10_000):
        rows = np.arange(start, min(start + 10_000, n))
        common = rng.normal(size=(len(rows), 40)).astype(np.float32) @ nuisance
        vectors[rows] = unit(centres[rows % len(centres)] + common)
    viewed = np.sort(rng.choice(n, VIEWED, replace=False))
    shifts = rng.normal(size=(VIEWED, 2, 40)).astype(np.float32) @ nuisance * 0.03
    return vectors, unit(vectors[viewed][:, None] + shifts), viewed


def one_size(n: int) -> dict[str, float]:
    """Fits and maps in this process."""
    from samekind.encoders.base import Part
    from samekind.tuning import fit

    vectors, views, rows = vectors_with_kinds(n)
    fit(vectors[:500], (Part("one", 0, DIM),), views[rows < 500], rows[rows < 500])  # wakes the linear algebra
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, cpu = time.perf_counter(), cpu_seconds()
    tuning = fit(vectors, (Part("one", 0, DIM),), views, rows)
    fitted, fitted_cpu = time.perf_counter() - start, cpu_seconds() - cpu
    start, cpu = time.perf_counter(), cpu_seconds()
    for at in range(0, n, 4_096):
        tuning.stored(vectors[at : at + 4_096])
    return {
        "pictures": n,
        "fit and check, s": fitted,
        "fit and check, CPU s": fitted_cpu,
        "map all, s": time.perf_counter() - start,
        "map all, CPU s": cpu_seconds() - cpu,
        "memory above the vectors, MB": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
        "helps": tuning.helps,
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(one_size(int(sys.argv[1]))))
    else:
        runs = [subprocess.run([sys.executable, __file__, str(n)], capture_output=True, check=True) for n in SIZES]
        save("tune", "Tuning: seconds and memory", [json.loads(run.stdout) for run in runs], seed=0)
