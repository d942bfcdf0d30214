"""Weights of one network from different files into the same tensors, proved by one hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.engine import core
from samekind.errors import WrongWeights

Tensors = dict[str, NDArray[np.float32]]


def tensors_sha256(tensors: Mapping[str, NDArray[Any]]) -> str:
    """sha256 over names (sorted), shapes and little-endian float32 elements; it is blind to how they are stored."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        values = np.ascontiguousarray(tensors[name], "<f4")
        digest.update(f"{name}{list(tensors[name].shape)}".encode())
        digest.update(values.data)
    return digest.hexdigest()


def dino_tensors(path: Path) -> Tensors:
    """DINOv2's tensors under their original names from any file that holds them: ours, the model hub's, the export.

    Raises WrongWeights where the file is none of these; whether the tensors are the right ones is for
    ``tensors_sha256`` to say.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        with path.open("rb") as file:
            is_safetensors = file.read(9)[8:] == b"{"
        if not is_safetensors:
            return dino_from_onnx(path)
        stored = load_file(path)
        return stored if "pos_embed" in stored else dino_from_hub(stored)
    except (SafetensorError, RuntimeError, KeyError, ValueError) as problem:
        raise WrongWeights(f"{path} cannot be read as weights ({str(problem).splitlines()[-1]}).") from None


def dino_from_onnx(path: Path) -> Tensors:
    """DINOv2's tensors under their original names, from an exported graph.

    The export keeps most names behind "model."; matrices are anonymous and transposed, and are named by the MatMul
    that uses them. The position of the class token equals the class token itself and was stored once.
    """
    tensors: Tensors = {}
    patches = None
    for node in core().read_model(str(path)).get_ops():
        if node.get_type_name() != "Constant" or not node.friendly_name.startswith(("model.", "onnx::")):
            continue
        values = np.array(node.get_data(), np.float32)
        kept = node.friendly_name.removeprefix("model.")
        users = [user.get_node() for user in node.output(0).get_target_inputs()]
        matrix = next((user.friendly_name for user in users if user.friendly_name.endswith("/MatMul")), None)
        if kept != node.friendly_name:
            tensors[kept] = values
        elif matrix:
            tensors[matrix.strip("/").replace("/", ".").removesuffix("MatMul") + "weight"] = values.T
        elif values.ndim == 3:
            patches = values
    if patches is None or "cls_token" not in tensors:
        raise WrongWeights(f"{path} does not hold DINOv2's position embeddings; get it again.")
    tensors["pos_embed"] = np.concatenate([tensors["cls_token"], patches], axis=1)
    return tensors


_RENAMED = (
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection", "patch_embed.proj"),
    (r"^embeddings\.", ""),
    (r"^encoder\.layer\.", "blocks."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.layer_scale([12])\.lambda1$", r".ls\1.gamma"),
    (r"^layernorm\.", "norm."),
)


def dino_from_hub(stored: Mapping[str, NDArray[np.float32]]) -> Tensors:
    """DINOv2's tensors under their original names, from those of the model hub's file.

    There query, key and value are three matrices (originally one), and a mask token is kept that only training uses.
    """
    tensors: Tensors = {}
    for name, values in stored.items():
        if ".attention.attention." in name or name == "embeddings.mask_token":
            continue
        original = name
        for pattern, replacement in _RENAMED:
            original = re.sub(pattern, replacement, original)
        tensors[original] = values
    for name in stored:
        if ".attention.attention.query." in name:
            three = [stored[name.replace(".query.", f".{which}.")] for which in ("query", "key", "value")]
            layer, kind = name.split(".")[2], name.rsplit(".", 1)[1]
            tensors[f"blocks.{layer}.attn.qkv.{kind}"] = np.concatenate(three)
    return tensors
