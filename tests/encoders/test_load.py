"""Encoders by name: what is loaded, what is fetched, what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from samekind.encoders.load import fetch, is_fetched, load_encoder
from samekind.errors import EncoderError, UsageError, WeightsMissing
from samekind.settings import Settings
from tests.encoders.small import write_onnx

OFFLINE = Settings(offline=True)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))


def test_lite_needs_nothing() -> None:
    assert is_fetched("lite")
    assert fetch("lite", OFFLINE).result()[0].suffix == ".pth"
    encoder = load_encoder("lite", OFFLINE)
    assert (encoder.name, encoder.dim, encoder.input_side) == ("lite", 1280, 256)


def test_a_missing_encoder_leaves_nothing(tmp_path: Path) -> None:
    assert not is_fetched("best")
    with pytest.raises(WeightsMissing, match="dino"):
        load_encoder("best", OFFLINE)
    assert not (tmp_path / "cache").exists()


def test_an_onnx_file(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "a.onnx")
    assert fetch(f"onnx:{path}", OFFLINE).result() == ()
    encoder = load_encoder(f"onnx:{path}", OFFLINE)
    assert (encoder.name, encoder.dim, encoder.input_side) == (f"onnx:{path}", 5, 32)
    (tmp_path / "b.onnx").write_bytes(path.read_bytes())
    assert load_encoder(f"onnx:{tmp_path / 'b.onnx'}", OFFLINE).fingerprint == encoder.fingerprint


def test_the_name_of_an_onnx_file_holds_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_onnx(tmp_path / "a.onnx")
    monkeypatch.chdir(tmp_path)
    assert load_encoder("onnx:a.onnx", OFFLINE).name == f"onnx:{tmp_path / 'a.onnx'}"


def test_errors() -> None:
    with pytest.raises(EncoderError, match="There is no ONNX file"):
        load_encoder("onnx:nothing", OFFLINE)
    for call in (fetch, is_fetched, load_encoder):
        with pytest.raises(UsageError, match="Did you mean"):
            call("dinno")


def test_threads_are_the_ones_asked_for() -> None:
    said = {choice.what: choice for choice in load_encoder("lite", Settings(threads=1)).choices}
    assert (said["threads"].value, said["threads"].why) == ("1", "as set")
