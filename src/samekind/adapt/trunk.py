"""The upper part of any network in torch, read from its OpenVINO graph: what adaptors are trained in.

The operators above the first point are worked off one by one (`operators.py`), from the graph's own constants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np

from samekind.adapt.operators import TABLE, Attributes, Operator
from samekind.adapt.torches import torch
from samekind.encoders.graph import operator_at, tokens_at
from samekind.encoders.points import channel_axis
from samekind.errors import UsageError

Adapt = Callable[[Any, str], Any]
"""What happens to tokens (n, t, d) at a point, given by its name."""

Place = tuple[str, int]
"""A tensor of a graph: the operator that gives it, and which of its outputs it is."""


@dataclass(frozen=True, eq=False)
class _Step:
    """One operator; ``outlived`` are the tensors that nobody asks for after it, ``point`` its name where it is one."""

    name: str
    operator: Operator
    attributes: Attributes
    inputs: tuple[Place, ...]
    outlived: tuple[Place, ...]
    point: str | None


class UpperNetwork:
    """A network above the first of its points, frozen; ``points`` are where adaptors sit, with their widths, in order.

    ``droppable`` says whether it may be run on some of the tokens only: it takes any number of them, and all but the
    first, the class token, are alike to it. ``encoder`` is for messages. Raises UsageError for an operator that is not
    in the table, or of a form that is not built.

    It runs on ``device``: numbers of kind float are there, while whole numbers, which are lengths and places, stay
    where Python reads them.
    """

    def __init__(self, model: Any, points: Mapping[str, int], encoder: str, device: str = "cpu") -> None:
        self.points, self.device = dict(points), "cpu"
        self.shape = tokens_at(model, next(iter(points)))
        nodes = [operator_at(model, point) for point in points]
        self._axes = {
            point: channel_axis(node.output(0)) if len(node.output(0).partial_shape) == 4 else None
            for point, node in zip(points, nodes, strict=True)
        }
        self._first: Place = (nodes[0].get_name(), 0)
        self._result = _place(model.get_results()[0].input_values()[0])
        self.frozen: dict[Place, Any] = {}
        self._shapes: dict[Place, list[int]] = {}
        point_of = {node.get_name(): point for point, node in zip(points, nodes, strict=True)}
        try:
            self._steps = self._planned(self._read(model), point_of)
            self.droppable = self._is_droppable()
        except (RuntimeError, LookupError, ValueError, TypeError) as problem:
            reason = str(problem).strip().splitlines()[0]
            raise UsageError(f"Training is not built for {encoder}: {reason}; take --method experts.") from None
        self.device = device
        self.frozen = {place: self._at_home(tensor) for place, tensor in self.frozen.items()}

    def run(self, tokens: Any, adapt: Adapt) -> Any:
        """Tokens (n, t, d) at the first point -> vectors (n, d_out), ``adapt`` applied at every point."""
        first = next(iter(self.points))
        values = {place: torch().tensor((len(tokens), *shape)) for place, shape in self._shapes.items()}
        values[self._first] = self._back(adapt(tokens, first), first)
        for step in self._steps:
            inputs = [self.frozen[place] if place in self.frozen else values[place] for place in step.inputs]
            found = step.operator(step.attributes, *inputs)
            for place in step.outlived:
                del values[place]
            if step.point is not None:
                found = self._back(adapt(self._tokens(found, step.point), step.point), step.point)
            for number, one in enumerate(found if isinstance(found, tuple) else (found,)):
                values[step.name, number] = self._at_home(one)
        return values[self._result].flatten(1)

    def _read(self, model: Any) -> list[Any]:
        """The operators to work off, in order; constants, and shapes that are known below the first point, aside."""
        ordered = model.get_ordered_ops()
        above = {self._first[0]}
        for node in ordered:
            if any(place[0] in above for place in _inputs(node)):
                above.add(node.get_name())
        wanted, found = {self._result[0]}, []
        for node in reversed(ordered):
            name, kind = node.get_name(), node.get_type_name()
            if name not in wanted or name == self._first[0]:
                continue
            if kind == "Constant":
                self.frozen[name, 0] = _tensor(node.data)
            elif kind == "ShapeOf" and _inputs(node)[0][0] not in above:
                self._shapes[name, 0] = [axis.get_length() for axis in list(node.input_value(0).partial_shape)[1:]]
            elif kind not in TABLE:
                raise NotImplementedError(f"its operator {kind} is not known to it")
            else:
                found.append(node)
                wanted.update(place[0] for place in _inputs(node))
        return found[::-1]

    def _planned(self, nodes: list[Any], point_of: Mapping[str, str]) -> list[_Step]:
        """The steps of a run. What depends on constants alone is computed here."""
        last: dict[Place, str] = {}
        left = []
        for node in nodes:
            name, inputs = node.get_name(), _inputs(node)
            if all(place in self.frozen for place in inputs):
                operator, attributes = TABLE[node.get_type_name()], node.get_attributes()
                self.frozen[name, 0] = operator(attributes, *(self.frozen[place] for place in inputs))
                continue
            left.append(node)
            last.update({place: name for place in inputs if place not in self.frozen})
        used = {place for node in left for place in _inputs(node)}
        self.frozen = {place: tensor for place, tensor in self.frozen.items() if place in used}
        return [
            _Step(
                node.get_name(),
                TABLE[node.get_type_name()],
                node.get_attributes(),
                _inputs(node),
                tuple(place for place in dict.fromkeys(_inputs(node)) if last.get(place) == node.get_name()),
                point_of.get(node.get_name()),
            )
            for node in left
        ]

    def _is_droppable(self) -> bool:
        """Tries it on noise: all tokens, all but the first in another order, and one fewer."""
        draw = torch().Generator().manual_seed(0)
        tokens = torch().randn(2, *self.shape, generator=draw)
        order = torch().cat([torch().zeros(1, dtype=int), 1 + torch().randperm(self.shape[0] - 1, generator=draw)])
        with torch().inference_mode():
            whole = self.run(tokens, _as_it_is)
            try:
                turned, fewer = self.run(tokens[:, order], _as_it_is), self.run(tokens[:, :-1], _as_it_is)
            except (RuntimeError, LookupError, ValueError):
                return False
        alike = torch().nn.functional.cosine_similarity(whole, turned).min() > 0.9999
        return bool(alike) and fewer.shape == whole.shape

    def _at_home(self, x: Any) -> Any:
        return x.to(self.device) if x is not None and x.is_floating_point() else x

    def _tokens(self, x: Any, point: str) -> Any:
        axis = self._axes[point]
        if axis is None:
            return x
        return x.flatten(2).transpose(1, 2) if axis == 1 else x.flatten(1, 2)

    def _back(self, tokens: Any, point: str) -> Any:
        axis, side = self._axes[point], isqrt(tokens.shape[1])
        if axis is None:
            return tokens
        return tokens.transpose(1, 2).unflatten(2, (side, side)) if axis == 1 else tokens.unflatten(1, (side, side))


def _as_it_is(x: Any, _: str) -> Any:
    return x


def _place(output: Any) -> Place:
    return output.get_node().get_name(), output.get_index()


def _inputs(node: Any) -> tuple[Place, ...]:
    return tuple(_place(value) for value in node.input_values())


def _tensor(values: Any) -> Any:
    array = np.array(values)
    return torch().from_numpy(array.astype(np.float32 if array.dtype.kind == "f" else np.int64))
