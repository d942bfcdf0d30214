"""Each operator in torch against OpenVINO itself, and what is said where one is not known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samekind.adapt import adapt
from samekind.adapt.operators import TABLE
from samekind.encoders.engine import core, openvino, operators
from samekind.errors import UsageError
from tests.adapt.networks import write_conv
from tests.encoders.small import write_onnx

torch = pytest.importorskip("torch", reason="training wants torch: pip install 'samekind[adapt]'")

TOKENS, MAP = (2, 9, 8), (2, 6, 7, 7)
RNG = np.random.default_rng(0)


def drawn(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def at(*numbers: int) -> np.ndarray:
    return np.array(numbers)


def _strided(op: Any, x: Any, start: Any, stop: Any, step: Any, **masks: list[int]) -> Any:
    each = [masks.get(name, [0, 0]) for name in ("begin", "end", "new", "one", "rest")]
    return op.strided_slice(x, start, stop, step, *each)


OFF, ON, STEP = [0, 0], [1, 1], [2, 2]
Build = Callable[[Any, Any], Any]
BUILDS: list[tuple[str, tuple[int, ...], Build]] = [
    ("add", TOKENS, lambda op, x: op.add(x, drawn(8))),
    ("subtract", TOKENS, lambda op, x: op.subtract(x, drawn(8))),
    ("multiply", TOKENS, lambda op, x: op.multiply(x, drawn(9, 1))),
    ("divide", TOKENS, lambda op, x: op.divide(x, np.float32(3))),
    ("divide whole", TOKENS, lambda op, x: op.divide(op.convert(op.multiply(x, np.float32(9)), "i64"), np.int64(4))),
    ("floor mod", TOKENS, lambda op, x: op.floor_mod(op.convert(op.multiply(x, np.float32(9)), "i64"), np.int64(4))),
    ("maximum", TOKENS, lambda op, x: op.maximum(x, np.float32(0.1))),
    ("minimum", TOKENS, lambda op, x: op.minimum(x, np.float32(0.1))),
    ("power", TOKENS, lambda op, x: op.power(x, np.float32(3))),
    ("root", TOKENS, lambda op, x: op.power(op.relu(x), np.float32(1 / 3))),
    ("powers", TOKENS, lambda op, x: op.power(op.exp(x), drawn(8))),
    ("sqrt", TOKENS, lambda op, x: op.sqrt(op.relu(x))),
    ("exp", TOKENS, lambda op, x: op.exp(x)),
    ("negative", TOKENS, lambda op, x: op.negative(x)),
    ("convert", TOKENS, lambda op, x: op.convert(op.convert(x, "i32"), "f32")),
    ("convert to truth", TOKENS, lambda op, x: op.convert(op.convert(x, "boolean"), "f32")),
    ("erf", TOKENS, lambda op, x: op.erf(x)),
    ("gelu", TOKENS, lambda op, x: op.gelu(x, "erf")),
    ("gelu tanh", TOKENS, lambda op, x: op.gelu(x, "tanh")),
    ("sigmoid", TOKENS, lambda op, x: op.sigmoid(x)),
    ("swish", TOKENS, lambda op, x: op.swish(x)),
    ("swish beta", TOKENS, lambda op, x: op.swish(x, np.float32(1.5))),
    ("hswish", TOKENS, lambda op, x: op.hswish(x)),
    ("hsigmoid", TOKENS, lambda op, x: op.hsigmoid(x)),
    ("tanh", TOKENS, lambda op, x: op.tanh(x)),
    ("relu", TOKENS, lambda op, x: op.relu(x)),
    ("clamp", TOKENS, lambda op, x: op.clamp(x, -0.5, 0.5)),
    ("softmax", TOKENS, lambda op, x: op.softmax(x, 1)),
    ("matmul", TOKENS, lambda op, x: op.matmul(x, drawn(8, 5), False, False)),
    ("matmul turned", TOKENS, lambda op, x: op.matmul(x, drawn(5, 8), False, True)),
    ("matmul both", TOKENS, lambda op, x: op.matmul(x, x, True, False)),
    ("mvn last", TOKENS, lambda op, x: op.mvn(x, at(-1), True, 1e-3, "inside_sqrt")),
    ("mvn map", MAP, lambda op, x: op.mvn(x, at(1, 2, 3), True, 1e-3, "outside_sqrt")),
    ("mvn mean", MAP, lambda op, x: op.mvn(x, at(2, 3), False, 1e-3, "inside_sqrt")),
    ("batch norm", MAP, lambda op, x: op.batch_norm_inference(x, drawn(6), drawn(6), drawn(6), drawn(6) ** 2, 1e-2)),
    ("normalize", TOKENS, lambda op, x: op.normalize_l2(x, at(-1), 1e-2, "add")),
    ("normalize max", TOKENS, lambda op, x: op.normalize_l2(x, at(-1), 9.0, "max")),
    ("attention", TOKENS, lambda op, x: op.scaled_dot_product_attention(x, x, x)),
    ("attention mask", TOKENS, lambda op, x: op.scaled_dot_product_attention(x, x, x, drawn(9, 9), np.float32(0.3))),
    ("attention causal", TOKENS, lambda op, x: op.scaled_dot_product_attention(x, x, x, causal=True)),
    ("convolution", MAP, lambda op, x: op.convolution(x, drawn(4, 6, 3, 3), STEP, ON, [0, 2], ON)),
    ("convolution spread", MAP, lambda op, x: op.convolution(x, drawn(4, 6, 3, 3), ON, OFF, OFF, STEP, "valid")),
    ("convolution upper", MAP, lambda op, x: op.convolution(x, drawn(4, 6, 4, 4), STEP, OFF, OFF, ON, "same_upper")),
    ("convolution lower", MAP, lambda op, x: op.convolution(x, drawn(4, 6, 4, 4), STEP, OFF, OFF, ON, "same_lower")),
    ("convolution line", TOKENS, lambda op, x: op.convolution(x, drawn(4, 9, 3), [1], [1], [1], [1])),
    ("groups", MAP, lambda op, x: op.group_convolution(x, drawn(3, 4, 2, 3, 3), ON, ON, ON, ON)),
    ("mean pool", MAP, lambda op, x: op.avg_pool(x, STEP, ON, ON, [3, 3], True)),
    ("mean pool padded", MAP, lambda op, x: op.avg_pool(x, STEP, ON, ON, [3, 3], False)),
    ("mean pool ceil", MAP, lambda op, x: op.avg_pool(x, STEP, OFF, OFF, STEP, True, "ceil")),
    ("max pool", MAP, lambda op, x: op.max_pool(x, STEP, ON, ON, ON, [3, 3])),
    ("pad", TOKENS, lambda op, x: op.pad(x, at(0, 1, 0), at(0, 0, 2), "constant", np.float32(2))),
    ("pad reflect", MAP, lambda op, x: op.pad(x, at(0, 0, 1, 2), at(0, 0, 2, 0), "reflect")),
    ("pad edge", MAP, lambda op, x: op.pad(x, at(0, 0, 1, 2), at(0, 0, 2, 0), "edge")),
    ("reshape", TOKENS, lambda op, x: op.reshape(x, at(0, 3, -1), True)),
    ("reshape plain", TOKENS, lambda op, x: op.reshape(x, at(-1, 8), False)),
    ("transpose", TOKENS, lambda op, x: op.transpose(x, at(2, 0, 1))),
    ("transpose all", TOKENS, lambda op, x: op.transpose(x, np.zeros(0, np.int64))),
    ("squeeze", (2, 1, 8), lambda op, x: op.squeeze(x, at(1))),
    ("unsqueeze", TOKENS, lambda op, x: op.unsqueeze(x, at(-1, 1))),
    ("gather one", TOKENS, lambda op, x: op.gather(x, np.int64(-1), np.int64(1))),
    ("gather some", TOKENS, lambda op, x: op.gather(x, np.array([[0, 2], [5, 1]]), np.int64(1))),
    ("concat", TOKENS, lambda op, x: op.concat([x, x, drawn(2, 9, 1)], -1)),
    ("split", TOKENS, lambda op, x: op.split(x, np.int64(1), 3)),
    ("split lengths", TOKENS, lambda op, x: op.variadic_split(x, np.int64(-1), at(3, -1, 1))),
    ("slice", TOKENS, lambda op, x: op.slice(x, at(1, -4), at(2**40, -1), at(3, 2), at(1, 2))),
    ("slice all", TOKENS, lambda op, x: op.slice(x, at(0, 1, 2), at(2, 9, 5), at(1, 1, 1))),
    ("strided slice", TOKENS, lambda op, x: _strided(op, x, at(1, 2), at(0, 7), at(1, 2), begin=[1, 0], end=[1, 0])),
    ("strided slice one", TOKENS, lambda op, x: _strided(op, x, at(0, 3), at(0, 4), at(1, 1), end=[1, 0], one=[0, 1])),
    ("strided slice end", TOKENS, lambda op, x: _strided(op, x, at(0, 3), at(0, 5), at(1, 1), rest=[1, 0])),
    ("strided slice new", TOKENS, lambda op, x: _strided(op, x, at(0, 1), at(0, 2), at(1, 1), new=[1, 0])),
    ("broadcast", (2, 1, 8), lambda op, x: op.broadcast(x, at(2, 9, 8))),
    ("shape", TOKENS, lambda op, x: op.shape_of(x)),
    (
        "range",
        TOKENS,
        lambda op, x: op.range(np.int64(1), op.squeeze(op.shape_of(op.shape_of(x)), at(0)), np.int64(1), "i64"),
    ),
    ("mean", TOKENS, lambda op, x: op.reduce_mean(x, at(1), False)),
    ("sum", TOKENS, lambda op, x: op.reduce_sum(x, at(1, 2), True)),
    ("greatest", TOKENS, lambda op, x: op.reduce_max(x, at(-1), False)),
    ("length", TOKENS, lambda op, x: op.reduce_l2(x, at(-1), True)),
]


def in_torch(value: Any, x: np.ndarray) -> Any:
    """What a graph gives, worked off by the table."""
    node = value.get_node()
    if node.get_type_name() == "Parameter":
        return torch.from_numpy(x)
    if node.get_type_name() == "Constant":
        return torch.from_numpy(np.array(node.data))
    found = TABLE[node.get_type_name()](node.get_attributes(), *(in_torch(one, x) for one in node.input_values()))
    return found[value.get_index()] if isinstance(found, tuple) else found


@pytest.mark.parametrize(("shape", "build"), [pytest.param(*rest, id=name) for name, *rest in BUILDS])
def test_it_is_what_openvino_computes(shape: tuple[int, ...], build: Build) -> None:
    picture = operators().parameter(list(shape), np.float32)
    node, x = build(operators(), picture), drawn(*shape)
    outputs = node.outputs()[:1] if node.get_type_name() == "MaxPool" else node.outputs()
    model = openvino().Model([operators().result(output) for output in outputs], [picture])
    compiled = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)
    for number, output in enumerate(outputs):
        found = in_torch(output, x).numpy()
        expected = np.array(compiled[number])
        assert found.shape == expected.shape
        np.testing.assert_allclose(found.astype(np.float64), expected.astype(np.float64), atol=2e-4)


def test_every_operator_is_tried() -> None:
    tried = set()
    for _, shape, build in BUILDS:
        picture = operators().parameter(list(shape), np.float32)
        model = openvino().Model([operators().result(build(operators(), picture).output(0))], [picture])
        tried |= {node.get_type_name() for node in model.get_ops()}
    assert set(TABLE) <= tried


def test_an_unknown_operator_is_one_sentence(tmp_path: Path) -> None:
    path = write_conv(tmp_path / "a.onnx", last="GlobalMaxPool")
    without = {name: operator for name, operator in TABLE.items() if name != "ReduceMax"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("samekind.adapt.trunk.TABLE", without)
        with pytest.raises(
            UsageError, match=r"onnx:.*a\.onnx: its operator ReduceMax is not known to it; take --method"
        ):
            adapt(["anything"], tmp_path / "out", f"onnx:{path}", "both")


def test_a_network_without_points_is_one_sentence(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "a.onnx")
    with pytest.raises(UsageError, match=r"nothing in its graph is a sum .*; take --method experts"):
        adapt(["anything"], tmp_path / "out", f"onnx:{path}", "both")
