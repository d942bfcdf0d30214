"""Changes to a network's OpenVINO graph: it is cut at a named point, or adaptors are put in at several.

Points are explained in `points.py`. A map is seen as tokens, one for each pixel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.engine import constant, openvino, operators
from samekind.encoders.points import channel_axis

Tensors = Mapping[str, NDArray[np.float32]]


def cut_at(model: Any, point: str) -> Any:
    """The part of ``model`` below a point: pictures -> tokens (n, t, d) float16."""
    tokens, _ = _as_tokens(operator_at(model, point).output(0))
    return openvino().Model([operators().result(operators().convert(tokens, "f16"))], model.get_parameters(), "lower")


def with_adaptors(model: Any, adaptors: Tensors) -> Any:
    """``model`` with sets of adaptors after every point that ``adaptors`` name; it is changed in place.

    x + sum over sets of share_i(x) up_i(gelu(down_i(LayerNorm(x)))). Tensors of a point P: ``down.P`` (sets, d, b),
    ``bias.P`` (sets, b), ``up.P`` (sets, b, d), ``offset.P`` (sets, d). Without more, the shares are 1 / sets. With
    ``ask.P`` (d, k), ``ask0.P`` (k,), ``key.P`` (sets, b, k), ``key0.P`` (sets, k), ``null.P`` (k,) and ``prior.P``
    (sets + 1,) they are attention over the sets and a null adaptor, the last: one for all tokens, asked by their mean,
    or one for each token where ``ask_each.P`` stands for ``ask.P``. With ``apart`` (1,), the number of sets, each set
    has a stream of its own, and the vectors (n, sets * d) are the unit vectors of all, side by side, over sqrt(sets).
    """
    streams = streams_of(adaptors)
    for number, node in enumerate(_points(model, adaptors)):
        output = node.output(0)
        users = output.get_target_inputs()
        tokens, back = _as_tokens(output)
        if streams > 1 and number == 0:
            tokens = operators().concat([tokens] * streams, 0)
        add = _added_apart if "apart" in adaptors else _added
        changed = back(operators().add(tokens, add(tokens, adaptors, node.get_friendly_name())))
        for user in users:
            user.replace_source_output(changed.output(0))
    model.validate_nodes_and_infer_types()
    if "apart" in adaptors:
        _side_by_side(model.get_results()[0].input(0), streams)
        model.validate_nodes_and_infer_types()
    return model


def streams_of(adaptors: Tensors) -> int:
    """How many vectors of the network stand side by side in one of the network with these adaptors."""
    return int(adaptors["apart"][0]) if "apart" in adaptors else 1


def _points(model: Any, adaptors: Tensors) -> list[Any]:
    """The operators that ``adaptors`` name, in the order of the graph. Raises KeyError where there is none."""
    nodes = [operator_at(model, name.partition(".")[2]) for name in adaptors if name.startswith("down.")]
    order = {node.get_name(): place for place, node in enumerate(model.get_ordered_ops())}
    return sorted(nodes, key=lambda node: order[node.get_name()])


def operator_at(model: Any, point: str) -> Any:
    """The operator of that name. Raises KeyError where there is none."""
    for operator in model.get_ops():
        if operator.get_friendly_name() == point:
            return operator
    raise KeyError(point)


def _added(tokens: Any, adaptors: Tensors, point: str) -> Any:
    """What the sets add to tokens (n, t, d); their bottlenecks side by side are one wide one."""
    op = operators()
    down, bias, up, offset = (adaptors[f"{kind}.{point}"] for kind in ("down", "bias", "up", "offset"))
    sets, width, narrow = down.shape
    y = op.mvn(tokens, np.array([-1]), True, 1e-5, "inside_sqrt")
    y = op.matmul(y, constant(down.transpose(1, 0, 2).reshape(width, sets * narrow)), False, False)
    y = op.gelu(op.add(y, constant(bias.reshape(-1))), "erf")
    if f"prior.{point}" in adaptors:
        shares = _attention(tokens, y, adaptors, point)
        y = op.multiply(op.reshape(y, np.array([0, 0, sets, narrow]), True), op.unsqueeze(shares, np.array([3])))
        y = op.reshape(y, np.array([0, 0, sets * narrow]), True)
        last = op.matmul(shares, constant(offset), False, False)
    else:
        up, last = up / np.float32(sets), constant(offset.mean(axis=0))
    return op.add(op.matmul(y, constant(up.reshape(sets * narrow, width)), False, False), last)


def _added_apart(tokens: Any, adaptors: Tensors, point: str) -> Any:
    """What each set adds to its own equal share of the rows of ``tokens`` (sets * n, t, d)."""
    op = operators()
    down, bias, up, offset = (adaptors[f"{kind}.{point}"] for kind in ("down", "bias", "up", "offset"))
    y = op.mvn(tokens, np.array([-1]), True, 1e-5, "inside_sqrt")
    y = op.reshape(y, np.array([len(down), -1, down.shape[1]]), False)
    y = op.gelu(op.add(op.matmul(y, constant(down), False, False), constant(bias[:, None])), "erf")
    y = op.add(op.matmul(y, constant(up), False, False), constant(offset[:, None]))
    return op.reshape(y, op.shape_of(tokens), False)


def _side_by_side(result: Any, streams: int) -> None:
    """What goes into a result, (streams * n, ...) -> (n, streams * d): unit vectors over sqrt(streams)."""
    op, found = operators(), result.get_source_output()
    width = math.prod(axis.get_length() for axis in list(found.partial_shape)[1:])
    y = op.normalize_l2(op.reshape(found, np.array([streams, -1, width]), False), np.array([2]), 1e-12, "max")
    y = op.transpose(op.divide(y, constant(np.array(streams**0.5))), np.array([1, 0, 2]))
    result.replace_source_output(op.reshape(y, np.array([-1, streams * width]), False).output(0))


def _attention(tokens: Any, hidden: Any, adaptors: Tensors, point: str) -> Any:
    """Shares (n, t or 1, sets) of tokens (n, t, d) and the sets' bottlenecks (n, t, sets * b)."""
    op = operators()
    key, key0, prior = (adaptors[f"{kind}.{point}"] for kind in ("key", "key0", "prior"))
    sets, narrow, _ = key.shape
    ask = adaptors.get(f"ask_each.{point}")
    if ask is None:
        ask = adaptors[f"ask.{point}"]
        tokens, hidden = (op.reduce_mean(x, np.array([1]), True) for x in (tokens, hidden))
    asked = op.matmul(op.mvn(tokens, np.array([-1]), True, 1e-5, "inside_sqrt"), constant(ask), False, False)
    asked = op.unsqueeze(op.add(asked, constant(adaptors[f"ask0.{point}"])), np.array([2]))
    apart = op.reshape(hidden, np.array([0, 0, sets, 1, narrow]), True)
    keys = op.squeeze(op.matmul(apart, constant(key), False, False), np.array([3]))
    scores = op.reduce_sum(op.multiply(asked, op.add(keys, constant(key0))), np.array([3]), False)
    null = op.reduce_sum(op.multiply(asked, constant(adaptors[f"null.{point}"])), np.array([3]), False)
    shares = op.softmax(op.add(op.concat([scores, null], 2), constant(prior)), 2)
    return op.gather(shares, np.arange(sets), np.array(2))


def tokens_at(model: Any, point: str) -> tuple[int, int]:
    """(t, d): how many tokens there are at a point, and how wide they are."""
    tokens, width = list(_as_tokens(operator_at(model, point).output(0))[0].partial_shape)[1:]
    return tokens.get_length(), width.get_length()


def _as_tokens(output: Any) -> tuple[Any, Any]:
    """A map's pixels as tokens (n, h * w, d), and the way back; (n, t, d) as it is."""
    op = operators()
    shape = output.partial_shape
    if len(shape) == 3:
        return output, lambda tokens: tokens
    axis = channel_axis(output)
    if axis == 1:
        output = op.transpose(output, np.array([0, 2, 3, 1])).output(0)
    height, wide, width = (length.get_length() for length in list(output.partial_shape)[1:])
    tokens = op.reshape(output, np.array([0, height * wide, width]), True)

    def back(tokens: Any) -> Any:
        pixels = op.reshape(tokens, np.array([0, height, wide, width]), True)
        return op.transpose(pixels, np.array([0, 3, 1, 2])) if axis == 1 else pixels

    return tokens.output(0), back
