"""DINOv2 ViT-S/14 in plain PyTorch, as the usual loop runs it, from the same weights."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn import functional as F  # noqa: N812

from samekind.settings import cache_folder


def weights_file() -> Path:
    """dino's converted weights in the cache."""
    return next((cache_folder() / "weights").glob("dino-*.safetensors"))


class TorchViT:
    """(n, 3, 224, 224) float32 -> (n, 384) class tokens."""

    def __init__(self) -> None:
        self.t = load_file(weights_file())
        positions = self.t["pos_embed"]
        grid = positions[:, 1:].reshape(1, 37, 37, 384).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, scale_factor=(16.1 / 37, 16.1 / 37), mode="bicubic")
        self.positions = torch.cat([positions[:, :1], grid.permute(0, 2, 3, 1).reshape(1, 256, 384)], 1)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        t = self.t
        x = F.conv2d(x, t["patch_embed.proj.weight"], t["patch_embed.proj.bias"], stride=14).flatten(2).transpose(1, 2)
        x = torch.cat([t["cls_token"].expand(len(x), -1, -1), x], 1) + self.positions
        for n in range(12):
            at = f"blocks.{n}."
            y = F.layer_norm(x, (384,), t[at + "norm1.weight"], t[at + "norm1.bias"], 1e-6)
            y = F.linear(y, t[at + "attn.qkv.weight"], t[at + "attn.qkv.bias"])
            q, k, v = y.reshape(len(x), -1, 3, 6, 64).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(len(x), -1, 384)
            x = x + t[at + "ls1.gamma"] * F.linear(y, t[at + "attn.proj.weight"], t[at + "attn.proj.bias"])
            y = F.layer_norm(x, (384,), t[at + "norm2.weight"], t[at + "norm2.bias"], 1e-6)
            y = F.gelu(F.linear(y, t[at + "mlp.fc1.weight"], t[at + "mlp.fc1.bias"]))
            x = x + t[at + "ls2.gamma"] * F.linear(y, t[at + "mlp.fc2.weight"], t[at + "mlp.fc2.bias"])
        return F.layer_norm(x[:, 0], (384,), t["norm.weight"], t["norm.bias"], 1e-6)
