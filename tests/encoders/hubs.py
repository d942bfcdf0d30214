"""Small models of the hub's classes with random weights, saved as the hub keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SIDE = 32
_SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": SIDE, "patch_size": 8}
_TEXT = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": 600,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
CLIP = {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
ALL = {"do_resize": True, "do_rescale": True, "do_normalize": True}

PROCESSORS: dict[str, dict[str, Any]] = {
    "vit": {"do_normalize": True, "do_resize": True, "size": SIDE, **HALF},
    "dinov2": {
        **ALL,
        **IMAGENET,
        "image_processor_type": "BitImageProcessor",
        "do_center_crop": True,
        "size": {"shortest_edge": 36},
        "crop_size": {"height": SIDE, "width": SIDE},
        "resample": 3,
    },
    "clip": {
        **CLIP,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "do_resize": True,
        "do_normalize": True,
        "do_center_crop": True,
        "size": SIDE,
        "crop_size": SIDE,
        "resample": 3,
    },
    "siglip": {
        **ALL,
        **HALF,
        "image_processor_type": "SiglipImageProcessor",
        "size": {"height": SIDE, "width": SIDE},
        "resample": 2,
    },
}
PROCESSORS["dinov2_with_registers"] = PROCESSORS["dinov2"]
PROCESSORS["clip_vision_model"] = PROCESSORS["metaclip_2"] = PROCESSORS["clip"]
PROCESSORS["siglip_vision_model"] = PROCESSORS["siglip"]
"""As the well-known repositories write them, old ones among them, at our size."""


def model(kind: str, seed: int = 0, text: Mapping[str, Any] | None = None, **config: Any) -> Any:
    """A random model: with a text tower where ``kind`` has one, and with a classifier for "vit".

    ``text`` and ``config`` change the sizes of either tower.
    """
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    torch.manual_seed(seed)
    vision = {**_SIZES, "intermediate_size": 64, **config}
    if kind == "vit":
        made = transformers.ViTForImageClassification(transformers.ViTConfig(**vision))
    elif kind.startswith("dinov2"):
        stem = {"dinov2": "Dinov2", "dinov2_with_registers": "Dinov2WithRegisters"}[kind]
        sizes = {**_SIZES, "image_size": 56, "mlp_ratio": 2, **config}  # positions for a larger side, as the hub's
        made = getattr(transformers, f"{stem}Model")(getattr(transformers, f"{stem}Config")(**sizes))
    elif kind in ("clip", "metaclip_2"):
        stem = {"clip": "CLIP", "metaclip_2": "MetaClip2"}[kind]
        configured = getattr(transformers, f"{stem}Config")
        made = getattr(transformers, f"{stem}Model")(
            configured(text_config={**_TEXT, **(text or {})}, vision_config=vision, projection_dim=24)
        )
    elif kind == "siglip":
        words = {**_TEXT, "projection_size": 32, **(text or {})}
        made = transformers.SiglipModel(transformers.SiglipConfig(text_config=words, vision_config=vision))
    elif kind == "clip_vision_model":
        made = transformers.CLIPVisionModelWithProjection(transformers.CLIPVisionConfig(**vision, projection_dim=24))
    else:
        made = transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**vision))
    with torch.no_grad():  # fresh weights are too small for the blocks to change anything
        for tensor in made.parameters():
            tensor.add_(torch.randn_like(tensor), alpha=0.1)
    return made.eval()


def save(folder: Path, kind: str, seed: int = 0, text: Mapping[str, Any] | None = None, **config: Any) -> Path:
    """A model of ``kind`` with its image processor in ``folder``."""
    made = model(kind, seed, text, **config)
    made.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSORS[kind]), "utf-8")
    return folder
