"""OpenVINO's operators in torch, as far as the upper parts of common networks want them.

Each takes the operator's attributes and its inputs, tensors, and gives one tensor or a tuple of them. Numbers that
are not of kind float are int64. What is not in ``TABLE`` cannot be trained through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from samekind.adapt.torches import torch

Attributes = Mapping[str, Any]
Operator = Callable[..., Any]
_LEAST = 1e-30


def _convert(attributes: Attributes, x: Any) -> Any:
    kind = str(attributes["destination_type"])
    if kind == "boolean":
        return x.bool()
    return x.float() if "f" in kind else x.long()


def _add(_: Attributes, x: Any, y: Any) -> Any:
    """A bias takes the precision of what it is added to, so that half-precision numbers stay so."""
    if x.is_floating_point() and y.is_floating_point() and x.numel() != y.numel():
        x, y = (x.to(y.dtype), y) if x.numel() < y.numel() else (x, y.to(x.dtype))
    return x + y


def _divide(_: Attributes, x: Any, y: Any) -> Any:
    whole = not (x.is_floating_point() or y.is_floating_point())
    return torch().div(x, y, rounding_mode="trunc") if whole else x / y


def _power(_: Attributes, x: Any, y: Any) -> Any:
    """A root's slope at zero has no end; it is cut off there, so that zeros teach nothing instead of NaN."""
    if y.numel() > 1:
        return x**y
    exponent = y.item()
    return (x.clamp(min=_LEAST) if 0 < exponent < 1 else x) ** exponent


def _gelu(attributes: Attributes, x: Any) -> Any:
    tanh = str(attributes["approximation_mode"]).lower() == "tanh"
    return torch().nn.functional.gelu(x, approximate="tanh" if tanh else "none")


def _swish(_: Attributes, x: Any, beta: Any = None) -> Any:
    return torch().nn.functional.silu(x) if beta is None else x * torch().sigmoid(x * beta)


def _matmul(attributes: Attributes, x: Any, y: Any) -> Any:
    x = x.transpose(-1, -2) if attributes["transpose_a"] else x
    if y.ndim == 2 and x.ndim > 1:
        return torch().nn.functional.linear(x, y if attributes["transpose_b"] else y.T)
    return torch().matmul(x, y.transpose(-1, -2) if attributes["transpose_b"] else y)


def _mvn(attributes: Attributes, x: Any, axes: Any) -> Any:
    over, epsilon = [axis % x.ndim for axis in axes.flatten().tolist()], attributes["eps"]
    inside = str(attributes["eps_mode"]).upper() == "INSIDE_SQRT"
    if over == [x.ndim - 1] and inside and attributes["normalize_variance"]:
        return torch().nn.functional.layer_norm(x, x.shape[-1:], eps=epsilon)
    x = x - x.mean(over, keepdim=True)
    if not attributes["normalize_variance"]:
        return x
    variance = x.square().mean(over, keepdim=True)
    return x / ((variance + epsilon).sqrt() if inside else variance.sqrt() + epsilon)


def _batch_norm(attributes: Attributes, x: Any, gamma: Any, beta: Any, mean: Any, variance: Any) -> Any:
    return torch().nn.functional.batch_norm(x, mean, variance, gamma, beta, False, eps=attributes["epsilon"])


def _normalize(attributes: Attributes, x: Any, axes: Any) -> Any:
    squares, epsilon = x.square().sum(axes.flatten().tolist(), keepdim=True), attributes["eps"]
    return x / (squares + epsilon if attributes["eps_mode"] == "add" else squares.clamp(min=epsilon)).sqrt()


def _attention(attributes: Attributes, query: Any, key: Any, value: Any, mask: Any = None, scale: Any = None) -> Any:
    if mask is not None and not mask.ndim:
        mask = None  # a scalar stands for no mask
    mask = mask if mask is None else mask.to(query.device)
    return torch().nn.functional.scaled_dot_product_attention(
        query, key, value, mask, is_causal=attributes["causal"], scale=None if scale is None else scale.item()
    )


def _convolution(attributes: Attributes, x: Any, kernel: Any, groups: int = 1) -> Any:
    functional = torch().nn.functional
    step, spread = attributes["strides"], attributes["dilations"]
    before, after = _padding(attributes, x, [1 + (k - 1) * d for k, d in zip(kernel.shape[2:], spread, strict=True)])
    if before != after:
        x, before = functional.pad(x, _pairs(before, after)), [0] * len(before)
    convolve = {1: functional.conv1d, 2: functional.conv2d}[len(step)]
    return convolve(x, kernel, None, step, before, spread, groups)


