"""The upper blocks of a vision transformer in torch, with sets of adaptors in them: what is trained.

The same arithmetic as `encoders/vit.py`, from the same tensors; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from samekind.adapt.torches import torch
from samekind.encoders.vit import Tensors, ViTShape, depth_of

BOTTLENECK = 64


class UpperViT:
    """The blocks from ``start`` on, frozen, and after each of them, and after the one before, N sets of adaptors.

    A set is a residual bottleneck after each adapted block, zero at first: x + up(gelu(down(LayerNorm(x)))) (Houlsby
    and others, 2019; AdaptFormer, 2022). All sets run in one pass, their bottlenecks as one batched product; the last
    block is computed for the class token alone.
    """

    def __init__(self, tensors: Tensors, start: int, sets: int, seed: int, shape: ViTShape | None = None) -> None:
        shape = shape or ViTShape()
        self.start, self.depth, self.sets, self.shape = start, depth_of(tensors), sets, shape
        self.frozen = {
            name: torch().from_numpy(np.array(tensor, np.float32))
            for name, tensor in tensors.items()
            if name.startswith("norm.") or (name.startswith("blocks.") and int(name.split(".")[1]) >= start)
        }
        width = self.frozen["norm.weight"].shape[0]
        draw = torch().Generator().manual_seed(seed)
        self.adaptors: dict[str, Any] = {}
        for block in range(start - 1, self.depth):
            down = torch().randn(sets, width, BOTTLENECK, generator=draw) / width**0.5
            self.adaptors[f"down.{block}"] = down
            self.adaptors[f"bias.{block}"] = torch().zeros(sets, BOTTLENECK)
            self.adaptors[f"up.{block}"] = torch().zeros(sets, BOTTLENECK, width)
            self.adaptors[f"offset.{block}"] = torch().zeros(sets, width)
        for parameter in self.adaptors.values():
            parameter.requires_grad_(True)

    def apart(self, tokens: Any) -> Any:
        """Tokens (n, t, d) before ``start`` -> class tokens (sets, n, d), each set in a stream of its own."""
        pictures, count, width = tokens.shape
        x = tokens.reshape(1, pictures * count, width).expand(self.sets, -1, -1)
        x = (x + self._each(x, self.start - 1)).reshape(self.sets, pictures, count, width)
        for block in range(self.start, self.depth):
            x = self._block(x, f"blocks.{block}.", only_class_token=block == self.depth - 1)
            flat = x.reshape(self.sets, -1, width)
            x = (flat + self._each(flat, block)).reshape(x.shape)
        return self._normed(x[:, :, 0], "norm")

    def fused(self, tokens: Any) -> Any:
        """Tokens (n, t, d) -> class tokens (n, d): one stream, after each block the mean of all sets' adaptors."""
        x = tokens + self._mean(tokens, self.start - 1)
        for block in range(self.start, self.depth):
            x = self._block(x[None], f"blocks.{block}.", only_class_token=block == self.depth - 1)[0]
            x = x + self._mean(x, block)
        return self._normed(x[:, 0], "norm")

    def to_numpy(self) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """The adaptors as a file will hold them: float32 numbers of half precision."""
        return {
            name: tensor.detach().numpy().astype(np.float16).astype(np.float32)
            for name, tensor in self.adaptors.items()
        }

    def load(self, adaptors: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Takes over adaptors by name."""
        for name, tensor in adaptors.items():
            self.adaptors[name].data.copy_(torch().from_numpy(tensor))

    def _each(self, x: Any, block: int) -> Any:
        functional = torch().nn.functional
        down, bias, up, offset = (self.adaptors[f"{name}.{block}"] for name in ("down", "bias", "up", "offset"))
        narrow = torch().baddbmm(bias[:, None], functional.layer_norm(x, x.shape[-1:]), down)
        return torch().baddbmm(offset[:, None], functional.gelu(narrow), up)

    def _mean(self, x: Any, block: int) -> Any:
        flat = x.reshape(1, -1, x.shape[-1]).expand(self.sets, -1, -1)
        return self._each(flat, block).mean(0).reshape(x.shape)

    def _block(self, x: Any, at: str, only_class_token: bool) -> Any:
        """x (s, n, t, d) -> the same, or (s, n, 1, d)."""
        functional, t = torch().nn.functional, self.frozen
        heads, width = self.shape.heads, x.shape[-1]
        y = self._normed(x, at + "norm1")
        weight, bias = self._weights(at + "attn.qkv")
        if only_class_token:
            x = x[:, :, :1]
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
        """What the first token sees, (s, n, 1, d): keys and values folded into the query, so tokens stay as they are.

        The keys' bias gives every token the same score and drops out.
        """
        width, heads = y.shape[-1], self.shape.heads
        size = width // heads
        query = torch().nn.functional.linear(y[:, :, 0], weight[:width], bias[:width]) * size**-0.5
        query = query.unflatten(-1, (heads, size))
        keys = weight[width : 2 * width].unflatten(0, (heads, size))
        values = weight[2 * width :].unflatten(0, (heads, size))
        folded = torch().einsum("snhe,hed->snhd", query, keys)
        shares = torch().matmul(folded, y.transpose(-1, -2)).softmax(-1)
        seen = torch().einsum("snhd,hed->snhe", torch().matmul(shares, y), values)
        return (seen + bias[2 * width :].unflatten(0, (heads, size))).flatten(-2)[:, :, None]

    def _weights(self, name: str) -> tuple[Any, Any]:
        return self.frozen[name + ".weight"], self.frozen[name + ".bias"]

    def _normed(self, x: Any, name: str) -> Any:
        return torch().nn.functional.layer_norm(x, x.shape[-1:], *self._weights(name), self.shape.epsilon)
