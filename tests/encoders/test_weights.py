"""Weights from every source into one cache: proved, whole or not there, and a sentence where they cannot be had."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from samekind.encoders import catalog, weights
from samekind.encoders.catalog import HubFile, Weights, Wheel
from samekind.encoders.convert import tensors_sha256
from samekind.encoders.download import Unreachable, file_sha256, wheel_url
from samekind.errors import StorageError, WeightsMissing, WrongWeights
from samekind.events import Progress
from samekind.settings import Settings
from tests.encoders.server import Served, serve
from tests.encoders.small import hub_tensors, vit_tensors
from tests.encoders.test_convert import export

ONLINE = Settings()
OFFLINE = Settings(offline=True)


def packed(member: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("other/file.py", "raise SystemExit('never run')")
        archive.writestr(member, content)
    return buffer.getvalue()


def sha(content: bytes, folder: Path) -> str:
    (folder / "hashed").write_bytes(content)
    return file_sha256(folder / "hashed")


class World:
    """Two encoders' weights of a few kilobytes, the wheels that hold them, and the server that has one of these."""

    def __init__(self, folder: Path) -> None:
        self.tensors = vit_tensors()
        self.tensors["pos_embed"][:, :1] = self.tensors["cls_token"]
        export(folder / "dino.onnx", self.tensors)
        self.dino_member = (folder / "dino.onnx").read_bytes()
        self.tiny_member = os.urandom(50_000)
        self.dino_wheel, self.tiny_wheel = packed("p/dino.onnx", self.dino_member), packed("p/t", self.tiny_member)
        save_file(hub_tensors(self.tensors), folder / "hub")
        self.hub_file = (folder / "hub").read_bytes()
        self.dino = Weights(
            name="dino",
            kind="tensors",
            digest=tensors_sha256(self.tensors),
            size=sum(values.nbytes for values in self.tensors.values()),
            licence="none",
            origin="random",
            wheel=Wheel("a", "1", sha(self.dino_wheel, folder), "p/dino.onnx", sha(self.dino_member, folder)),
            hub=HubFile("someone/small", "f" * 40, "model.safetensors"),
        )
        member = sha(self.tiny_member, folder)
        self.tiny = Weights(
            name="tiny",
            kind="onnx",
            digest=member,
            size=50_000,
            licence="none",
            origin="random",
            wheel=Wheel("a", "2", sha(self.tiny_wheel, folder), "p/t", member),
        )


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(b"") as one:
        yield one


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: Served) -> World:
    (tmp_path / "made").mkdir()
    made = World(tmp_path / "made")
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(catalog.WEIGHTS, "dino", made.dino)
    monkeypatch.setitem(catalog.WEIGHTS, "tiny", made.tiny)
    monkeypatch.setattr(weights, "wheel_url", lambda *_: served.url)

    def no_pip(*_: object) -> Path:
        raise Unreachable("pip fetched nothing")

    monkeypatch.setattr(weights, "pip_download", no_pip)
    return made


def kept(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "cache" / "weights").glob("*"))


def test_a_wheel_becomes_tensors_under_original_names(world: World, served: Served, tmp_path: Path) -> None:
    served.content = world.dino_wheel
    job = weights.fetch(world.dino, ONLINE)
    assert Progress("fetch dino", len(world.dino_wheel), len(world.dino_wheel)) in list(job)
    stored = load_file(job.result())
    assert stored.keys() == world.tensors.keys()
    for name, values in world.tensors.items():
        np.testing.assert_array_equal(stored[name], values)
    assert kept(tmp_path) == [job.result().name]
    assert world.dino.digest[:16] in job.result().name


def test_a_wheel_gives_its_member(world: World, served: Served, tmp_path: Path) -> None:
    served.content = world.tiny_wheel
    path = weights.fetch(world.tiny, ONLINE).result()
    assert path.read_bytes() == world.tiny_member
    assert kept(tmp_path) == [path.name]


def test_fetched_once(world: World, served: Served) -> None:
    served.content = world.tiny_wheel
    first = weights.fetch(world.tiny, ONLINE).result()
    assert list(weights.fetch(world.tiny, OFFLINE)) == []
    assert weights.fetch(world.tiny, OFFLINE).result() == first == weights.cached(world.tiny)
    assert len(served.asked) == 1


