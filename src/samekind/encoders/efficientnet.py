"""EfficientNet-Lite as an OpenVINO graph, built from plain tensors (Tan and Le, 2019; the Lite variant is Google's)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.engine import constant, openvino, operators

Tensors = Mapping[str, NDArray[Any]]

LITE0_STRIDED = frozenset({1, 3, 5, 11})
"""The blocks of Lite0 that halve the map; it cannot be read off the tensors."""
_EPSILON = 1e-3
_GEM = 3.0


def build_efficientnet(
    tensors: Tensors, side: int, *, strided: frozenset[int] = LITE0_STRIDED, classifier: bool = False
) -> Any:
    """An OpenVINO model: pictures (n, side, side, 3) uint8 -> the last map pooled (n, d) float32.

    Pooled by the generalised mean with p = 3 (Radenovic et al., 2018); with ``classifier`` by the plain mean and
    followed by the 1,000 class scores, which is how the weights are checked against their published accuracy.
    Convolutions pad as TensorFlow's SAME does, batch norm (epsilon 1e-3) is folded into them, ReLU6 follows.
    The output of each block is named ``blocks.0``, ``blocks.1`` and so on.
    """
    op = operators()
    picture = op.parameter([-1, side, side, 3], np.uint8, name="pictures")
    x = op.transpose(op.convert(picture, "f32"), np.array([0, 3, 1, 2]))
    x = op.multiply(op.subtract(x, np.float32(127)), np.float32(1 / 128))
    x = _relu6(_conv(op, x, tensors, "_conv_stem", "_bn0", 2))
    depth = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("_blocks."))
    for block in range(depth):
        x = _block(op, x, tensors, f"_blocks.{block}.", 2 if block in strided else 1)
        x.set_friendly_name(f"blocks.{block}")
    x = _relu6(_conv(op, x, tensors, "_conv_head", "_bn1", 1))
    over = np.array([2, 3])
    if classifier:
        x = op.matmul(op.reduce_mean(x, over), constant(tensors["_fc.weight"]), False, True)
        x = op.add(x, constant(tensors["_fc.bias"]))
    else:
        x = op.power(op.reduce_mean(op.power(x, np.float32(_GEM)), over), np.float32(1 / _GEM))
    return openvino().Model([op.result(x)], [picture], "efficientnet")


def _block(op: Any, x: Any, tensors: Tensors, at: str, stride: int) -> Any:
    """Inverted residual without squeeze-and-excite: widen, filter each channel, narrow; skip where shapes agree."""
    y = x
    if at + "_expand_conv.weight" in tensors:
        y = _relu6(_conv(op, y, tensors, at + "_expand_conv", at + "_bn0", 1))
    y = _relu6(_conv(op, y, tensors, at + "_depthwise_conv", at + "_bn1", stride, by_channel=True))
    y = _conv(op, y, tensors, at + "_project_conv", at + "_bn2", 1)
    same = stride == 1 and list(x.output(0).partial_shape)[1] == list(y.output(0).partial_shape)[1]
    return op.add(x, y) if same else y


def _conv(op: Any, x: Any, tensors: Tensors, name: str, norm: str, stride: int, *, by_channel: bool = False) -> Any:
    weight, bias = fold_batch_norm(tensors, name, norm)
    steps, none, dilation = [stride, stride], [0, 0], [1, 1]
    if by_channel:
        x = op.group_convolution(x, constant(weight[:, None]), steps, none, none, dilation, "same_upper")
    else:
        x = op.convolution(x, constant(weight), steps, none, none, dilation, "same_upper")
    return op.add(x, constant(bias.reshape(1, -1, 1, 1)))


def fold_batch_norm(tensors: Tensors, conv: str, norm: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight (out, in, k, k) and bias (out,) of the convolution with the batch norm that follows it, float32."""
    factor = tensors[norm + ".weight"] / np.sqrt(tensors[norm + ".running_var"].astype(np.float64) + _EPSILON)
    weight = tensors[conv + ".weight"] * factor[:, None, None, None]
    bias = tensors[norm + ".bias"] - tensors[norm + ".running_mean"] * factor
    return weight.astype(np.float32), bias.astype(np.float32)


def _relu6(x: Any) -> Any:
    return operators().clamp(x, 0.0, 6.0)
