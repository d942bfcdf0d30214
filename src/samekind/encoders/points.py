"""Where adaptors can sit in a network: points that everything passes through on its way from picture to vector.

A point is the friendly name of an operator whose one output is tokens (n, t, d) or a map, (n, d, h, w) or (n, h, w, d).
"""

from __future__ import annotations

import re
from typing import Any

POINTS = 5
_BLOCK = re.compile(r"blocks\.\d+")


def points_of(model: Any) -> dict[str, int]:
    """The last five points of an OpenVINO model and their widths, in order; none where the model has none."""
    return {node.get_friendly_name(): width_of(node.output(0)) or 0 for node in every_point(model)[-POINTS:]}


def every_point(model: Any) -> list[Any]:
    """The operators of all points of an OpenVINO model, in order.

    In graphs that name their blocks' outputs ``blocks.N`` these. In others the sums of two branches (residual
    connections) that every path passes.
    """
    path = on_a_path(model)
    names = {node.get_name() for node in path}
    passed = passed_with_width(path)
    named = [node for node in passed if _BLOCK.fullmatch(node.get_friendly_name())]
    return named or [node for node in passed if node.get_type_name() == "Add" and _inputs(node) <= names]


def passed_with_width(path: list[Any]) -> list[Any]:
    """The operators of a path that give tokens or maps and that no edge leads around."""
    return [node for node in _passed_by_all(path) if width_of(node.output(0)) is not None]


def width_of(output: Any) -> int | None:
    """The number of channels of tokens or of a square map; None for what is neither."""
    shape = output.partial_shape
    if shape.rank.is_dynamic or len(shape) not in (3, 4) or any(axis.is_dynamic for axis in list(shape)[1:]):
        return None
    if len(shape) == 3:
        return int(shape[2].get_length())
    axis = channel_axis(output)
    return None if axis is None else int(shape[axis].get_length())


def channel_axis(output: Any) -> int | None:
    """Which axis of a map holds the channels: 1 or 3; None where the map is not square or a single pixel."""
    _, *sides = (axis.get_length() if axis.is_static else 0 for axis in output.partial_shape)
    if sides[1] == sides[2] > 1:
        return 1
    return 3 if sides[0] == sides[1] > 1 else None


def on_a_path(model: Any) -> list[Any]:
    """Operators that the input reaches and that reach the first output, in an order of computation.

    What only asks for the shape of something is not on a path.
    """
    reached: set[str] = set()
    forward = []
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind == "Parameter" or (kind != "ShapeOf" and _inputs(node) & reached):
            reached.add(node.get_name())
            forward.append(node)
    wanted = {model.get_results()[0].get_name()}
    backward = []
    for node in reversed(forward):
        if node.get_name() in wanted:
            wanted |= _inputs(node)
            backward.append(node)
    return backward[::-1]


def _passed_by_all(path: list[Any]) -> list[Any]:
    """Those that no edge of the path leads around."""
    place = {node.get_name(): at for at, node in enumerate(path)}
    found, furthest = [], 0
    for at, node in enumerate(path):
        if furthest <= at:
            found.append(node)
        users = (user.get_node().get_name() for output in node.outputs() for user in output.get_target_inputs())
        furthest = max([furthest, *(place.get(user, 0) for user in users)])
    return found


def _inputs(node: Any) -> set[str]:
    return {value.get_node().get_name() for value in node.input_values()}
