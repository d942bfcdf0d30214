"""Reads tensors from PyTorch's legacy file format (before 1.6) without PyTorch, admitting nothing but tensors.

The file holds five pickles (magic number, protocol, byte order and type sizes, the object, the keys of its storages)
and then, in the order of the keys, the storages: element count as int64, then the elements.
"""

from __future__ import annotations

import math
import os
import pickle
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from samekind.errors import WrongWeights

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_ELEMENTS = {"FloatStorage": "<f4", "LongStorage": "<i8"}


@dataclass(frozen=True)
class _Kind:
    """Stands for a storage class of PyTorch."""

    dtype: str


@dataclass
class _Storage:
    dtype: str
    length: int
    data: NDArray[Any] | None = None


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        """The tensor as an array that owns its elements; raises ValueError where it reaches outside its storage."""
        data = self.storage.data
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if data is None or min((self.offset, *self.shape, *self.strides)) < 0:
            raise ValueError("a tensor without elements")
        if math.prod(self.shape) and last >= len(data):
            raise ValueError("a tensor that reaches outside its storage")
        steps = [step * data.itemsize for step in self.strides]
        view = np.lib.stride_tricks.as_strided(data[self.offset :], self.shape, steps, writeable=False)
        return np.ascontiguousarray(view).reshape(self.shape)


class _TensorsOnly(pickle.Unpickler):
    """Unpickles ordered dicts of tensors; every other global is refused before it is looked up."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The five things that a file of tensors needs."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in _ELEMENTS:
            return _Kind(_ELEMENTS[name])
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not a tensor")

    def persistent_load(self, pid: Any) -> _Storage:
        """A storage by its key; its elements follow later in the file."""
        match pid:
            case ("storage", _Kind(dtype), str(key), str(), int(length), None) if length >= 0:
                return self.storages.setdefault(key, _Storage(dtype, length))
        raise pickle.UnpicklingError("it refers to a storage in an unknown way")


def _rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    whole = all(isinstance(n, int) for n in (offset, *shape, *strides))
    if not isinstance(storage, _Storage) or not whole or len(shape) != len(strides):
        raise pickle.UnpicklingError("it describes a tensor in an unknown way")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a legacy file by name, float32 or int64.

    Raises WrongWeights where the file is not of that format, is cut short, or holds anything but tensors.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except (pickle.UnpicklingError, ValueError, EOFError, TypeError, AttributeError, IndexError, KeyError) as problem:
        raise WrongWeights(f"{path} is not a file of plain tensors ({problem}); get it again.") from None


def _read(file: BinaryIO) -> dict[str, NDArray[Any]]:
    if _plain(file) != _MAGIC or _plain(file) != _PROTOCOL:
        raise ValueError("no legacy header")
    if not _plain(file).get("little_endian"):
        raise ValueError("big-endian")
    reader = _TensorsOnly(file)
    tensors = reader.load()
    _fill(file, _plain(file), reader.storages)
    if not isinstance(tensors, dict) or not all(isinstance(tensor, _Tensor) for tensor in tensors.values()):
        raise ValueError("not a table of tensors")
    return {str(name): tensor.array() for name, tensor in tensors.items()}


def _plain(file: BinaryIO) -> Any:
    return _TensorsOnly(file).load()


def _fill(file: BinaryIO, keys: Sequence[str], storages: dict[str, _Storage]) -> None:
    size = os.fstat(file.fileno()).st_size
    for key in keys:
        storage = storages[key]
        length = int.from_bytes(file.read(8), "little")
        if length != storage.length:
            raise ValueError("a storage of another length than announced")
        bytes_long = length * np.dtype(storage.dtype).itemsize
        if bytes_long > size - file.tell():
            raise ValueError("cut short")
        storage.data = np.frombuffer(file.read(bytes_long), storage.dtype)
