"""One network on the processor: precision, threads and batch chosen from the machine."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.engine import core, openvino
from samekind.errors import EncoderError
from samekind.events import Chosen
from samekind.settings import Settings, cache_folder, usable_threads

BATCH = 16


class Network:
    """A compiled OpenVINO model from uint8 pictures, or texts as int64 tokens, to one vector each.

    ``choices`` says what was chosen for this machine and why. Safe to call from several threads; calls take turns.
    """

    def __init__(self, build: Callable[[], Any], settings: Settings, *, key: str = "", batch: int = BATCH) -> None:
        """``build`` makes a model that takes one array of pictures or texts; its first output flattens to vectors.

        With ``key``, which names the model by content, the compiled form is kept in the cache folder and taken from
        there the next time, without building.
        """
        precision, why = machine_precision()
        threads = usable_threads(settings)
        why_threads = "as set" if settings.threads == threads else "the processors that this process may use"
        wanted = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # decoding runs beside it; a pinned thread could not make way
        }
        self._compiled = _compiled(build, wanted, _kept_path(key, precision) if key else None)
        self._batch = batch
        self._lock = threading.Lock()
        self.choices = [
            Chosen("precision", precision, why),
            Chosen("threads", str(threads), why_threads),
            Chosen("batch", str(batch), "halved whenever memory runs out"),
        ]

    def __call__(self, pictures: NDArray[np.uint8] | NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, side, side, 3) uint8 or (n, tokens) int64 -> (n, d) float32, at most ``batch`` of them at a time.

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

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the first output's axes but the first, before they are flattened."""
        return tuple(axis.get_length() for axis in list(self._compiled.output(0).partial_shape)[1:])

    def _infer(self, pictures: NDArray[np.uint8] | NDArray[np.int64]) -> NDArray[np.float32]:
        first = self._compiled(pictures)[0]
        return np.asarray(first, np.float32).reshape(len(pictures), -1)

    def _back_off(self, tried: int, problem: Exception) -> None:
        if tried <= 1:
            raise EncoderError(
                f"The network fails on a single picture ({problem}); free some memory or take another encoder."
            ) from problem
        self._batch = tried // 2
        self.choices.append(Chosen("batch", str(self._batch), f"{tried} pictures at once failed"))


@functools.cache
def machine_precision() -> tuple[str, str]:
    """``native_precision`` of this machine's processor."""
    return native_precision(core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


def native_precision(capabilities: list[str]) -> tuple[str, str]:
    """(precision, reason) from OpenVINO's list of what the processor does natively."""
    if "BF16" in capabilities:
        return "bf16", "the processor computes in bfloat16 natively"
    return "f32", "the processor has no bfloat16"


def _compiled(build: Callable[[], Any], wanted: dict[str, Any], kept: Path | None) -> Any:
    if kept:
        with contextlib.suppress(OSError, RuntimeError):  # absent, or not of this build of OpenVINO: make it anew
            return core().import_model(kept.read_bytes(), "CPU", wanted)
    compiled = core().compile_model(build(), "CPU", wanted)
    if kept:
        with contextlib.suppress(OSError):  # no room: it is only slower the next time
            _keep(compiled, kept)
    return compiled


def _keep(compiled: Any, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    ready = place.with_suffix(f".{os.getpid()}")
    try:
        ready.write_bytes(compiled.export_model().getvalue())
        for outdated in place.parent.glob(f"{place.name.rsplit('-', 1)[0]}-*.blob"):
            outdated.unlink(missing_ok=True)
        ready.replace(place)
    finally:
        ready.unlink(missing_ok=True)


def _kept_path(key: str, precision: str) -> Path:
    """Where a compiled model is kept: it depends on the model, this code, OpenVINO and the processor."""
    content = [
        key,
        precision,
        core().get_property("CPU", "FULL_DEVICE_NAME"),
        str(openvino().get_version()),
        _code_digest(),
    ]
    digest = hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]
    return cache_folder() / "compiled" / f"{key}-{precision}-{digest}.blob"


@functools.cache
def _code_digest() -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
