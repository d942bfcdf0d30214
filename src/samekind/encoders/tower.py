"""The image tower of a transformers model as an OpenVINO graph, converted once and compared with torch."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.engine import core, openvino
from samekind.encoders.golden import draw_card
from samekind.encoders.hub_tools import quiet, tools
from samekind.encoders.onnx import with_normalisation
from samekind.encoders.processor import Seen, seen_by
from samekind.errors import EncoderError, SamekindError

AGREES = 0.999
"""The least cosine between the graph and torch, both in float32, on the test card."""

_BLOCK = re.compile(r"__module\.tower\.(?:.*\.)?layers?\.(\d+)/aten::add/Add(?:_\d+)?")


@dataclass(frozen=True)
class Kind:
    """One of transformers' model types: the class of its image tower, and which of its outputs is the descriptor."""

    tower: str
    pooling: str
    pick: Callable[[Any], Any]


def _class_token(output: Any) -> Any:
    return output.last_hidden_state[:, 0]


_CLIP = Kind("CLIPVisionModelWithProjection", "projected", lambda output: output.image_embeds)
_SIGLIP = Kind("SiglipVisionModel", "attention head", lambda output: output.pooler_output)
KINDS = {
    "vit": Kind("ViTModel", "class token", _class_token),
    "dinov2": Kind("Dinov2Model", "class token", _class_token),
    "dinov2_with_registers": Kind("Dinov2WithRegistersModel", "class token", _class_token),
    "clip": _CLIP,
    "clip_vision_model": _CLIP,
    "siglip": _SIGLIP,
    "siglip_vision_model": _SIGLIP,
}
"""By ``model_type`` of config.json. SigLIP 2 with pictures of one size is of type siglip, too."""


@dataclass(frozen=True, eq=False)
class Tower:
    """A converted tower: ``model`` takes (n, side, side, 3) uint8 and gives (n, dim) float32.

    The output of each block is named ``blocks.0``, ``blocks.1`` and so on, as in ``vit.py``; all that goes from
    pictures to vectors goes through each of them.
    """

    model: Any
    kind: str
    seen: Seen
    pooling: str
    dim: int


def convert(folder: Path, where: str) -> Tower:
    """The tower of the model in ``folder``; ``where`` names it in errors.

    Raises EncoderError for a model of another type, one that cannot be read or lacks weights, and one whose graph
    does not give what torch gives; MissingExtra without transformers.
    """
    name = model_type(folder, where)
    kind = KINDS[name]
    try:
        with quiet():
            loaded, seen = _loaded(folder, name, where), _seen(folder, where)
            module = _module(loaded, kind, seen.view.side)
            wanted = _by_torch(module, seen)
            model = with_normalisation(_graph(module, seen.view.side), seen.mean, seen.std, seen.scale)
    except SamekindError:
        raise
    except Exception as problem:  # errors of transformers, torch and the conversion have no common root
        reason = (str(problem).strip().splitlines() or [repr(problem)])[0]
        raise EncoderError(f"{where} cannot be converted ({reason}); take another model.") from problem
    _compare(model, seen, wanted, where)
    return Tower(model, name, seen, kind.pooling, len(wanted))


def model_type(folder: Path, where: str) -> str:
    """The model type that config.json names; EncoderError where it is none of ``KINDS``."""
    try:
        found = json.loads((folder / "config.json").read_text("utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise EncoderError(f"The config.json of {where} cannot be read ({problem!r}); get the model again.") from None
    if found == "siglip2":
        raise EncoderError(f"{where} takes pictures of any shape (NaFlex); take a SigLIP 2 of one size, such as -224.")
    if found not in KINDS:
        raise EncoderError(f"{where} is of type {found}; samekind takes {', '.join(KINDS)}.")
    return str(found)


def _loaded(folder: Path, name: str, where: str) -> Any:
    """The tower in torch, from plain tensors alone, with every weight of it there."""
    torch, transformers = tools().torch, tools().transformers
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if name in ("clip", "siglip"):
        whole, config = config, config.vision_config
        if name == "clip":
            config.projection_dim = whole.projection_dim
    more = {"add_pooling_layer": False} if name == "vit" else {}
    model, report = getattr(transformers, KINDS[name].tower).from_pretrained(
        folder,
        config=config,
        dtype=torch.float32,
        attn_implementation="sdpa",
        local_files_only=True,
        weights_only=True,
        output_loading_info=True,
        **more,
    )
    absent = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
    if absent:
        raise EncoderError(
            f"{where} lacks {len(absent)} weights of its image tower, such as {absent[0]}; take one that has them all."
        )
    return model.eval()


def _seen(folder: Path, where: str) -> Seen:
    processor = tools().transformers.AutoImageProcessor.from_pretrained(
        folder, backend="pil", local_files_only=True, trust_remote_code=False
    )
    return seen_by(processor.to_dict(), where)


def _module(loaded: Any, kind: Kind, side: int) -> Any:
    """A torch module: normalised pictures (n, 3, side, side) -> descriptors (n, dim)."""
    torch = tools().torch
    if kind.tower.startswith("Dinov2"):  # resized positions become one constant instead of work for each batch
        places, grid = loaded.embeddings, side // loaded.config.patch_size
        with torch.no_grad():
            fixed = places.interpolate_pos_encoding(torch.zeros(1, 1 + grid**2, loaded.config.hidden_size), side, side)
        places.interpolate_pos_encoding = lambda *_: fixed

    class Describe(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tower = loaded

        def forward(self, pixels: Any) -> Any:
            return kind.pick(self.tower(pixel_values=pixels, return_dict=True))

    return Describe().eval()


def _graph(module: Any, side: int) -> Any:
    torch = tools().torch
    with torch.no_grad():
        example = torch.zeros(2, 3, side, side)
        graph = openvino().convert_model(module, example_input=example, input=[-1, 3, side, side])
    ends = {}
    for operator in graph.get_ordered_ops():
        if found := _BLOCK.fullmatch(operator.get_friendly_name()):
            ends[found[1]] = operator  # of the two sums of a block the later one stays
    for block, operator in ends.items():
        operator.set_friendly_name(f"blocks.{block}")
    return graph


def _by_torch(module: Any, seen: Seen) -> NDArray[np.float32]:
    """(dim,) the descriptor of the test card."""
    torch = tools().torch
    pixels = seen.view.apply(draw_card()).astype(np.float32) / seen.scale
    normal = (pixels - np.array(seen.mean)) / np.array(seen.std)
    with torch.no_grad():
        found = module(torch.from_numpy(normal.transpose(2, 0, 1)[None].astype(np.float32)))
    return np.asarray(found[0].numpy(), np.float32)


def _compare(model: Any, seen: Seen, wanted: NDArray[np.float32], where: str) -> None:
    compiled = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = np.asarray(compiled(seen.view.apply(draw_card())[None])[0], np.float32).reshape(-1)
    cosine = float(found @ wanted / (np.linalg.norm(found) * np.linalg.norm(wanted)))
    if not cosine >= AGREES:
        raise EncoderError(
            f"The converted graph of {where} does not give what torch gives (cosine {cosine:.4f} on the test card), so "
            "it is not used; take another model."
        )
