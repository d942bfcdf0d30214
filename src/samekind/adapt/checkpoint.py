"""What training has reached, kept beside its tokens, so that a run that was killed goes on from there.

A checkpoint is named by a digest of everything that its contents follow from. So none is ever taken up by a run that
would come to something else, and nobody has to say which round of which run it is of. It goes when the tokens go.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.torches import torch
from samekind.collection.whole import whole
from samekind.encoders.rows import Array
from samekind.encoders.runtime import machine_precision
from samekind.errors import StorageError
from samekind.events import Event, Warned

Arrays = Mapping[str, NDArray[Any]]
SUFFIX = ".kept"
_STATE, _SUM_BYTES = "", 16


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name and a JSON-ready state, in one file that is there whole or not at all."""

    file: Path

    @staticmethod
    def of(folder: Path, *follows_from: Any) -> Checkpoint:
        """The one for these arrays and values, for this version of the code and the libraries, on such a processor."""
        digest = hashlib.blake2b(_versions().encode(), digest_size=16)
        for one in follows_from:
            if isinstance(one, np.ndarray):
                digest.update(f"{one.dtype} {one.shape} ".encode())
                digest.update(np.ascontiguousarray(one).data)
            else:
                digest.update(f"{one!r} ".encode())
        return Checkpoint(folder / f"{digest.hexdigest()}{SUFFIX}")

    def read(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """What was kept; None where there is nothing, or nothing whole."""
        try:
            data = self.file.read_bytes()
        except OSError:
            return None
        return unpack(data[_SUM_BYTES:]) if data[:_SUM_BYTES] == _sum(data[_SUM_BYTES:]) else None

    def write(self, arrays: Arrays, state: Mapping[str, Any]) -> bool:
        """Takes the place of what was kept before. False where there is no room, which ends nothing."""
        data = pack(arrays, state)
        try:
            with whole(self.file, "free space") as draft:
                draft.write_bytes(_sum(data) + data)
        except StorageError:
            return False
        return True


def remembered(
    kept: Checkpoint, steps: Generator[Event, None, tuple[Array, Array]]
) -> Generator[Event, None, tuple[Array, Array]]:
    """What the steps come to, or came to in a run that was killed."""
    if found := kept.read():
        steps.close()
        return found[0]["0"], found[0]["1"]
    first, second = yield from steps
    if not kept.write({"0": first, "1": second}, {}):
        yield unkept(kept)
    return first, second


def unkept(kept: Checkpoint) -> Warned:
    """The word on a checkpoint that was not written."""
    return Warned(
        f"How far training is could not be noted in {kept.file.parent} (is the disk full?); training goes on, but if "
        "this run is broken off, the next one begins further back."
    )


def pack(arrays: Arrays, state: Mapping[str, Any]) -> bytes:
    """Both as the bytes of a safetensors file."""
    from safetensors.numpy import save

    text = np.frombuffer(json.dumps(state).encode(), np.uint8)
    return save({_STATE: text, **{name: np.asarray(array, order="C") for name, array in arrays.items()}})


def unpack(data: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What ``pack`` made bytes of."""
    from safetensors.numpy import load

    arrays = {name: array.copy() for name, array in load(data).items()}
    return arrays, json.loads(arrays.pop(_STATE).tobytes())


def _sum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_SUM_BYTES).digest()


@functools.cache
def _versions() -> str:
    code = hashlib.blake2b(digest_size=16)
    for file in sorted(Path(__file__).parent.glob("*.py")):
        code.update(file.read_bytes())
    return f"{code.hexdigest()} {torch().__version__} {np.__version__} {machine_precision()[0]} "
