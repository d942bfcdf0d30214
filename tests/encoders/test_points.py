"""Points are what everything passes through, whatever a graph looks like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samekind.encoders.efficientnet import build_efficientnet
from samekind.encoders.engine import openvino, operators
from samekind.encoders.graph import cut_at, operator_at, tokens_at
from samekind.encoders.onnx import read_onnx
from samekind.encoders.points import points_of
from samekind.encoders.vit import build_vit
from tests.adapt.networks import WIDTH as ONNX_WIDTH
from tests.adapt.networks import write_conv
from tests.encoders.small import EFFICIENTNET_STRIDED, VIT, WIDTH, efficientnet_tensors, pictures, run, vit_tensors


def graph(build: Callable[[Any, Any], Any], *shape: int) -> Any:
    """A model of one input (n, ...) and what ``build`` makes of it."""
    op = operators()
    x = op.parameter([-1, *shape], np.float32)
    return openvino().Model([op.result(build(op, x))], [x])


def called(node: Any, name: str) -> Any:
    node.set_friendly_name(name)
    return node


def test_named_blocks() -> None:
    assert points_of(build_vit(vit_tensors(blocks=7), 42, VIT)) == {f"blocks.{block}": WIDTH for block in range(2, 7)}
    small = build_efficientnet(efficientnet_tensors(), 24, strided=EFFICIENTNET_STRIDED)
    assert points_of(small) == {"blocks.0": 6, "blocks.1": 8, "blocks.2": 8}


def test_a_sum_that_is_led_around_is_no_point() -> None:
    def build(op: Any, x: Any) -> Any:
        inner = called(op.add(op.relu(x), op.tanh(x)), "inner")
        outer = called(op.add(x, inner), "outer")
        biased = called(op.add(outer, np.ones(8, np.float32)), "bias")
        return op.reduce_mean(biased, np.array([1]))

    assert points_of(graph(build, 9, 8)) == {"outer": 8}


def test_asking_for_a_shape_is_no_way_around() -> None:
    def build(op: Any, x: Any) -> Any:
        total = called(op.add(x, op.relu(x)), "sum")
        return op.reduce_mean(op.reshape(op.relu(total), op.shape_of(x), False), np.array([1]))

    assert points_of(graph(build, 9, 8)) == {"sum": 8}


@pytest.mark.parametrize(("shape", "found"), [((8, 5, 5), 8), ((5, 5, 8), 8), ((8, 1, 1), None), ((8, 4, 5), None)])
def test_maps_are_square_and_more_than_a_pixel(shape: tuple[int, int, int], found: int | None) -> None:
    def build(op: Any, x: Any) -> Any:
        return op.reduce_mean(called(op.add(x, op.relu(x)), "sum"), np.array([1, 2]))

    assert points_of(graph(build, *shape)) == ({} if found is None else {"sum": found})


def test_pixels_are_tokens_whichever_axis_is_last(tmp_path: Path) -> None:
    images, cuts = pictures(2, 32), []
    for channels_last in (False, True):
        model, _, _ = read_onnx(write_conv(tmp_path / "a.onnx", channels_last=channels_last))
        point = next(iter(points_of(model)))
        assert tokens_at(model, point) == (64, ONNX_WIDTH)
        cuts.append(run(cut_at(model, point), images))
    assert cuts[0].shape == (2, 64, ONNX_WIDTH)
    np.testing.assert_array_equal(*cuts)


def test_a_point_that_is_not_there() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        operator_at(graph(lambda op, x: op.relu(x), 9, 8), "nowhere")
