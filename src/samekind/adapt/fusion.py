"""Fusion: how much each set of adaptors counts, for each picture, at each point (Almazan and others, ECCV 2022)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.adaptors import Adaptors, Parameters, in_half
from samekind.adapt.torches import torch
from samekind.encoders.rows import Array

Query = Literal["picture", "token"]
KEY = 32
GUARD_RIDGES = (0.001, 0.01, 0.1, 1.0, 10.0)
_HELD_BACK, _STEPS = 5, 100
_NULL_AT_FIRST = -2.0


class Mean:
    """The same share for every set: the fusion that learns nothing."""

    def shares(self, x: Any, narrow: Any, point: str) -> Any:
        """(sets, 1, 1, 1)."""
        return torch().full((len(narrow), 1, 1, 1), 1 / len(narrow), device=narrow.device)

    def value(self, added: Any, point: str) -> Any:
        """As it is."""
        return added


class Attention(Parameters):
    """Shares by attention over the sets and a null adaptor that adds nothing.

    q = LN(x) Q + q0 and k_i = A_i(x) K; the shares are softmax_i(q . k_i / sqrt(KEY) + prior_i), and the null adaptor,
    whose key is a learned one, takes part with a prior of its own: it leaves the trunk alone. ``query`` "picture" asks
    with the mean of all tokens and shares one attention over them; "token" asks for each token. The weighted sum passes
    through V, which starts as the identity and is held near it (AdapterFusion, 2021).
    ``tensors``: ``query.P`` (d, KEY), ``query0.P`` (KEY,), ``key.P`` (d, KEY), ``value.P`` (d, d), ``null.P``
    (KEY,) and ``prior.P`` (sets + 1,), the null adaptor last.
    """

    def __init__(self, adaptors: Adaptors, seed: int, query: Query = "picture") -> None:
        self.adaptors, self.query = adaptors, query
        draw = torch().Generator().manual_seed(seed)
        self.tensors = {}
        for point, width in adaptors.points.items():
            self.tensors[f"query.{point}"] = torch().randn(width, KEY, generator=draw) * 0.02
            self.tensors[f"query0.{point}"] = torch().zeros(KEY)
            self.tensors[f"key.{point}"] = torch().randn(width, KEY, generator=draw) * 0.02
            self.tensors[f"value.{point}"] = torch().eye(width)
            self.tensors[f"null.{point}"] = torch().zeros(KEY)
            self.tensors[f"prior.{point}"] = torch().tensor([0.0] * adaptors.sets + [_NULL_AT_FIRST])
        self.tensors = {name: one.to(adaptors.device).requires_grad_(True) for name, one in self.tensors.items()}

    def shares(self, x: Any, narrow: Any, point: str) -> Any:
        """(sets, n, t or 1, 1): what the null adaptor leaves."""
        return self.attention(x, narrow, point)[:-1]

    def value(self, added: Any, point: str) -> Any:
        """Through V."""
        return added @ self.tensors[f"value.{point}"]

    def drift(self) -> Any:
        """How far all V are from the identity: the sum of squares."""
        values = [tensor for name, tensor in self.tensors.items() if name.startswith("value.")]
        return sum(((value - torch().eye(len(value), device=value.device)) ** 2).sum() for value in values)

    def attention(self, x: Any, narrow: Any, point: str) -> Any:
        """(sets + 1, n, t or 1, 1), the null adaptor last; they sum to 1."""
        if self.query == "picture":
            x, narrow = x.mean(1, keepdim=True), narrow.mean(2, keepdim=True)
        asked = torch().nn.functional.layer_norm(x, x.shape[-1:]) @ self.tensors[f"query.{point}"]
        asked = asked + self.tensors[f"query0.{point}"]
        key = self.tensors[f"key.{point}"]
        up, offset = self.adaptors.tensors[f"up.{point}"] @ key, self.adaptors.tensors[f"offset.{point}"] @ key
        keys = torch().einsum("sntb,sbk->sntk", narrow, up) + offset[:, None, None]
        null = (asked * self.tensors[f"null.{point}"]).sum(-1, keepdim=True)[None]
        scores = torch().cat([(asked * keys).sum(-1, keepdim=True), null]) / KEY**0.5
        return (scores.float() + self.tensors[f"prior.{point}"][:, None, None, None]).softmax(0)

    def exported(self) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """Adaptors and attention for `encoders/graph.py`, V and K folded into what the sets add."""
        tensors = {name: tensor.detach() for name, tensor in {**self.adaptors.tensors, **self.tensors}.items()}
        found = {name: in_half(tensor) for name, tensor in self.adaptors.tensors.items()}
        asks = "ask" if self.query == "picture" else "ask_each"
        for point in self.adaptors.points:
            up, offset, key, value = (tensors[f"{kind}.{point}"] for kind in ("up", "offset", "key", "value"))
            found[f"up.{point}"], found[f"offset.{point}"] = in_half(up @ value), in_half(offset @ value)
            found[f"{asks}.{point}"] = in_half(tensors[f"query.{point}"] / KEY**0.5)
            found[f"ask0.{point}"] = in_half(tensors[f"query0.{point}"] / KEY**0.5)
            found[f"key.{point}"], found[f"key0.{point}"] = in_half(up @ key), in_half(offset @ key)
            found[f"null.{point}"] = in_half(tensors[f"null.{point}"])
            found[f"prior.{point}"] = in_half(tensors[f"prior.{point}"])
        return found


class Heard:
    """A fusion that remembers the attention at each point that it passes."""

    def __init__(self, fusion: Attention) -> None:
        self._fusion = fusion
        self._found: list[Any] = []

    def shares(self, x: Any, narrow: Any, point: str) -> Any:
        """Those of the fusion."""
        found = self._fusion.attention(x, narrow, point)
        self._found.append(found[..., 0].mean(2))
        return found[:-1]

    def value(self, added: Any, point: str) -> Any:
        """That of the fusion."""
        return self._fusion.value(added, point)

    def attention(self) -> Any:
        """(n, points, sets + 1), the mean over tokens."""
        return torch().stack(self._found).movedim(-1, 0)


class SparingMean(Mean):
    """The mean of the sets for some pictures, nothing for others; remembers what an attention would be asked with."""

    def __init__(self, spared: Any) -> None:
        """``spared`` (n,) bool: the pictures of the batch that get nothing."""
        self._shares = (~spared).float()[None, :, None, None]
        self._found: list[Any] = []

    def shares(self, x: Any, narrow: Any, point: str) -> Any:
        """(sets, n, 1, 1)."""
        self._found.append(torch().nn.functional.layer_norm(x.mean(1), x.shape[-1:]))
        return (self._shares / len(narrow)).expand(len(narrow), -1, -1, -1)

    def asked(self) -> list[Any]:
        """For each point (n, d)."""
        return self._found


def guard(adaptors: Adaptors, asked: Mapping[str, Array], spared: NDArray[np.bool_]) -> Attention:
    """Attention that turns to the null adaptor for pictures like those that are to be ``spared`` (n,). (ours)

    ``asked`` (n, d) for each point: what a picture asks with there, by ``SparingMean``. All sets share the rest alike.
    The null adaptor's share is a logistic regression, both sides of the same weight, its ridge chosen by pictures that
    are held back.
    """
    found = Attention(adaptors, 0)
    wanted = torch().from_numpy(spared.astype(np.float32))
    weights = torch().where(wanted > 0, 0.5 / wanted.mean(), 0.5 / (1 - wanted).mean())
    back = torch().arange(len(wanted)) % _HELD_BACK == 0
    for point, seen in asked.items():
        features = torch().from_numpy(np.array(seen, np.float32))
        tried = []
        for ridge in GUARD_RIDGES:
            slope, offset = _logistic(features[~back], wanted[~back], weights[~back], ridge)
            loss = _logistic_loss(features[back] @ slope + offset, wanted[back], weights[back])
            tried.append((float(loss), ridge))
        slope, offset = _logistic(features, wanted, weights, min(tried)[1])
        for kind in ("query", "query0", "key", "null"):
            found.tensors[f"{kind}.{point}"].data.zero_()
        found.tensors[f"query.{point}"].data[:, 0] = slope
        found.tensors[f"query0.{point}"].data[0] = offset
        found.tensors[f"null.{point}"].data[0] = KEY**0.5
        found.tensors[f"prior.{point}"].data[-1] = math.log(adaptors.sets)
    found.load(found.to_numpy())
    return found


def _logistic(features: Any, wanted: Any, weights: Any, ridge: float) -> tuple[Any, Any]:
    """Slope (d,) and offset () with the least weighted loss plus ``ridge`` / 2 times the squared slope."""
    slope = torch().zeros(features.shape[1], requires_grad=True)
    offset = torch().zeros((), requires_grad=True)
    descent = torch().optim.LBFGS([slope, offset], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Any:
        descent.zero_grad()
        loss = _logistic_loss(features @ slope + offset, wanted, weights) + 0.5 * ridge * (slope**2).sum()
        loss.backward()
        return loss

    descent.step(closure)
    return slope.detach(), offset.detach()


def _logistic_loss(scores: Any, wanted: Any, weights: Any) -> Any:
    return torch().nn.functional.binary_cross_entropy_with_logits(scores, wanted, weights)
