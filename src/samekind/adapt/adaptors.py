"""Sets of residual adaptors: what is trained, one set for each pseudo-granularity."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from samekind.adapt.torches import torch
from samekind.adapt.trunk import UpperNetwork

BOTTLENECK = 64
_STEPS, _NONE = 20, 1e-12


class Fusion(Protocol):
    """How much each set counts."""

    def shares(self, x: Any, narrow: Any, point: str) -> Any:
        """Tokens (n, t, d) at a point and the sets' bottlenecks there (sets, n, t, b) -> (sets, n, t or 1, 1)."""

    def value(self, added: Any, point: str) -> Any:
        """What is done to the weighted sum (n, t, d) before it is added."""


class Parameters:
    """Torch ``tensors`` by name, which are trained."""

    tensors: dict[str, Any]

    def to_numpy(self) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """The tensors as a file will hold them: float32 numbers of half precision."""
        return {name: in_half(tensor) for name, tensor in self.tensors.items()}

    def load(self, tensors: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Takes over tensors by name."""
        for name, tensor in tensors.items():
            self.tensors[name].data.copy_(torch().from_numpy(tensor))


class Adaptors(Parameters):
    """N sets of bottlenecks at the points of a trunk, zero at first: A(x) = up(gelu(down(LayerNorm(x)))).

    (Houlsby and others, 2019; AdaptFormer, 2022.) ``points`` are names and widths. All sets run in one pass, their
    bottlenecks as one batched product. ``tensors``: ``down.P`` (sets, d, b), ``bias.P`` (sets, b), ``up.P``
    (sets, b, d) and ``offset.P`` (sets, d) for every point P, on ``device``. With ``alike`` all sets begin with the
    same ``down``, so that their numbers stand for the same and can be merged.
    """

    def __init__(
        self, points: Mapping[str, int], sets: int, seed: int, device: str = "cpu", alike: bool = False
    ) -> None:
        self.points, self.sets, self.device = dict(points), sets, device
        draw = torch().Generator().manual_seed(seed)
        drawn, times = (1, sets) if alike else (sets, 1)
        self.tensors = {}
        for point, width in points.items():
            down = torch().randn(drawn, width, BOTTLENECK, generator=draw) / width**0.5
            self.tensors[f"down.{point}"] = down.repeat(times, 1, 1)
            self.tensors[f"bias.{point}"] = torch().zeros(sets, BOTTLENECK)
            self.tensors[f"up.{point}"] = torch().zeros(sets, BOTTLENECK, width)
            self.tensors[f"offset.{point}"] = torch().zeros(sets, width)
        self.tensors = {name: one.to(device).requires_grad_(True) for name, one in self.tensors.items()}

    def narrow(self, x: Any, point: str) -> Any:
        """The bottlenecks of all sets: x (sets or 1, m, d) -> (sets, m, b)."""
        functional = torch().nn.functional
        x = functional.layer_norm(x, x.shape[-1:]).expand(self.sets, -1, -1)
        down, bias = self.tensors[f"down.{point}"], self.tensors[f"bias.{point}"]
        return functional.gelu(torch().baddbmm(bias[:, None], x, down))

    def widened(self, narrow: Any, point: str) -> Any:
        """What every set adds: (sets, m, b) -> (sets, m, d)."""
        return torch().baddbmm(self.tensors[f"offset.{point}"][:, None], narrow, self.tensors[f"up.{point}"])

    def apart(self, trunk: UpperNetwork, tokens: Any) -> Any:
        """Tokens (n, t, d) at the trunk's first point -> vectors (sets, n, d), each set in a stream of its own."""
        found = trunk.run(tokens.expand(self.sets, *tokens.shape).flatten(0, 1), self._own)
        return found.unflatten(0, (self.sets, -1))

    def routed(self, trunk: UpperNetwork, tokens: Any) -> Any:
        """Tokens (n, t, d) -> vectors (n, d): the first n / sets pictures through the first set, and so on.

        A step over all sets costs what a step of one does (routing at random: AdaMix, 2022). n is a multiple of sets.
        """
        return trunk.run(tokens, self._own)

    def fused(self, trunk: UpperNetwork, tokens: Any, fusion: Fusion) -> Any:
        """Tokens (n, t, d) -> vectors (n, d): one stream, at each point what all sets add, shared out by ``fusion``.

        The shares weigh the bottlenecks, so that one product with all sets' ``up`` side by side makes the sum.
        """

        def adapt(x: Any, point: str) -> Any:
            pictures, count, width = x.shape
            narrow = self.narrow(x.reshape(1, -1, width), point).unflatten(1, (pictures, count))
            weights = fusion.shares(x, narrow, point)
            side_by_side = (weights * narrow).movedim(0, -2).flatten(-2)
            added = side_by_side @ self.tensors[f"up.{point}"].flatten(0, 1)
            added = added + weights[..., 0].movedim(0, -1) @ self.tensors[f"offset.{point}"]
            return x + fusion.value(added, point)

        return trunk.run(tokens, adapt)

    def _own(self, x: Any, point: str) -> Any:
        """Each equal share of the rows with what its own set adds."""
        streams = x.reshape(self.sets, -1, x.shape[-1])
        return (streams + self.widened(self.narrow(streams, point), point)).reshape(x.shape)

    def exported(self) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """The tensors for `encoders/graph.py`: with no more said, their mean."""
        return self.to_numpy()


def in_half(tensor: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A torch tensor as float32 numbers of half precision."""
    rounded: np.ndarray[Any, Any] = tensor.detach().cpu().numpy().astype(np.float16)
    return rounded.astype(np.float32)


def mean(numbers: Any) -> Any:
    """(sets, m) -> (m,)."""
    return numbers.mean(0)


def spherical_mean(numbers: Any) -> Any:
    """The point of a sphere whose great circles to all others cancel out: (sets, m) -> (m,). (Buss and Fillmore, 2001)

    Its length is the mean of theirs. Of two it is what SLERP gives at .5, and like the mean it does not depend on the
    order. The mean where one is zero or where all cancel out.
    """
    lengths = numbers.norm(dim=1)
    directions = numbers / lengths.clamp_min(_NONE)[:, None]
    middle = directions.mean(0)
    if lengths.min() <= _NONE or middle.norm() <= _NONE:
        return mean(numbers)
    for _ in range(_STEPS):
        middle = middle / middle.norm()
        cosines = (directions @ middle).clamp(-1, 1)
        straight = directions - cosines[:, None] * middle
        along = (straight / torch().sinc(cosines.acos() / math.pi).clamp_min(_NONE)[:, None]).mean(0)
        angle = along.norm()
        middle = angle.cos() * middle + torch().sinc(angle / math.pi) * along
    return lengths.mean() * middle / middle.norm()


def merged(adaptors: Adaptors, by: Callable[[Any], Any] = mean) -> Adaptors:
    """One set made of all, which began ``alike``, tensor ``by`` tensor (sets, m) -> (m,): no cost at search."""
    one = Adaptors(adaptors.points, 1, 0, adaptors.device)
    for name, tensor in adaptors.tensors.items():
        numbers = by(tensor.detach().double().flatten(1))
        one.load({name: in_half(numbers.reshape(1, *tensor.shape[1:]))})
    return one


class SideBySide(Adaptors):
    """Sets that are not fused: each keeps a stream of its own, and their unit vectors stand side by side.

    A vector is sets * d wide, and a cosine is the mean of the sets' cosines. What is above the first point costs as
    much as it does for ``sets`` networks.
    """

    def __init__(self, adaptors: Adaptors) -> None:
        super().__init__(adaptors.points, adaptors.sets, 0, adaptors.device)
        self.load(adaptors.to_numpy())

    def fused(self, trunk: UpperNetwork, tokens: Any, fusion: Fusion) -> Any:
        """Tokens (n, t, d) -> unit vectors (n, sets * d): nothing is shared out, whatever ``fusion`` says."""
        vectors = torch().nn.functional.normalize(self.apart(trunk, tokens).float(), dim=-1)
        return vectors.movedim(0, 1).flatten(1) / self.sets**0.5

    def exported(self) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """The tensors for `encoders/graph.py`, and that they are apart."""
        return {**self.to_numpy(), "apart": np.array([self.sets], np.float32)}
