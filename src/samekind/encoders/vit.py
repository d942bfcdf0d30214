"""DINOv2's vision transformer as an OpenVINO graph, built from plain tensors (Oquab et al., 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.engine import constant, openvino, operators

Tensors = Mapping[str, NDArray[np.float32]]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ViTShape:
    """What cannot be read off the tensors: patch side in pixels, number of heads, LayerNorm's epsilon."""

    patch: int = 14
    heads: int = 6
    epsilon: float = 1e-6


def resize_positions(grid: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Resizes position embeddings (n, n, d) to (side, side, d) as the original does.

    Bicubic with a = -0.75, sampled at scale (side + 0.1) / n: the offset is the original's guard against a
    rounded-down output size, and it moves the samples, so it has to be kept. Same size: unchanged.
    """
    if grid.shape[0] == side:
        return grid
    weights = _bicubic_matrix(grid.shape[0], side, (side + 0.1) / grid.shape[0])
    resized = np.einsum("yi,xj,ijd->yxd", weights, weights, grid, optimize=True)
    return np.ascontiguousarray(resized, np.float32)


def _bicubic_matrix(old: int, new: int, scale: float) -> NDArray[np.float64]:
    """(new, old) interpolation weights of cubic convolution (a = -0.75), edges repeated."""
    a = -0.75
    at = (np.arange(new) + 0.5) / scale - 0.5
    left = np.floor(at).astype(int)
    weights = np.zeros((new, old))
    for tap in range(-1, 3):
        distance = np.abs(at - (left + tap))
        near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
        far = a * (distance**3 - 5 * distance**2 + 8 * distance - 4)
        value = np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))
        np.add.at(weights, (np.arange(new), np.clip(left + tap, 0, old - 1)), value)
    return weights


def build_vit(tensors: Tensors, side: int, shape: ViTShape = ViTShape(), *, every_token: bool = False) -> Any:
    """An OpenVINO model: pictures (n, side, side, 3) uint8 -> class token (n, d) float32 after the last norm.

    ``tensors`` carries DINOv2's original names, matrices as (out, in). ``side`` must be a multiple of the patch.
    The output of each block is named ``blocks.0``, ``blocks.1`` and so on. With ``every_token`` it gives (n, 1 + t, d):
    the class token and one token for each patch, row by row.
    """
    picture, x = _embedded(tensors, side, shape)
    last = depth_of(tensors) - 1
    for block in range(last + 1):
        only_class_token = block == last and not every_token
        x = _block(operators(), x, tensors, f"blocks.{block}.", shape, only_class_token)
        x.set_friendly_name(f"blocks.{block}")
    tokens = x if every_token else operators().squeeze(x, np.array([1]))
    tokens = _layer_norm(operators(), tokens, tensors["norm.weight"], tensors["norm.bias"], shape.epsilon)
    return openvino().Model([operators().result(tokens)], [picture], "vit")


def depth_of(tensors: Tensors) -> int:
    """How many blocks there are."""
    return 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("blocks."))


def _embedded(tensors: Tensors, side: int, shape: ViTShape) -> tuple[Any, Any]:
    """The parameter for pictures, and the tokens before the first block (n, 1 + grid * grid, d)."""
    op = operators()
    grid = side // shape.patch
    width = tensors["cls_token"].shape[-1]
    picture = op.parameter([-1, side, side, 3], np.uint8, name="pictures")
    x = normalised_pixels(picture, IMAGENET_MEAN, IMAGENET_STD, 255.0)

    kernel = constant(tensors["patch_embed.proj.weight"])
    x = op.convolution(x, kernel, [shape.patch] * 2, [0, 0], [0, 0], [1, 1])
    x = op.add(x, constant(tensors["patch_embed.proj.bias"].reshape(1, -1, 1, 1)))
    x = op.transpose(op.reshape(x, np.array([0, width, grid * grid]), True), np.array([0, 2, 1]))

    positions = tensors["pos_embed"]
    old = round((positions.shape[1] - 1) ** 0.5)
    patches = resize_positions(positions[0, 1:].reshape(old, old, width), grid).reshape(1, grid * grid, width)
    x = op.add(x, constant(patches))
    first = constant(tensors["cls_token"] + positions[:, :1])
    batch = op.gather(op.shape_of(picture), np.array([0]), np.array(0))
    first = op.broadcast(first, op.concat([batch, np.array([1, width])], 0))
    return picture, op.concat([first, x], 1)


def normalised_pixels(picture: Any, mean: tuple[float, ...], std: tuple[float, ...], scale: float) -> Any:
    """(n, h, w, 3) uint8 -> (n, 3, h, w) float32, each channel (x / scale - mean) / std."""
    op = operators()
    x = op.transpose(op.convert(picture, "f32"), np.array([0, 3, 1, 2]))
    factor = (1.0 / (scale * np.array(std))).astype(np.float32).reshape(1, 3, 1, 1)
    offset = (-np.array(mean) / np.array(std)).astype(np.float32).reshape(1, 3, 1, 1)
    return op.add(op.multiply(x, factor), offset)


def _layer_norm(op: Any, x: Any, weight: Any, bias: Any, epsilon: float) -> Any:
    normal = op.mvn(x, np.array([-1]), True, epsilon, "inside_sqrt")
    return op.add(op.multiply(normal, constant(weight)), constant(bias))


def _linear(op: Any, x: Any, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> Any:
    return op.add(op.matmul(x, constant(weight), False, True), constant(bias))


def _block(op: Any, x: Any, tensors: Tensors, at: str, shape: ViTShape, only_class_token: bool) -> Any:
    """Pre-norm attention and MLP, each scaled by LayerScale: x (n, tokens, d) -> the same shape.

    With ``only_class_token`` -> (n, 1, d): after the last block nothing else is looked at. Scales are multiplied into
    the weights beforehand.
    """
    weight, bias = tensors[at + "attn.qkv.weight"], tensors[at + "attn.qkv.bias"]
    y = _layer_norm(op, x, tensors[at + "norm1.weight"], tensors[at + "norm1.bias"], shape.epsilon)
    if only_class_token:
        x, y = _first_token(op, x), _seen_by_first(op, y, weight, bias, shape.heads)
    else:
        y = _attention(op, y, weight, bias, shape.heads)
    x = op.add(x, _scaled_linear(op, y, tensors, at + "attn.proj", tensors[at + "ls1.gamma"]))
    y = _layer_norm(op, x, tensors[at + "norm2.weight"], tensors[at + "norm2.bias"], shape.epsilon)
    y = op.gelu(_linear(op, y, tensors[at + "mlp.fc1.weight"], tensors[at + "mlp.fc1.bias"]), "erf")
    return op.add(x, _scaled_linear(op, y, tensors, at + "mlp.fc2", tensors[at + "ls2.gamma"]))


def _scaled_linear(op: Any, x: Any, tensors: Tensors, name: str, gamma: NDArray[np.float32]) -> Any:
    return _linear(op, x, tensors[name + ".weight"] * gamma[:, None], tensors[name + ".bias"] * gamma)


def _attention(op: Any, y: Any, weight: NDArray[np.float32], bias: NDArray[np.float32], heads: int) -> Any:
    """What every token sees of all tokens: y (n, tokens, d) -> the same shape; ``weight`` (3 d, d), ``bias`` (3 d,)."""
    width = weight.shape[1]
    scale = np.float32((width // heads) ** -0.5)
    query = _heads(op, _linear(op, y, weight[:width] * scale, bias[:width] * scale), heads)
    key = _heads(op, _linear(op, y, weight[width : 2 * width], bias[width : 2 * width]), heads)
    value = _heads(op, _linear(op, y, weight[2 * width :], bias[2 * width :]), heads)
    y = op.matmul(op.softmax(op.matmul(query, key, False, True), -1), value, False, False)
    return op.reshape(op.transpose(y, np.array([0, 2, 1, 3])), np.array([0, 0, width]), True)


def _seen_by_first(op: Any, y: Any, weight: NDArray[np.float32], bias: NDArray[np.float32], heads: int) -> Any:
    """The same for the first token alone, (n, 1, d), with keys and values folded into its query and its answer.

    Tokens are compared and averaged as they are, once for each head, and only the one average goes through the values.
    The keys' bias gives every token the same score and drops out.
    """
    width = weight.shape[1]
    size = width // heads
    scale, swap = np.float32(size**-0.5), np.array([1, 0, 2])
    query = _linear(op, _first_token(op, y), weight[:width] * scale, bias[:width] * scale)
    query = op.transpose(op.reshape(query, np.array([0, heads, size]), True), swap)
    keys = constant(weight[width : 2 * width].reshape(heads, size, width))
    folded = op.transpose(op.matmul(query, keys, False, False), swap)
    shares = op.softmax(op.matmul(folded, y, False, True), -1)
    seen = op.transpose(op.matmul(shares, y, False, False), swap)
    values = constant(weight[2 * width :].reshape(heads, size, width))
    answer = op.transpose(op.matmul(seen, values, False, True), swap)
    return op.add(op.reshape(answer, np.array([0, 1, width]), True), constant(bias[2 * width :]))


def _first_token(op: Any, x: Any) -> Any:
    return op.gather(x, np.array([0]), np.array(1))


def _heads(op: Any, x: Any, heads: int) -> Any:
    """(n, tokens, d) -> (n, heads, tokens, d / heads)."""
    width = x.output(0).partial_shape[2].get_length()
    return op.transpose(op.reshape(x, np.array([0, 0, heads, width // heads]), True), np.array([0, 2, 1, 3]))
