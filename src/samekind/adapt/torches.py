"""The one door to torch, which is an extra: training wants it, nothing else does."""

from __future__ import annotations

import functools
import os
from typing import Any

from samekind.encoders.runtime import machine_precision
from samekind.errors import MissingExtra, UsageError, unknown_name
from samekind.settings import Settings

DEVICES = ("auto", "cpu", "cuda")


@functools.cache
def torch() -> Any:
    """The module. Raises MissingExtra with the install line."""
    try:
        import torch as found
    except (ImportError, OSError):  # the latter where one of its libraries is absent
        raise MissingExtra(
            "Training wants torch, which is not installed: pip install 'samekind[adapt]', or take --method experts."
        ) from None
    return found


def device(settings: Settings) -> str:
    """Where adaptors are trained: "cpu", or "cuda:N", one GPU for each of the processes on this machine.

    Raises UsageError for an unknown setting, and for a GPU that is asked for and not there.
    """
    if settings.device not in DEVICES:
        raise unknown_name("device", settings.device, DEVICES)
    gpus = torch().cuda.device_count() if torch().cuda.is_available() else 0
    if settings.device == "cpu" or (settings.device == "auto" and not gpus):
        return "cpu"
    wanted = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if wanted > gpus:
        raise UsageError(
            f"Training is to use {wanted} GPU{'s' * (wanted > 1)} and torch finds {gpus or 'none'}; start fewer "
            "processes, or set SAMEKIND_DEVICE=cpu."
        )
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def autocast(device: str) -> Any:
    """Products in bfloat16 where the GPU or the processor has that."""
    kind = device.partition(":")[0]
    has_it = torch().cuda.is_bf16_supported(False) if kind == "cuda" else machine_precision()[0] == "bf16"
    return torch().autocast(kind, torch().bfloat16, enabled=has_it)