def _group_convolution(attributes: Attributes, x: Any, kernel: Any) -> Any:
    return _convolution(attributes, x, kernel.flatten(0, 1), kernel.shape[0])


def _avg_pool(attributes: Attributes, x: Any) -> Any:
    functional, size = torch().nn.functional, attributes["kernel"]
    before, after = _padding(attributes, x, size)
    rest = {"stride": attributes["strides"], "ceil_mode": attributes["rounding_type"] == "ceil"}
    found = functional.avg_pool2d(functional.pad(x, _pairs(before, after)), size, **rest)
    if not (attributes["exclude-pad"] and any(before + after)):
        return found
    real = functional.pad(torch().ones_like(x[:1, :1]), _pairs(before, after))
    return found / functional.avg_pool2d(real, size, **rest)


def _max_pool(attributes: Attributes, x: Any) -> Any:
    functional, size, spread = torch().nn.functional, attributes["kernel"], attributes["dilations"]
    before, after = _padding(attributes, x, [1 + (k - 1) * d for k, d in zip(size, spread, strict=True)])
    x = functional.pad(x, _pairs(before, after), value=float("-inf"))
    ceil = attributes["rounding_type"] == "ceil"
    return functional.max_pool2d(x, size, attributes["strides"], 0, spread, ceil), None


def _pad(attributes: Attributes, x: Any, before: Any, after: Any, value: Any = None) -> Any:
    mode = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}[attributes["pad_mode"]]
    begin, end = before.tolist(), after.tolist()
    if mode == "constant":
        return torch().nn.functional.pad(x, _pairs(begin, end), value=0.0 if value is None else value.item())
    first = next((axis for axis in range(x.ndim) if begin[axis] or end[axis]), x.ndim)
    first = max(min(first, x.ndim - 1), 2)
    return torch().nn.functional.pad(x, _pairs(begin[first:], end[first:]), mode=mode)


