"""Small networks and files for the tests: random weights in the right shapes."""

from __future__ import annotations

import pickle
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samekind.encoders.engine import core, openvino
from samekind.encoders.vit import ViTShape

WIDTH = 32
VIT = ViTShape(patch=14, heads=2, epsilon=1e-6)


def run(model: Any, pictures: np.ndarray) -> np.ndarray:
    """The first output of an OpenVINO model in float32."""
    assert openvino()
    compiled = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled(pictures)[0])


def pictures(count: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def vit_tensors(grid: int = 3, blocks: int = 2, seed: int = 0) -> dict[str, np.ndarray]:
    """A vision transformer of width 32 with positions for a grid of ``grid`` x ``grid`` patches."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 0.2, mean: float = 0.0) -> np.ndarray:
        return (mean + scale * rng.standard_normal(shape)).astype(np.float32)

    tensors = {
        "cls_token": normal(1, 1, WIDTH),
        "pos_embed": normal(1, 1 + grid * grid, WIDTH),
        "patch_embed.proj.weight": normal(WIDTH, 3, 14, 14, scale=0.05),
        "patch_embed.proj.bias": normal(WIDTH),
        "norm.weight": normal(WIDTH, mean=1.0),
        "norm.bias": normal(WIDTH),
    }
    for block in range(blocks):
        at = f"blocks.{block}."
        for norm in ("norm1", "norm2"):
            tensors[at + norm + ".weight"], tensors[at + norm + ".bias"] = normal(WIDTH, mean=1.0), normal(WIDTH)
        for name, out, into in (
            ("attn.qkv", 3 * WIDTH, WIDTH),
            ("attn.proj", WIDTH, WIDTH),
            ("mlp.fc1", 4 * WIDTH, WIDTH),
            ("mlp.fc2", WIDTH, 4 * WIDTH),
        ):
            tensors[at + name + ".weight"], tensors[at + name + ".bias"] = normal(out, into), normal(out)
        tensors[at + "ls1.gamma"], tensors[at + "ls2.gamma"] = normal(WIDTH, mean=0.5), normal(WIDTH, mean=0.5)
    return tensors


def efficientnet_tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Stem, three blocks (plain; widened and strided, 5 x 5; widened with a skip), head of 12, 5 classes."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, np.ndarray] = {}

    def conv(name: str, norm: str, out: int, into: int, size: int) -> None:
        scale = 1.5 / np.sqrt(into * size * size)
        tensors[name + ".weight"] = (scale * rng.standard_normal((out, into, size, size))).astype(np.float32)
        tensors[norm + ".weight"] = rng.uniform(0.5, 1.5, out).astype(np.float32)
        tensors[norm + ".bias"] = rng.normal(0.3, 0.3, out).astype(np.float32)
        tensors[norm + ".running_mean"] = rng.normal(0, 0.2, out).astype(np.float32)
        tensors[norm + ".running_var"] = rng.uniform(0.01, 1.5, out).astype(np.float32)

    conv("_conv_stem", "_bn0", 4, 3, 3)
    for block, (into, wide, out, size) in enumerate([(4, 4, 6, 3), (6, 12, 8, 5), (8, 16, 8, 3)]):
        at = f"_blocks.{block}."
        if wide != into:
            conv(at + "_expand_conv", at + "_bn0", wide, into, 1)
        conv(at + "_depthwise_conv", at + "_bn1", wide, 1, size)
        conv(at + "_project_conv", at + "_bn2", out, wide, 1)
    conv("_conv_head", "_bn1", 12, 8, 1)
    tensors["_fc.weight"] = rng.standard_normal((5, 12)).astype(np.float32)
    tensors["_fc.bias"] = rng.standard_normal(5).astype(np.float32)
    return tensors


EFFICIENTNET_STRIDED = frozenset({1})


def hub_tensors(original: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same transformer under the model hub's names."""
    renamed = {"embeddings.mask_token": np.zeros((1, WIDTH), np.float32)}
    for name, values in original.items():
        at, _, rest = name.partition("attn.qkv.")
        if rest:
            layer = "encoder.layer." + at.removeprefix("blocks.")
            for which, third in zip(("query", "key", "value"), np.split(values, 3), strict=True):
                renamed[f"{layer}attention.attention.{which}.{rest}"] = third
            continue
        for old, new in (
            ("blocks.", "encoder.layer."),
            ("attn.proj", "attention.output.dense"),
            ("ls1.gamma", "layer_scale1.lambda1"),
            ("ls2.gamma", "layer_scale2.lambda1"),
            ("pos_embed", "embeddings.position_embeddings"),
            ("cls_token", "embeddings.cls_token"),
            ("patch_embed.proj", "embeddings.patch_embeddings.projection"),
        ):
            name = name.replace(old, new)
        renamed[f"layernorm.{name.removeprefix('norm.')}" if name.startswith("norm.") else name] = values
    return renamed


def write_legacy(path: Path, tensors: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in PyTorch's legacy format, by a pickler that finds stand-ins for PyTorch's names."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for kind in ("FloatStorage", "LongStorage"):
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*_: Any) -> None: ...

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    torch._utils = utils  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Storage:
        def __init__(self, key: str, data: np.ndarray) -> None:
            self.key, self.data = key, data

    class Tensor:
        def __init__(self, storage: Storage, values: np.ndarray) -> None:
            self.storage, self.values = storage, values

        def __reduce__(self) -> Any:
            strides = tuple(step // self.values.itemsize for step in self.values.strides)
            return _rebuild_tensor_v2, (self.storage, 0, self.values.shape, strides, False, OrderedDict())

    class Pickler(pickle.Pickler):
        def persistent_id(self, one: Any) -> Any:
            if not isinstance(one, Storage):
                return None
            kind = torch.FloatStorage if one.data.dtype == np.float32 else torch.LongStorage  # type: ignore[attr-defined]
            return "storage", kind, one.key, "cpu", len(one.data), None

    storages = [Storage(str(1000 + n), values.ravel(order="K")) for n, values in enumerate(tensors.values())]
    table = OrderedDict(
        (name, Tensor(storage, values)) for (name, values), storage in zip(tensors.items(), storages, strict=True)
    )
    with path.open("wb") as file:
        for plain in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}):
            pickle.dump(plain, file, 2)
        Pickler(file, 2).dump(table)
        pickle.dump([storage.key for storage in storages], file, 2)
        for storage in storages:
            file.write(len(storage.data).to_bytes(8, "little") + storage.data.tobytes())


def write_onnx(path: Path, *, uint8: bool = False, side: int | str = 32, dim: int = 5, pooled: bool = True) -> Path:
    """A network of one strided convolution and a mean over the map; ``side`` may be a name, which leaves it open."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(3)
    kernel = numpy_helper.from_array(rng.standard_normal((dim, 3, 4, 4)).astype(np.float32), "kernel")
    shape = ["n", side, side, 3] if uint8 else ["n", 3, side, side]
    kind = TensorProto.UINT8 if uint8 else TensorProto.FLOAT
    nodes = [helper.make_node("Conv", ["x", "kernel"], ["map"], strides=[4, 4])]
    if uint8:
        nodes = [
            helper.make_node("Cast", ["pictures"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["floats"], ["x"], perm=[0, 3, 1, 2]),
            *nodes,
        ]
    if pooled:
        nodes.append(helper.make_node("GlobalAveragePool", ["map"], ["vector"]))
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("pictures" if uint8 else "x", kind, shape)],
        [helper.make_tensor_value_info("vector" if pooled else "map", TensorProto.FLOAT, None)],
        [kernel],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path
