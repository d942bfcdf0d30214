"""How fast each encoder was on this machine, noted by syncs, for the table of encoders."""

from __future__ import annotations

import contextlib
import json
import math
import os
from pathlib import Path

from samekind.settings import cache_folder


def note_rate(name: str, pictures_per_second: float) -> None:
    """Remembers the rate of an encoder's last sync on this machine; where that cannot be written it is not kept."""
    if not (math.isfinite(pictures_per_second) and pictures_per_second > 0):
        return
    rates = {**known_rates(), name: round(pictures_per_second, 1)}
    ready = _file().with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.write_text(json.dumps(rates, indent=1, sort_keys=True), "utf-8")
        ready.replace(_file())


def known_rates() -> dict[str, float]:
    """Pictures a second by encoder, as measured here; empty where nothing was noted."""
    try:
        stored = json.loads(_file().read_text("utf-8"))
        return {str(name): float(rate) for name, rate in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _file() -> Path:
    return cache_folder() / "rates.json"
