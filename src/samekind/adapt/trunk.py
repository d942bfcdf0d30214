"""The upper blocks of a vision transformer in torch: what adaptors are trained in.

The same arithmetic as `encoders/vit.py`, from the same tensors; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samekind.adapt.torches import torch
from samekind.encoders.vit import Tensors, ViTShape, depth_of

Adapt = Callable[[Any, str], Any]
"""What happens to tokens (n, t, d) at a point, given by its name."""


class UpperViT:
    """The blocks of a transformer from ``start`` on, frozen; ``points`` are where adaptors sit, with their widths.

    There is one point below the first block and one after each. The last block is computed for the class token alone.
    """

    def __init__(self, tensors: Tensors, start: int, shape: ViTShape | None = None) -> None:
        self.start, self.depth, self.shape = start, depth_of(tensors), shape or ViTShape()
        self.frozen = {
            name: torch().from_numpy(np.array(tensor, np.float32))
            for name, tensor in tensors.items()
            if name.startswith("norm.") or (name.startswith("blocks.") and int(name.split(".")[1]) >= start)
        }
        width = self.frozen["norm.weight"].shape[0]
        self.points = {f"blocks.{block}": width for block in range(start - 1, self.depth)}

    def run(self, tokens: Any, adapt: Adapt) -> Any:
        """Tokens (n, t, d) at the first point -> class tokens (n, d), ``adapt`` applied at every point."""
        x = adapt(tokens, f"blocks.{self.start - 1}")
        for block in range(self.start, self.depth):
            x = self._block(x, f"blocks.{block}.", only_class_token=block == self.depth - 1)
            x = adapt(x, f"blocks.{block}")
        return self._normed(x[:, 0], "norm")

    def _block(self, x: Any, at: str, only_class_token: bool) -> Any:
        """x (n, t, d) -> the same, or (n, 1, d)."""
        functional, t = torch().nn.functional, self.frozen
        heads, width = self.shape.heads, x.shape[-1]
        y = self._normed(x, at + "norm1")
        weight, bias = self._weights(at + "attn.qkv")
        if only_class_token:
            x = x[:, :1]
            attended = self._attended_by_first(y, weight, bias)
        else:
            split = functional.linear(y, weight, bias).reshape(*y.shape[:-1], 3, heads, width // heads)
            query, key, value = split.movedim(-3, 0).transpose(-3, -2)
            attended = functional.scaled_dot_product_attention(query, key, value).transpose(-3, -2)
            attended = attended.reshape(y.shape)
        y = functional.linear(attended, *self._weights(at + "attn.proj"))
        x = x + t[at + "ls1.gamma"] * y
        y = functional.gelu(functional.linear(self._normed(x, at + "norm2"), *self._weights(at + "mlp.fc1")))
        return x + t[at + "ls2.gamma"] * functional.linear(y, *self._weights(at + "mlp.fc2"))

    def _attended_by_first(self, y: Any, weight: Any, bias: Any) -> Any:
        """What the first token sees, (n, 1, d): keys and values folded into the query, so tokens stay as they are.

        The keys' bias gives every token the same score and drops out.
        """
        width, heads = y.shape[-1], self.shape.heads
        size = width // heads
        query = torch().nn.functional.linear(y[:, 0], weight[:width], bias[:width]) * size**-0.5
        query = query.unflatten(-1, (heads, size))
        keys = weight[width : 2 * width].unflatten(0, (heads, size))
        values = weight[2 * width :].unflatten(0, (heads, size))
        folded = torch().einsum("nhe,hed->nhd", query, keys)
        shares = torch().matmul(folded, y.transpose(-1, -2)).softmax(-1)
        seen = torch().einsum("nhd,hed->nhe", torch().matmul(shares, y), values)
        return (seen + bias[2 * width :].unflatten(0, (heads, size))).flatten(-2)[:, None]

    def _weights(self, name: str) -> tuple[Any, Any]:
        return self.frozen[name + ".weight"], self.frozen[name + ".bias"]

    def _normed(self, x: Any, name: str) -> Any:
        return torch().nn.functional.layer_norm(x, x.shape[-1:], *self._weights(name), self.shape.epsilon)
