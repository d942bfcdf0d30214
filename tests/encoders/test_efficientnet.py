"""EfficientNet's graph against a reference in NumPy, and the real weights against their published accuracy."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from samekind.encoders import catalog, weights
from samekind.encoders.efficientnet import build_efficientnet, fold_batch_norm
from samekind.encoders.torch_legacy import read_tensors
from samekind.pictures.views import View
from tests.encoders.small import EFFICIENTNET_STRIDED, efficientnet_tensors, pictures, run


def conv_same(x: np.ndarray, kernel: np.ndarray, stride: int, groups: int = 1) -> np.ndarray:
    """TensorFlow's SAME: output ceil(n / stride), the odd pixel of padding at the far end."""
    count, _, height, width = x.shape
    size = kernel.shape[2]
    out_h, out_w = math.ceil(height / stride), math.ceil(width / stride)
    pad_h, pad_w = (max((out - 1) * stride + size - n, 0) for out, n in ((out_h, height), (out_w, width)))
    x = np.pad(x, ((0, 0), (0, 0), (pad_h // 2, pad_h - pad_h // 2), (pad_w // 2, pad_w - pad_w // 2)))
    out = np.zeros((count, len(kernel), out_h, out_w))
    for row in range(size):
        for column in range(size):
            seen = x[:, :, row : row + out_h * stride : stride, column : column + out_w * stride : stride]
            tap = kernel[:, :, row, column]
            out += seen * tap.reshape(1, -1, 1, 1) if groups > 1 else np.einsum("nihw,oi->nohw", seen, tap)
    return out


def reference(tensors: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    def conv(x: np.ndarray, name: str, norm: str, stride: int, groups: int = 1) -> np.ndarray:
        x = conv_same(x, tensors[name + ".weight"], stride, groups)
        mean, var, gamma, beta = (
            tensors[f"{norm}.{field}"].reshape(1, -1, 1, 1)
            for field in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / np.sqrt(var + 1e-3) * gamma + beta

    def relu6(x: np.ndarray) -> np.ndarray:
        return np.clip(x, 0, 6)

    x = (images.astype(np.float64).transpose(0, 3, 1, 2) - 127) / 128
    x = relu6(conv(x, "_conv_stem", "_bn0", 2))
    for block in range(3):
        at, before = f"_blocks.{block}.", x
        if block:
            x = relu6(conv(x, at + "_expand_conv", at + "_bn0", 1))
        x = relu6(conv(x, at + "_depthwise_conv", at + "_bn1", 2 if block in EFFICIENTNET_STRIDED else 1, x.shape[1]))
        x = conv(x, at + "_project_conv", at + "_bn2", 1)
        x = x + before if x.shape == before.shape else x
    return relu6(conv(x, "_conv_head", "_bn1", 1))


@pytest.mark.parametrize("side", [16, 21, 30])
def test_agrees_with_the_reference(side: int) -> None:
    tensors, images = efficientnet_tensors(), pictures(3, side)
    last = reference(tensors, images)
    gem = run(build_efficientnet(tensors, side, strided=EFFICIENTNET_STRIDED), images)
    np.testing.assert_allclose(gem, (last**3).mean(axis=(2, 3)) ** (1 / 3), atol=1e-4)
    scores = run(build_efficientnet(tensors, side, strided=EFFICIENTNET_STRIDED, classifier=True), images)
    expected = last.mean(axis=(2, 3)) @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    np.testing.assert_allclose(scores, expected, atol=1e-3)


def test_folding_keeps_float32() -> None:
    weight, bias = fold_batch_norm(efficientnet_tensors(), "_conv_head", "_bn1")
    assert (weight.dtype, bias.dtype, weight.shape, bias.shape) == (np.float32, np.float32, (12, 8, 1, 1), (12,))


@pytest.mark.shared
def test_real_weights_name_what_is_in_the_pictures() -> None:
    """One picture of each ImageNet class. A wrong padding, channel order or epsilon costs many points here."""
    folder = Path(__file__).parents[3] / "shared" / "data" / "imagenet1k_one_each"
    if not folder.is_dir():
        pytest.skip(f"wants {folder}")
    from PIL import Image

    file = weights.cached(catalog.WEIGHTS["lite"])
    assert file
    model = build_efficientnet(read_tensors(file), 224, classifier=True)
    view = View("crop", 224, 0.875)
    with (folder / "labels.csv").open(encoding="utf-8") as labels:
        rows = list(csv.DictReader(labels))[::8]
    images = np.stack([view.apply(np.asarray(Image.open(folder / row["path"]).convert("RGB"))) for row in rows])
    best = np.argsort(-run(model, images), axis=1)
    truth = np.array([[int(row["index"])] for row in rows])
    assert (best[:, :1] == truth).mean() > 0.78
    assert (best[:, :5] == truth).any(axis=1).mean() > 0.92
