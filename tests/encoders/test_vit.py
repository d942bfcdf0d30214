"""The transformer's graph against a reference in NumPy, and the resizing of its positions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samekind.encoders.vit import IMAGENET_MEAN, IMAGENET_STD, _bicubic_matrix, build_vit, resize_positions
from tests.encoders.small import VIT, WIDTH, pictures, run, vit_tensors

_erf = np.vectorize(math.erf)


def reference(tensors: dict[str, np.ndarray], images: np.ndarray, grid: int) -> np.ndarray:
    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + VIT.epsilon)
        return x * tensors[name + ".weight"] + tensors[name + ".bias"]

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ tensors[name + ".weight"].T + tensors[name + ".bias"]

    count = len(images)
    x = (images / 255.0 - IMAGENET_MEAN) / IMAGENET_STD
    x = x.reshape(count, grid, 14, grid, 14, 3).transpose(0, 1, 3, 5, 2, 4).reshape(count, grid * grid, -1)
    x = x @ tensors["patch_embed.proj.weight"].reshape(WIDTH, -1).T + tensors["patch_embed.proj.bias"]
    x = np.concatenate([np.broadcast_to(tensors["cls_token"], (count, 1, WIDTH)), x], axis=1) + tensors["pos_embed"]
    for block in range(2):
        at = f"blocks.{block}."
        qkv = linear(norm(x, at + "norm1"), at + "attn.qkv").reshape(count, -1, 3, VIT.heads, WIDTH // VIT.heads)
        query, key, value = qkv.transpose(2, 0, 3, 1, 4)
        scores = query @ key.swapaxes(-1, -2) / math.sqrt(WIDTH // VIT.heads)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (weights / weights.sum(-1, keepdims=True) @ value).transpose(0, 2, 1, 3).reshape(count, -1, WIDTH)
        x = x + tensors[at + "ls1.gamma"] * linear(mixed, at + "attn.proj")
        hidden = linear(norm(x, at + "norm2"), at + "mlp.fc1")
        hidden = hidden * 0.5 * (1 + _erf(hidden / math.sqrt(2)))
        x = x + tensors[at + "ls2.gamma"] * linear(hidden, at + "mlp.fc2")
    return norm(x[:, 0], "norm")


def test_agrees_with_the_reference() -> None:
    tensors, images = vit_tensors(grid=3), pictures(4, 42)
    found = run(build_vit(tensors, 42, VIT), images)
    assert found.shape == (4, WIDTH)
    np.testing.assert_allclose(found, reference(tensors, images, 3), atol=2e-4)


def test_another_side_resizes_the_positions() -> None:
    tensors, images = vit_tensors(grid=3), pictures(2, 70)
    patches = resize_positions(tensors["pos_embed"][0, 1:].reshape(3, 3, WIDTH), 5).reshape(1, 25, WIDTH)
    resized = {**tensors, "pos_embed": np.concatenate([tensors["pos_embed"][:, :1], patches], axis=1)}
    np.testing.assert_allclose(run(build_vit(tensors, 70, VIT), images), reference(resized, images, 5), atol=2e-4)


def test_same_size_leaves_positions_as_they_are() -> None:
    grid = np.random.default_rng(0).standard_normal((4, 4, 8)).astype(np.float32)
    assert resize_positions(grid, 4) is grid


@settings(max_examples=50)
@given(st.integers(1, 40), st.integers(1, 80))
def test_interpolation_weights_sum_to_one(old: int, new: int) -> None:
    weights = _bicubic_matrix(old, new, (new + 0.1) / old)
    assert weights.shape == (new, old)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-9)


def test_a_ramp_stays_nearly_a_ramp_at_the_original_scale() -> None:
    ramp = np.broadcast_to(np.arange(12.0, dtype=np.float32)[:, None, None], (12, 12, 1))
    rows = resize_positions(ramp, 24)[:, 0, 0]
    expected = (np.arange(24) + 0.5) * 12 / 24.1 - 0.5
    np.testing.assert_allclose(rows[4:-4], expected[4:-4], atol=0.1)  # exact only for a = -0.5


@pytest.mark.parametrize("count", [1, 3])
def test_batches_do_not_mix(count: int) -> None:
    tensors, images = vit_tensors(), pictures(count, 42)
    model = build_vit(tensors, 42, VIT)
    together = run(model, images)
    single = np.concatenate([run(model, images[place : place + 1]) for place in range(count)])
    np.testing.assert_allclose(together, single, atol=1e-5)
