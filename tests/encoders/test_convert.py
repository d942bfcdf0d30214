"""The same tensors from every kind of file, and a hash that sees every change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from samekind.encoders.convert import dino_from_hub, dino_tensors, tensors_sha256
from samekind.errors import WrongWeights
from tests.encoders.small import hub_tensors, vit_tensors


def export(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    """The weights as an exporter leaves them: anonymous transposed matrices, the class token's position shared."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, kept, outputs = [], [], []
    for place, (name, values) in enumerate(tensors.items()):
        if name == "pos_embed":
            kept.append(numpy_helper.from_array(values[:, 1:], f"onnx::Reshape_{place}"))
            nodes.append(helper.make_node("Add", ["x", kept[-1].name], [f"o{place}"], name="/Reshape_1"))
        elif name.startswith("blocks.") and values.ndim == 2:
            kept.append(numpy_helper.from_array(np.ascontiguousarray(values.T), f"onnx::MatMul_{place}"))
            at = "/" + name.removesuffix("weight").replace(".", "/").replace("blocks/", "blocks.") + "MatMul"
            ones = numpy_helper.from_array(np.ones((1, values.shape[1]), np.float32), f"ones{place}")
            kept.append(ones)
            nodes.append(helper.make_node("Add", ["x", ones.name], [f"i{place}"]))
            nodes.append(helper.make_node("MatMul", [f"i{place}", f"onnx::MatMul_{place}"], [f"m{place}"], name=at))
            nodes.append(helper.make_node("Add", ["x", f"m{place}"], [f"o{place}"]))
        else:
            kept.append(numpy_helper.from_array(values, f"model.{name}"))
            nodes.append(helper.make_node("Add", ["x", f"model.{name}"], [f"o{place}"]))
        outputs.append(helper.make_tensor_value_info(f"o{place}", TensorProto.FLOAT, None))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph(nodes, "export", [x], outputs, kept)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    made = vit_tensors()
    made["pos_embed"][:, :1] = made["cls_token"]
    return made


def test_three_files_one_hash(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    digest = tensors_sha256(tensors)
    save_file(tensors, tmp_path / "ours")
    save_file(hub_tensors(tensors), tmp_path / "hub")
    export(tmp_path / "export.onnx", tensors)
    for name in ("ours", "hub", "export.onnx"):
        found = dino_tensors(tmp_path / name)
        assert found.keys() == tensors.keys(), name
        assert tensors_sha256(found) == digest, name


def test_hub_names_come_back(tensors: dict[str, np.ndarray]) -> None:
    found = dino_from_hub(hub_tensors(tensors))
    np.testing.assert_array_equal(found["blocks.1.attn.qkv.weight"], tensors["blocks.1.attn.qkv.weight"])


def test_the_hash_sees_names_shapes_and_every_element(tensors: dict[str, np.ndarray]) -> None:
    digest = tensors_sha256(tensors)
    assert tensors_sha256(dict(reversed(tensors.items()))) == digest
    assert tensors_sha256({name: np.asfortranarray(values) for name, values in tensors.items()}) == digest
    changed = tensors["norm.bias"].copy()
    changed[3] = np.nextafter(changed[3], np.float32(9))
    assert tensors_sha256({**tensors, "norm.bias": changed}) != digest
    assert tensors_sha256({**tensors, "norm.bias": tensors["norm.bias"].reshape(2, -1)}) != digest
    assert tensors_sha256({**tensors, "extra": changed}) != digest


@pytest.mark.parametrize("raw", [b"", b"nothing of the kind", b"\x08" + b"\0" * 7 + b"{broken}", b"\xff" * 8 + b"{"])
def test_other_files_are_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "file").write_bytes(raw)
    with pytest.raises(WrongWeights, match="cannot be read as weights"):
        dino_tensors(tmp_path / "file")


def test_a_hub_file_that_lacks_a_matrix_is_refused(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    stored = hub_tensors(tensors)
    del stored["encoder.layer.0.attention.attention.key.weight"]
    save_file(stored, tmp_path / "hub")
    with pytest.raises(WrongWeights):
        dino_tensors(tmp_path / "hub")
