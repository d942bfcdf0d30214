"""One network on the processor: precision, threads and batch chosen from the machine."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.errors import EncoderError
from samekind.events import Chosen

BATCH = 16


class Network:
    """A compiled OpenVINO model from uint8 pictures to one vector each.

    ``choices`` says what was chosen for this machine and why. Safe to call from several threads; calls take turns.
    """

    def __init__(self, model: Any, threads: int, batch: int = BATCH) -> None:
        """``model`` takes (n, side, side, 3) uint8; each of its first outputs flattens to a vector."""
        core = _core()
        precision, why = native_precision(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        self._compiled = core.compile_model(
            model,
            "CPU",
            {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1},
        )
        self._batch = batch
        self._lock = threading.Lock()
        self.choices = [
            Chosen("precision", precision, why),
            Chosen("threads", str(threads), "the processors that this process may use, or the setting"),
        ]

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, side, side, 3) uint8 -> (n, d) float32, at most ``batch`` pictures at a time.

        Where a batch fails, for want of memory most likely, it is halved down to single pictures; EncoderError where
        one picture fails too.
        """
        rows = []
        with self._lock:
            start = 0
            while start < len(pictures):
                step = pictures[start : start + self._batch]
                try:
                    rows.append(self._infer(step))
                except (MemoryError, RuntimeError) as problem:
                    self._back_off(len(step), problem)
                else:
                    start += len(step)
        return np.concatenate(rows)

    def _infer(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        first = self._compiled(pictures)[0]
        return np.asarray(first, np.float32).reshape(len(pictures), -1)

    def _back_off(self, tried: int, problem: Exception) -> None:
        if tried <= 1:
            raise EncoderError(
                f"The network fails on a single picture ({problem}); free some memory or take another encoder."
            ) from problem
        self._batch = tried // 2
        self.choices.append(Chosen("batch", str(self._batch), f"{tried} pictures at once failed"))


def native_precision(capabilities: list[str]) -> tuple[str, str]:
    """(precision, reason) from OpenVINO's list of what the processor does natively."""
    if "BF16" in capabilities:
        return "bf16", "the processor computes in bfloat16 natively"
    return "f32", "the processor has no bfloat16"


_CORE: list[Any] = []


def _core() -> Any:
    if not _CORE:
        import openvino as ov

        _CORE.append(ov.Core())
    return _CORE[0]
