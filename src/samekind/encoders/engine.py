"""The one door to OpenVINO, which is imported late and without its telemetry."""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TELEMETRY = "openvino_telemetry"


@functools.cache
def openvino() -> Any:
    """The module ``openvino``.

    Importing it plainly also imports its conversion tools, which report each import over the network and write an
    identifier into the home folder. Without the package ``openvino_telemetry`` they fall back to a stub that does
    neither, so that package is hidden while the import runs (docs/telemetry.md).
    """
    hidden = _TELEMETRY not in sys.modules
    if hidden:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        import openvino as ov
    finally:
        if hidden:
            del sys.modules[_TELEMETRY]
    return ov


def operators() -> Any:
    """OpenVINO's operator set 13, which the graphs are written in."""
    return openvino().opset13


@functools.cache
def core() -> Any:
    """The process's OpenVINO core."""
    return openvino().Core()


def constant(values: NDArray[Any]) -> Any:
    """A float32 constant of a graph; it shares the memory of the array where that is possible.

    Operators would take the array itself too, but turn it into a Python list on the way: a second for a small ViT.
    """
    return operators().constant(np.require(values, np.float32, ["C", "W"]), shared_memory=True)
