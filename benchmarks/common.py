"""What every benchmark shares: the machine in words, CPU seconds, and one JSON file of results."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
TUNING_SETS = ("birds", "flowers", "grocery", "clothing")
CONFIRMING_SETS = ("omniglot", "ikea")
_VERSIONS = ("numpy", "openvino", "pylance", "pillow", "torch", "faiss-cpu")


def machine() -> str:
    """Processor, cores that may be used, memory, and the GPU where one was used."""
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?")
    flags = next((line for line in _lines("/proc/cpuinfo") if line.startswith("flags")), "")
    widest = next((name for name in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if name in flags.split()), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    words = (
        f"{cpu} ({widest}), {cores} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    )
    torch = sys.modules.get("torch")
    return f"{words}, {torch.cuda.get_device_name()}" if torch and torch.cuda.is_initialized() else words


def versions() -> dict[str, str]:
    """Versions of the libraries that matter, those that are installed."""
    found = {}
    for name in _VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def cpu_seconds() -> float:
    """User and system seconds of this process and its finished children."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def save(
    name: str, title: str, rows: Sequence[dict[str, Any]], notes: Sequence[str] = (), seed: int | None = None
) -> None:
    """Writes results/NAME.json, from which docs/benchmarks.md is made; ``rows`` share their keys."""
    RESULTS.mkdir(exist_ok=True)
    about = {
        "title": title,
        "command": "python " + " ".join([_script(), *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "seed": seed,
        "rows": list(rows),
        "notes": list(notes),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    for row in rows:
        print(
            "  ".join(
                f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()
            )
        )
    for note in notes:
        print(note)


def _script() -> str:
    """The running file, as it is called from the root of the checkout."""
    file, here = Path(sys.argv[0]).resolve(), RESULTS.parent
    return f"benchmarks/{file.relative_to(here) if file.is_relative_to(here) else file.name}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