def test_resumed_by_a_later_call(world: World, served: Served, tmp_path: Path) -> None:
    served.content = world.tiny_wheel
    served.break_after = [20_000, 0, 0, 0]
    with pytest.raises(WeightsMissing):
        weights.fetch(world.tiny, ONLINE).result()
    assert weights.cached(world.tiny) is None
    assert weights.fetch(world.tiny, ONLINE).result().read_bytes() == world.tiny_member
    assert served.asked[-1] == "bytes=20000-"
    assert kept(tmp_path) == [f"tiny-{world.tiny.digest[:16]}.onnx"]


def test_wrong_bytes_are_refused_and_nothing_is_left(world: World, served: Served, tmp_path: Path) -> None:
    served.content = world.tiny_wheel[:-1] + b"!"
    with pytest.raises(WrongWeights, match="not the pinned"):
        weights.fetch(world.tiny, ONLINE).result()
    assert kept(tmp_path) == []


def test_a_wrong_beginning_of_an_earlier_run_is_forgotten(world: World, served: Served) -> None:
    served.content = world.tiny_wheel
    part = weights.weights_folder() / f"tiny-{world.tiny.wheel.sha256[:16]}.part"  # type: ignore[union-attr]
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 10_000)
    assert weights.fetch(world.tiny, ONLINE).result().read_bytes() == world.tiny_member
    assert not part.exists()


def test_a_member_that_is_not_the_pinned_one(world: World, served: Served, tmp_path: Path) -> None:
    served.content = world.tiny_wheel
    wheel = replace(world.tiny.wheel, member_sha256="0" * 64)  # type: ignore[type-var]
    with pytest.raises(WrongWeights):
        weights.fetch(replace(world.tiny, wheel=wheel), ONLINE).result()
    assert kept(tmp_path) == []


def test_tensors_that_are_not_the_pinned_ones(world: World, served: Served, tmp_path: Path) -> None:
    served.content = world.dino_wheel
    with pytest.raises(WrongWeights, match="does not hold the tensors of dino"):
        weights.fetch(replace(world.dino, digest="0" * 64), ONLINE).result()
    assert kept(tmp_path) == []


