"""The runtime: batches that shrink when memory runs out, precision from the machine, the compiled form kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samekind.encoders import runtime
from samekind.encoders.runtime import Network, native_precision
from samekind.encoders.vit import build_vit
from samekind.errors import EncoderError
from samekind.settings import Settings
from tests.encoders.small import VIT, pictures, vit_tensors


def build() -> Any:
    return build_vit(vit_tensors(), 42, VIT)


@pytest.fixture
def network() -> Network:
    return Network(build, Settings(threads=1))


class Narrow:
    """A compiled model that fails on more than ``most`` pictures."""

    def __init__(self, most: int, problem: type[Exception] = RuntimeError) -> None:
        self.most, self.problem = most, problem
        self.sizes: list[int] = []

    def __call__(self, images: np.ndarray) -> list[np.ndarray]:
        self.sizes.append(len(images))
        if len(images) > self.most:
            raise self.problem("no memory")
        return [images[:, 0, 0, :, None].astype(np.float32)]


def test_batches_are_cut_and_put_together(network: Network) -> None:
    images = pictures(37, 42)
    network._compiled = Narrow(16)
    np.testing.assert_array_equal(network(images), images[:, 0, 0])
    assert network._compiled.sizes == [16, 16, 5]


@pytest.mark.parametrize("problem", [RuntimeError, MemoryError])
def test_a_batch_that_fails_is_halved_for_good(network: Network, problem: type[Exception]) -> None:
    images = pictures(20, 42)
    network._compiled = Narrow(5, problem)
    np.testing.assert_array_equal(network(images), images[:, 0, 0])
    assert network._compiled.sizes == [16, 8, 4, 4, 4, 4, 4]
    assert [choice.value for choice in network.choices if choice.what == "batch"] == ["16", "8", "4"]
    network(images[:6])
    assert network._compiled.sizes[-2:] == [4, 2]


def test_one_picture_that_fails_is_an_error(network: Network) -> None:
    network._compiled = Narrow(0)
    with pytest.raises(EncoderError, match="single picture"):
        network(pictures(3, 42))


def test_precision_is_what_the_processor_does() -> None:
    assert native_precision(["FP32", "BF16", "INT8"])[0] == "bf16"
    assert native_precision(["FP32", "INT8"])[0] == "f32"


def test_choices_are_said(network: Network) -> None:
    assert {choice.what for choice in network.choices} == {"precision", "threads", "batch"}
    assert all(choice.why for choice in network.choices)


class TestKept:
    """The compiled form in the cache folder."""

    @pytest.fixture(autouse=True)
    def _cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path))

    def never(self) -> Any:
        raise AssertionError("built again")

    def files(self, folder: Path) -> list[Path]:
        return list((folder / "compiled").iterdir())

    def test_is_taken_without_building(self, tmp_path: Path) -> None:
        images = pictures(2, 42)
        first = Network(build, Settings(), key="small@42")(images)
        assert len(self.files(tmp_path)) == 1
        np.testing.assert_array_equal(Network(self.never, Settings(), key="small@42")(images), first)

    def test_is_not_mistaken_for_another(self, tmp_path: Path) -> None:
        Network(build, Settings(), key="small@42")
        with pytest.raises(AssertionError):
            Network(self.never, Settings(), key="small@56")

    def test_outdated_ones_are_replaced(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        Network(build, Settings(), key="small@42")
        monkeypatch.setattr(runtime, "_code_digest", lambda: "changed")
        Network(build, Settings(), key="small@42")
        assert len(self.files(tmp_path)) == 1

    @pytest.mark.parametrize("keep", [0, 100, 20_000])
    def test_damaged_ones_are_made_anew(self, tmp_path: Path, keep: int) -> None:
        images = pictures(1, 42)
        first = Network(build, Settings(), key="small@42")(images)
        (file,) = self.files(tmp_path)
        file.write_bytes(file.read_bytes()[:keep])
        np.testing.assert_array_equal(Network(build, Settings(), key="small@42")(images), first)
        np.testing.assert_array_equal(Network(self.never, Settings(), key="small@42")(images), first)

    def test_a_full_disk_does_not_matter(self, tmp_path: Path) -> None:
        (tmp_path / "compiled").touch()
        assert len(Network(build, Settings(), key="small@42")(pictures(1, 42))) == 1