def _padding(attributes: Attributes, x: Any, reach: list[int]) -> tuple[list[int], list[int]]:
    """Before and after each of the last axes, for windows that reach so far."""
    kind = attributes["auto_pad"]
    if kind == "explicit":
        return list(attributes["pads_begin"]), list(attributes["pads_end"])
    if kind == "valid":
        return [0] * len(reach), [0] * len(reach)
    sides = x.shape[-len(reach) :]
    wanted = [
        max((-(-side // step) - 1) * step + far - side, 0)
        for side, step, far in zip(sides, attributes["strides"], reach, strict=True)
    ]
    less, more = [one // 2 for one in wanted], [one - one // 2 for one in wanted]
    return (less, more) if kind == "same_upper" else (more, less)


def _pairs(before: list[int], after: list[int]) -> list[int]:
    """As torch wants padding: the last axis first."""
    return [number for pair in zip(before[::-1], after[::-1], strict=True) for number in pair]


def _reshape(attributes: Attributes, x: Any, shape: Any) -> Any:
    wanted = shape.tolist()
    if attributes["special_zero"]:
        wanted = [x.shape[axis] if length == 0 else length for axis, length in enumerate(wanted)]
    return x.reshape(wanted)


def _transpose(_: Attributes, x: Any, order: Any) -> Any:
    return x.permute(order.tolist() or list(range(x.ndim))[::-1])


def _squeeze(_: Attributes, x: Any, axes: Any = None) -> Any:
    return x.squeeze() if axes is None else x.squeeze(axes.flatten().tolist())


def _unsqueeze(_: Attributes, x: Any, axes: Any) -> Any:
    rank = x.ndim + axes.numel()
    for axis in sorted(axis % rank for axis in axes.flatten().tolist()):
        x = x.unsqueeze(axis)
    return x


def _gather(attributes: Attributes, x: Any, indices: Any, axis: Any) -> Any:
    if attributes["batch_dims"]:
        raise NotImplementedError("Gather with a batch of indices")
    at = int(axis) % x.ndim
    indices = (indices % x.shape[at]).to(x.device)
    found = x.index_select(at, indices.flatten())
    return found.reshape((*x.shape[:at], *indices.shape, *x.shape[at + 1 :]))


def _split(attributes: Attributes, x: Any, axis: Any) -> Any:
    return x.chunk(attributes["num_splits"], int(axis))


def _variadic_split(_: Attributes, x: Any, axis: Any, lengths: Any) -> Any:
    wanted, whole = lengths.tolist(), x.shape[int(axis)]
    return x.split([whole - sum(wanted) - 1 if length < 0 else length for length in wanted], int(axis))


def _slice(_: Attributes, x: Any, start: Any, stop: Any, step: Any, axes: Any = None) -> Any:
    index = [slice(None)] * x.ndim
    numbers = (start.tolist(), stop.tolist(), step.tolist())
    for axis, *each in zip(range(len(numbers[0])) if axes is None else axes.tolist(), *numbers, strict=True):
        index[axis] = slice(*each)
    return x[tuple(index)]


def _strided_slice(attributes: Attributes, x: Any, begin: Any, end: Any, step: Any = None) -> Any:
    starts, stops = begin.tolist(), end.tolist()
    steps = [1] * len(starts) if step is None else step.tolist()

    def is_set(mask: str, at: int) -> bool:
        return at < len(attributes[mask]) and bool(attributes[mask][at])

    index: list[Any] = []
    for at, (start, stop, by) in enumerate(zip(starts, stops, steps, strict=True)):
        if is_set("ellipsis_mask", at):
            index.append(...)
        elif is_set("new_axis_mask", at):
            index.append(None)
        elif is_set("shrink_axis_mask", at):
            index.append(start)
        else:
            first, last = is_set("begin_mask", at), is_set("end_mask", at)
            index.append(slice(None if first else start, None if last else stop, by))
    return x[tuple(index)]


def _broadcast(_: Attributes, x: Any, shape: Any) -> Any:
    return x.expand(torch().broadcast_shapes(x.shape, tuple(shape.tolist())))


def _reduced(reduce: Callable[[Any, list[int], bool], Any]) -> Operator:
    return lambda attributes, x, axes: reduce(x, axes.flatten().tolist(), attributes["keep_dims"])


TABLE: dict[str, Operator] = {
    "Add": _add,
    "Subtract": lambda _, x, y: x - y,
    "Multiply": lambda _, x, y: x * y,
    "Divide": _divide,
    "FloorMod": lambda _, x, y: x % y,
    "Maximum": lambda _, x, y: torch().maximum(x, y),
    "Minimum": lambda _, x, y: torch().minimum(x, y),
    "Power": _power,
    "Sqrt": lambda _, x: x.clamp(min=_LEAST).sqrt(),
    "Exp": lambda _, x: x.exp(),
    "Negative": lambda _, x: -x,
    "Convert": _convert,
    "Erf": lambda _, x: x.erf(),
    "Gelu": _gelu,
    "Sigmoid": lambda _, x: x.sigmoid(),
    "Swish": _swish,
    "HSwish": lambda _, x: torch().nn.functional.hardswish(x),
    "HSigmoid": lambda _, x: torch().nn.functional.hardsigmoid(x),
    "Tanh": lambda _, x: x.tanh(),
    "Relu": lambda _, x: x.relu(),
    "Clamp": lambda attributes, x: x.clamp(attributes["min"], attributes["max"]),
    "Softmax": lambda attributes, x: x.softmax(attributes["axis"]),
    "MatMul": _matmul,
    "MVN": _mvn,
    "BatchNormInference": _batch_norm,
    "NormalizeL2": _normalize,
    "ScaledDotProductAttention": _attention,
    "Convolution": _convolution,
    "GroupConvolution": _group_convolution,
    "AvgPool": _avg_pool,
    "MaxPool": _max_pool,
    "Pad": _pad,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Gather": _gather,
    "Concat": lambda attributes, *parts: torch().cat(parts, attributes["axis"]),
    "Split": _split,
    "VariadicSplit": _variadic_split,
    "Slice": _slice,
    "StridedSlice": _strided_slice,
    "Broadcast": _broadcast,
    "ShapeOf": lambda _, x: torch().tensor(x.shape),
    "Range": lambda _, start, stop, step: torch().arange(int(start), int(stop), int(step)),
    "ReduceMean": _reduced(lambda x, axes, keep: x.mean(axes, keep)),
    "ReduceSum": _reduced(lambda x, axes, keep: x.sum(axes, keep)),
    "ReduceMax": _reduced(lambda x, axes, keep: x.amax(axes, keep)),
    "ReduceL2": _reduced(lambda x, axes, keep: x.norm(dim=axes, keepdim=keep)),
}
