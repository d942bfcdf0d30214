"""The reader of legacy files: right on what it should read, and nothing but tensors gets through."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from samekind.encoders.torch_legacy import read_tensors
from samekind.errors import WrongWeights
from tests.encoders.small import write_legacy

HEADER = b"".join(pickle.dumps(one, 2) for one in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))


def test_reads_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    tensors = {
        "weight": rng.standard_normal((4, 3, 2)).astype(np.float32),
        "turned": np.asfortranarray(rng.standard_normal((5, 7)).astype(np.float32)),
        "count": np.array(7, np.int64),
        "none": np.zeros((0, 3), np.float32),
    }
    write_legacy(tmp_path / "a.pth", tensors, monkeypatch)
    found = read_tensors(tmp_path / "a.pth")
    assert list(found) == list(tensors)
    for name, values in tensors.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("keep", [0, 10, 60, 200, -1, -30])
def test_a_file_cut_short_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: int) -> None:
    file = tmp_path / "a.pth"
    write_legacy(file, {"weight": np.ones((4, 4), np.float32)}, monkeypatch)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(WrongWeights, match=r"a\.pth is not a file of plain tensors"):
        read_tensors(file)


class Hostile:
    def __init__(self, call: object, *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> object:
        return self.call, self.arguments


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("call", [os.system, eval, Path.unlink, getattr])
def test_foreign_globals_are_refused_unlooked_at(tmp_path: Path, place: int, call: object) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    hostile = pickle.dumps(Hostile(call, f"rm {marker}"), 2)
    plain = [pickle.dumps(one, 2) for one in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, OrderedDict(), [])]
    plain[place] = hostile
    file = tmp_path / "a.pth"
    file.write_bytes(b"".join(plain))
    with pytest.raises(WrongWeights):
        read_tensors(file)
    assert marker.exists()


def global_(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def storage(key: bytes = b"k", length: int = 4) -> bytes:
    """A persistent id as the format has it: ('storage', FloatStorage, key, 'cpu', length, None)."""
    text = [b"X" + len(one).to_bytes(4, "little") + one for one in (b"storage", key, b"cpu")]
    return b"(" + text[0] + global_("torch", "FloatStorage") + text[1] + text[2] + f"I{length}\nNtQ".encode()


def tensor_file(offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *, announced: int = 4) -> bytes:
    numbers = [b"(" + b"".join(f"I{n}\n".encode() for n in group) + b"t" for group in (shape, strides)]
    tensor = (
        global_("torch._utils", "_rebuild_tensor_v2")
        + b"("
        + storage(length=announced)
        + f"I{offset}\n".encode()
        + numbers[0]
        + numbers[1]
        + b"I00\n"
        + global_("collections", "OrderedDict")
        + b")RtR"
    )
    table = global_("collections", "OrderedDict") + b")RX\x01\x00\x00\x00w" + tensor + b"s."
    elements = (4).to_bytes(8, "little") + np.arange(4, dtype="<f4").tobytes()
    return HEADER + b"\x80\x02" + table + pickle.dumps(["k"], 2) + elements


def test_handmade_file(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(tensor_file(1, (3,), (1,)))
    np.testing.assert_array_equal(read_tensors(tmp_path / "a.pth")["w"], [1, 2, 3])


@pytest.mark.parametrize(
    "raw",
    [
        tensor_file(1, (4,), (1,)),
        tensor_file(0, (2, 2), (3, 2)),
        tensor_file(-1, (2,), (1,)),
        tensor_file(0, (2,), (-1,)),
        tensor_file(0, (2, 2), (1,)),
        tensor_file(0, (2,), (1,), announced=5),
        HEADER + b"\x80\x02" + storage() + b"." + pickle.dumps([], 2),
        HEADER + pickle.dumps({"w": 3}, 2) + pickle.dumps([], 2),
        HEADER + pickle.dumps(OrderedDict(), 2) + pickle.dumps(["unknown"], 2),
    ],
    ids=["past the end", "strides", "offset", "backwards", "ranks", "length", "bare storage", "number", "unknown key"],
)
def test_tensors_outside_their_storage_are_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.pth").write_bytes(raw)
    with pytest.raises(WrongWeights):
        read_tensors(tmp_path / "a.pth")
