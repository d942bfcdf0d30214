"""The image tower of a transformers model as an OpenVINO graph, converted once and compared with torch.

What loading and comparing a text tower needs as well (``KINDS``, ``loaded``, ``converting``, ``compare``) is here, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.engine import core, openvino
from samekind.encoders.golden import draw_card
from samekind.encoders.hub_tools import quiet, tools
from samekind.encoders.onnx import with_normalisation
from samekind.encoders.processor import Seen, seen_by
from samekind.errors import EncoderError, SamekindError

AGREES = 0.999
"""The least cosine between a graph and torch, both in float32, on the test card or the test sentences."""

_BLOCK = re.compile(r"__module\.tower\.(?:.*\.)?layers?\.(\d+)/aten::add/Add(?:_\d+)?")


@dataclass(frozen=True)
class Words:
    """The text half of a model type: the class of the tower, which of its outputs is the embedding, how texts are fed.

    ``causal``: no token sees a later one, so that what a text is filled up with makes no difference; otherwise every
    text is filled up to the same length, as in training.
    """

    tower: str
    pick: Callable[[Any], Any]
    causal: bool


@dataclass(frozen=True)
class Kind:
    """One of transformers' model types: the class of its image tower, and which of its outputs is the descriptor."""

    tower: str
    pooling: str
    pick: Callable[[Any], Any]
    words: Words | None = None


def _class_token(output: Any) -> Any:
    return output.last_hidden_state[:, 0]


def _image_embeds(output: Any) -> Any:
    return output.image_embeds


def _text_embeds(output: Any) -> Any:
    return output.text_embeds


def _pooled(output: Any) -> Any:
    return output.pooler_output


_CLIP, _SIGLIP, _METACLIP = "CLIPVisionModelWithProjection", "SiglipVisionModel", "MetaClip2VisionModelWithProjection"
KINDS = {
    "vit": Kind("ViTModel", "class token", _class_token),
    "dinov2": Kind("Dinov2Model", "class token", _class_token),
    "dinov2_with_registers": Kind("Dinov2WithRegistersModel", "class token", _class_token),
    "clip": Kind(_CLIP, "projected", _image_embeds, Words("CLIPTextModelWithProjection", _text_embeds, causal=True)),
    "clip_vision_model": Kind(_CLIP, "projected", _image_embeds),
    "metaclip_2": Kind(
        _METACLIP, "projected", _image_embeds, Words("MetaClip2TextModelWithProjection", _text_embeds, causal=True)
    ),
    "siglip": Kind(_SIGLIP, "attention head", _pooled, Words("SiglipTextModel", _pooled, causal=False)),
    "siglip_vision_model": Kind(_SIGLIP, "attention head", _pooled),
}
"""By ``model_type`` of config.json. SigLIP 2 with pictures of one size is of type siglip, the first MetaCLIP clip."""


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
    with converting(where):
        tower, seen = loaded(folder, name, kind.tower, "image", where), _seen(folder, where)
        module = _module(tower, kind, seen.view.side)
        wanted = _by_torch(module, seen)
        model = with_normalisation(_graph(module, seen.view.side), seen.mean, seen.std, seen.scale)
    compare(model, seen.view.apply(draw_card())[None], wanted[None], where, "the test card")
    return Tower(model, name, seen, kind.pooling, len(wanted))


@contextmanager
def converting(where: str) -> Iterator[None]:
    """No chatter of the libraries, and an EncoderError for whatever they raise."""
    try:
        with quiet():
            yield
    except SamekindError:
        raise
    except Exception as problem:  # errors of transformers, torch and the conversion have no common root
        reason = (str(problem).strip().splitlines() or [repr(problem)])[0]
        raise EncoderError(f"{where} cannot be converted ({reason}); take another model.") from problem


def model_type(folder: Path, where: str) -> str:
    """The model type that config.json names; EncoderError where it is none of ``KINDS``."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        found = str(config["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise EncoderError(f"The config.json of {where} cannot be read ({problem!r}); get the model again.") from None
    if found == "siglip2":
        raise EncoderError(f"{where} takes pictures of any shape (NaFlex); take a SigLIP 2 of one size, such as -224.")
    if found not in KINDS and "auto_map" in config:
        raise EncoderError(
            f"{where} is of type {found}, which needs code of its repository, and samekind runs none; take a model of "
            f"type {', '.join(KINDS)}."
        )
    if found not in KINDS:
        raise EncoderError(f"{where} is of type {found}; samekind takes {', '.join(KINDS)}.")
    return found


def loaded(folder: Path, name: str, tower: str, half: Literal["image", "text"], where: str) -> Any:
    """One tower of a model of type ``name`` in torch, from plain tensors alone, with every weight of it there.

    ``tower`` is its class. Raises EncoderError where weights are absent, besides transformers' own errors.
    """
    torch, transformers = tools().torch, tools().transformers
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if KINDS[name].words:
        whole, config = config, config.text_config if half == "text" else config.vision_config
        if hasattr(whole, "projection_dim"):
            config.projection_dim = whole.projection_dim
    more = {"add_pooling_layer": False} if name == "vit" else {}
    model, report = getattr(transformers, tower).from_pretrained(
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
            f"{where} lacks {len(absent)} weights of its {half} tower, such as {absent[0]}; take one that has them all."
        )
    return model.eval()


def _seen(folder: Path, where: str) -> Seen:
    processor = tools().transformers.AutoImageProcessor.from_pretrained(
        folder, backend="pil", local_files_only=True, trust_remote_code=False
    )
    return seen_by(processor.to_dict(), where)


def _module(tower: Any, kind: Kind, side: int) -> Any:
    """A torch module: normalised pictures (n, 3, side, side) -> descriptors (n, dim)."""
    torch = tools().torch
    if kind.tower.startswith("Dinov2"):  # resized positions become one constant instead of work for each batch
        places, grid = tower.embeddings, side // tower.config.patch_size
        with torch.no_grad():
            fixed = places.interpolate_pos_encoding(torch.zeros(1, 1 + grid**2, tower.config.hidden_size), side, side)
        places.interpolate_pos_encoding = lambda *_: fixed

    class Describe(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tower = tower

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


def compare(model: Any, given: NDArray[Any], wanted: NDArray[np.float32], where: str, what: str) -> None:
    """EncoderError unless the graph, given a batch, agrees with torch's (n, dim) rows; ``what`` names the batch."""
    compiled = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = np.asarray(compiled(given)[0], np.float32).reshape(wanted.shape)
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(wanted, axis=1)
    cosine = float(np.min(np.sum(found * wanted, axis=1) / lengths))
    if not cosine >= AGREES:
        raise EncoderError(
            f"The converted graph of {where} does not give what torch gives (cosine {cosine:.4f} on {what}), so it is "
            "not used; take another model."
        )
