"""Sets of residual adaptors: what is trained, one set for each pseudo-granularity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from samekind.adapt.torches import torch
from samekind.adapt.trunk import UpperNetwork

BOTTLENECK = 64
_KINDS = ("down", "bias", "up", "offset")


class Adaptors:
    """N sets of bottlenecks at the points of a trunk, zero at first: A(x) = up(gelu(down(LayerNorm(x)))).

    (Houlsby and others, 2019; AdaptFormer, 2022.) ``points`` are names and widths. All sets run in one pass, their
    bottlenecks as one batched product. ``tensors``: ``down.P`` (sets, d, b), ``bias.P`` (sets, b), ``up.P``
    (sets, b, d) and ``offset.P`` (sets, d) for every point P.
    """

    def __init__(self, points: Mapping[str, int], sets: int, seed: int) -> None:
        self.sets = sets
        draw = torch().Generator().manual_seed(seed)
        self.tensors: dict[str, Any] = {}
        for point, width in points.items():
            self.tensors[f"down.{point}"] = torch().randn(sets, width, BOTTLENECK, generator=draw) / width**0.5
            self.tensors[f"bias.{point}"] = torch().zeros(sets, BOTTLENECK)
            self.tensors[f"up.{point}"] = torch().zeros(sets, BOTTLENECK, width)
            self.tensors[f"offset.{point}"] = torch().zeros(sets, width)
        for parameter in self.tensors.values():
            parameter.requires_grad_(True)

    def each(self, x: Any, point: str) -> Any:
        """What every set adds: x (sets or 1, n, d) -> (sets, n, d)."""
        functional = torch().nn.functional
        down, bias, up, offset = (self.tensors[f"{kind}.{point}"] for kind in _KINDS)
        x = functional.layer_norm(x, x.shape[-1:]).expand(self.sets, -1, -1)
        return torch().baddbmm(offset[:, None], functional.gelu(torch().baddbmm(bias[:, None], x, down)), up)

    def apart(self, trunk: UpperNetwork, tokens: Any) -> Any:
        """Tokens (n, t, d) at the trunk's first point -> vectors (sets, n, d), each set in a stream of its own."""

        def adapt(x: Any, point: str) -> Any:
            streams = x.reshape(self.sets, -1, x.shape[-1])
            return (streams + self.each(streams, point)).reshape(x.shape)

        found = trunk.run(tokens.expand(self.sets, *tokens.shape).flatten(0, 1), adapt)
        return found.unflatten(0, (self.sets, -1))

    def fused(self, trunk: UpperNetwork, tokens: Any) -> Any:
        """Tokens (n, t, d) -> vectors (n, d): one stream, at each point the mean of what all sets add."""

        def adapt(x: Any, point: str) -> Any:
            return x + self.each(x.reshape(1, -1, x.shape[-1]), point).mean(0).reshape(x.shape)

        return trunk.run(tokens, adapt)

    def to_numpy(self) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """The tensors as a file will hold them: float32 numbers of half precision."""
        return {
            name: tensor.detach().numpy().astype(np.float16).astype(np.float32) for name, tensor in self.tensors.items()
        }

    def load(self, tensors: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Takes over tensors by name."""
        for name, tensor in tensors.items():
            self.tensors[name].data.copy_(torch().from_numpy(tensor))