def test_two_at_once_are_harmless(
    world: World, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samekind.encoders.download._CHUNK", 10_000)
    served.content = world.tiny_wheel
    one, other = weights.fetch(world.tiny, ONLINE), weights.fetch(world.tiny, ONLINE)
    steps, other_steps = iter(one), iter(other)
    for _ in range(2):
        next(steps), next(other_steps)
    list(steps), list(other_steps)
    assert one.result() == other.result()
    assert one.result().read_bytes() == world.tiny_member
    assert kept(tmp_path) == [one.result().name]


def test_the_hub_comes_first(world: World, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served.content = world.hub_file
    monkeypatch.setenv("HF_ENDPOINT", served.url)
    path = weights.fetch(world.dino, ONLINE).result()
    assert tensors_sha256(load_file(path)) == world.dino.digest
    assert kept(tmp_path) == [path.name]


def test_wrong_bytes_from_the_hub_leave_it_to_the_index(
    world: World, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(b"an error page") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        served.content = world.dino_wheel
        path = weights.fetch(world.dino, ONLINE).result()
    assert kept(tmp_path) == [path.name]


def test_the_hubs_own_cache_is_used(world: World, tmp_path: Path) -> None:
    there = tmp_path / "hub" / "hub" / "models--someone--small" / "snapshots" / ("f" * 40)
    there.mkdir(parents=True)
    (there / "model.safetensors").write_bytes(world.hub_file)
    assert tensors_sha256(load_file(weights.fetch(world.dino, ONLINE).result())) == world.dino.digest


def test_offline_says_what_to_do(world: World, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing) as caught:
        weights.fetch(world.dino, OFFLINE).result()
    sentence = str(caught.value)
    assert "`samekind encoders fetch dino`" in sentence
    assert "`samekind encoders import FILE`" in sentence
    assert not (tmp_path / "cache").exists()


def test_nothing_reachable_names_each_source(world: World, served: Served) -> None:
    served.status = 404
    with pytest.raises(WeightsMissing, match=r"model hub: .*; package index: "):
        weights.fetch(world.dino, ONLINE).result()


def test_pip_fetches_where_we_cannot(
    world: World, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.status = 403

    def by_pip(_: str, __: str, folder: Path) -> Path:
        (folder / "a.whl").write_bytes(world.tiny_wheel)
        return folder / "a.whl"

    monkeypatch.setattr(weights, "pip_download", by_pip)
    assert weights.fetch(world.tiny, ONLINE).result().read_bytes() == world.tiny_member
    assert len(kept(tmp_path)) == 1


def test_a_cached_file_cut_short_is_fetched_again(world: World, served: Served) -> None:
    served.content = world.tiny_wheel
    path = weights.fetch(world.tiny, ONLINE).result()
    path.write_bytes(world.tiny_member[:1000])
    assert weights.cached(world.tiny) is None
    assert weights.fetch(world.tiny, ONLINE).result().read_bytes() == world.tiny_member


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="wants a folder that cannot be written")
def test_a_cache_that_cannot_be_written(world: World, tmp_path: Path, served: Served) -> None:
    (tmp_path / "cache").mkdir(mode=0o500)
    with pytest.raises(StorageError, match="SAMEKIND_CACHE"):
        weights.fetch(world.tiny, ONLINE).result()


def test_a_cache_below_a_file(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="SAMEKIND_CACHE"):
        weights.fetch(world.tiny, ONLINE).result()


@pytest.mark.parametrize("what", ["dino_wheel", "dino_member", "hub_file", "tiny_wheel", "tiny_member"])
def test_import_knows_a_file_by_its_content(world: World, tmp_path: Path, what: str) -> None:
    file = tmp_path / "brought"
    file.write_bytes(getattr(world, what))
    name, path = weights.import_file(file)
    assert name == ("tiny" if what.startswith("tiny") else "dino")
    assert path == weights.cached(catalog.WEIGHTS[name])
    assert file.exists()


def test_import_takes_the_cached_file_of_another_machine(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brought").write_bytes(world.dino_wheel)
    _, path = weights.import_file(tmp_path / "brought")
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "second"))
    assert weights.import_file(path)[0] == "dino"
    assert weights.cached(world.dino)


def test_import_refuses_anything_else(world: World, tmp_path: Path) -> None:
    file = tmp_path / "brought"
    for raw in (b"", b"something", b"\x08" + b"\0" * 7 + b"{broken}"):
        file.write_bytes(raw)
        with pytest.raises(WrongWeights):
            weights.import_file(file)
    save_file({**world.tensors, "extra": np.ones(3, np.float32)}, file)
    with pytest.raises(WrongWeights):
        weights.import_file(file)
    with pytest.raises(WeightsMissing):
        weights.import_file(tmp_path / "no such file")
    assert kept(tmp_path) == []


def test_pip_says_where_a_wheel_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real pip against an index in a folder."""
    metadata = "Metadata-Version: 2.1\nName: a-name\nVersion: 1.0.dev0\n"
    with zipfile.ZipFile(tmp_path / "a_name-1.0.dev0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("a_name-1.0.dev0.dist-info/METADATA", metadata)
        wheel.writestr("a_name-1.0.dev0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("a_name-1.0.dev0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("pip is not installed in this environment")
    assert wheel_url("a-name", "1.0.dev0").endswith("/a_name-1.0.dev0-py3-none-any.whl")
    with pytest.raises(Unreachable):
        wheel_url("a-name", "2.0")


def test_pip_that_says_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for reply in ("", "{}", json.dumps({"install": []}), "[]"):
        monkeypatch.setattr("samekind.encoders.download._pip", lambda _, reply=reply: reply)
        with pytest.raises(Unreachable, match="did not say"):
            wheel_url("a", "1")


def test_packaged_weights_are_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lite = catalog.WEIGHTS["lite"]
    path = weights.cached(lite)
    assert path
    assert path.stat().st_size == lite.size
    with pytest.raises(WrongWeights, match="force-reinstall"):
        weights.cached(replace(lite, digest="0" * 64))
