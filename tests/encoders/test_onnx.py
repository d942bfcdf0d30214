"""Networks from ONNX files: both layouts, open and fixed sides, and a sentence for anything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from samekind.encoders.onnx import read_onnx
from samekind.encoders.vit import IMAGENET_MEAN, IMAGENET_STD
from samekind.errors import EncoderError
from tests.encoders.small import pictures, run, write_onnx


@pytest.mark.parametrize("uint8", [False, True])
@pytest.mark.parametrize(("side", "expected"), [(32, 32), ("s", 224)])
def test_agrees_with_the_onnx_reference(tmp_path: Path, uint8: bool, side: int | str, expected: int) -> None:
    path = write_onnx(tmp_path / "a.onnx", uint8=uint8, side=side)
    model, found_side, dim = read_onnx(path)
    assert (found_side, dim) == (expected, 5)
    images = pictures(2, expected)
    floats = ((images / 255 - IMAGENET_MEAN) / IMAGENET_STD).astype(np.float32).transpose(0, 3, 1, 2)
    feed = {"pictures": images} if uint8 else {"x": floats}
    (reference,) = ReferenceEvaluator(onnx.load(str(path))).run(None, feed)
    scale = np.abs(reference).max()
    np.testing.assert_allclose(run(model, images).reshape(2, 5) / scale, reference.reshape(2, 5) / scale, atol=1e-4)


def test_a_map_flattens(tmp_path: Path) -> None:
    assert read_onnx(write_onnx(tmp_path / "a.onnx", pooled=False))[2] == 5 * 8 * 8


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="There is no ONNX file"):
        read_onnx(tmp_path / "a.onnx")
    (tmp_path / "a.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(EncoderError, match="cannot be read"):
        read_onnx(tmp_path / "a.onnx")


@pytest.mark.parametrize(
    "shape",
    [["n", 1, 32, 32], ["n", 3, 32, 48], ["n", 3, 32], ["n", 7]],
    ids=["one channel", "not square", "no width", "a row"],
)
def test_inputs_of_other_forms_are_named(tmp_path: Path, shape: list[int | str]) -> None:
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("Flatten", ["x"], ["y"])],
        "other",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(tmp_path / "a.onnx"))
    with pytest.raises(EncoderError, match="must have one input"):
        read_onnx(tmp_path / "a.onnx")
