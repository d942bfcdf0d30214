"""Small ONNX networks, as common exporters write them, for trunks to be read from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SIDE, WIDTH, HEADS = 32, 24, 2


class Drawing:
    """An ONNX graph that grows by one operator a call; constants are drawn at random."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._rng = np.random.default_rng(3)

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        from onnx import helper

        names = [f"{kind}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=f"/{kind}_{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, values: Any) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(values), f"constant_{len(self.constants)}"))
        return self.constants[-1].name

    def drawn(self, *shape: int, mean: float = 0.0, scale: float = 0.2) -> str:
        return self.constant((mean + scale * self._rng.standard_normal(shape)).astype(np.float32))

    def linear(self, x: str, into: int, out: int) -> str:
        return self.op("Add", self.op("MatMul", x, self.drawn(into, out)), self.drawn(out))

    def shape(self, x: str, *wanted: int | None) -> str:
        """The lengths of some axes of ``x``, numbered from the left where None stands, other numbers as they are."""
        parts, lengths = [], self.op("Shape", x)
        for axis, length in enumerate(wanted):
            if length is None:
                one = self.op("Gather", lengths, self.constant(np.int64(axis)), axis=0)
                parts.append(self.op("Unsqueeze", one, self.constant(np.array([0]))))
            else:
                parts.append(self.constant(np.array([length])))
        return self.op("Concat", *parts, axis=0)

    def save(self, path: Path, out: str) -> Path:
        import onnx
        from onnx import TensorProto, helper

        shape = ["n", 3, SIDE, SIDE]
        graph = helper.make_graph(
            self.nodes,
            "small",
            [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, None)],
            self.constants,
        )
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
        return path


def write_vit(path: Path, blocks: int = 3) -> Path:
    """Class token and 16 patches, shapes asked for on the way, GELU by its error function."""
    draw = Drawing()
    x = draw.op("Conv", "pictures", draw.drawn(WIDTH, 3, 8, 8, scale=0.1), draw.drawn(WIDTH), strides=[8, 8])
    x = draw.op("Transpose", draw.op("Reshape", x, draw.shape(x, None, None, -1)), perm=[0, 2, 1])
    first = draw.op("Expand", draw.drawn(1, 1, WIDTH), draw.shape(x, None, 1, WIDTH))
    x = draw.op("Add", draw.op("Concat", first, x, axis=1), draw.drawn(1, 17, WIDTH))
    for _ in range(blocks):
        y = _norm(draw, x)
        y = draw.op("Reshape", draw.linear(y, WIDTH, 3 * WIDTH), draw.shape(y, None, None, 3, HEADS, -1))
        y = draw.op("Transpose", y, perm=[2, 0, 3, 1, 4])
        query, key, value = (
            draw.op("Squeeze", part, draw.constant(np.array([0])))
            for part in draw.op("Split", y, draw.constant(np.array([1, 1, 1])), outputs=3, axis=0)
        )
        scale = draw.constant(np.float32((WIDTH // HEADS) ** -0.5))
        scores = draw.op("Mul", draw.op("MatMul", query, draw.op("Transpose", key, perm=[0, 1, 3, 2])), scale)
        seen = draw.op("MatMul", draw.op("Softmax", scores, axis=-1), value)
        seen = draw.op("Transpose", seen, perm=[0, 2, 1, 3])
        x = draw.op("Add", x, draw.linear(draw.op("Reshape", seen, draw.shape(x, None, None, WIDTH)), WIDTH, WIDTH))
        y = draw.linear(_norm(draw, x), WIDTH, 2 * WIDTH)
        half, one = draw.constant(np.float32(0.5)), draw.constant(np.float32(1))
        error = draw.op("Erf", draw.op("Div", y, draw.constant(np.float32(2**0.5))))
        y = draw.op("Mul", draw.op("Mul", y, draw.op("Add", error, one)), half)
        x = draw.op("Add", x, draw.linear(y, 2 * WIDTH, WIDTH))
    return draw.save(path, draw.op("Gather", _norm(draw, x), draw.constant(np.int64(0)), axis=1))


def _norm(draw: Drawing, x: str) -> str:
    return draw.op("LayerNormalization", x, draw.drawn(WIDTH, mean=1.0), draw.drawn(WIDTH), axis=-1, epsilon=1e-6)


def write_conv(path: Path, blocks: int = 3, last: str = "GlobalAveragePool", channels_last: bool = False) -> Path:
    """A residual network of batch norms, grouped convolutions and squeeze-and-excite; ``last`` pools.

    With ``channels_last`` the maps between blocks are (n, h, w, d).
    """
    draw = Drawing()
    x = draw.op("Conv", "pictures", draw.drawn(WIDTH, 3, 3, 3, scale=0.3), strides=[2, 2], pads=[1, 1, 1, 1])
    x = draw.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for _ in range(blocks):
        y = _batch_norm(draw, draw.op("Conv", x, draw.drawn(WIDTH, WIDTH, 1, 1)))
        y = draw.op("Relu", y)
        y = draw.op("Conv", y, draw.drawn(WIDTH, 8, 3, 3), group=3, pads=[1, 1, 1, 1])
        gate = draw.op("Conv", draw.op("GlobalAveragePool", y), draw.drawn(WIDTH, WIDTH, 1, 1))
        y = _batch_norm(draw, draw.op("Mul", y, draw.op("Sigmoid", gate)))
        if channels_last:
            x, y = (draw.op("Transpose", one, perm=[0, 2, 3, 1]) for one in (x, y))
        x = draw.op("Add", x, y)
        if channels_last:
            x = draw.op("Transpose", x, perm=[0, 3, 1, 2])
    x = draw.op("Clip", x, draw.constant(np.float32(0)), draw.constant(np.float32(6)))
    return draw.save(path, draw.op("Flatten", draw.op(last, x), axis=1))


def _batch_norm(draw: Drawing, x: str) -> str:
    scale, bias, mean = draw.drawn(WIDTH, mean=1.0), draw.drawn(WIDTH), draw.drawn(WIDTH)
    return draw.op("BatchNormalization", x, scale, bias, mean, draw.drawn(WIDTH, mean=2.0), epsilon=1e-3)
