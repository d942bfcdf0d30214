"""The text tower of a transformers model as an OpenVINO graph, converted once and compared with torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samekind.encoders.engine import openvino
from samekind.encoders.hub_tools import tools
from samekind.encoders.tokenizer import Filling, Tokens, library, made_ready, tokens_of
from samekind.encoders.tower import KINDS, Words, compare, converting, loaded, model_type
from samekind.errors import EncoderError

SENTENCES = (
    "a photo of a cat",
    "Two red kettles on a wooden table, seen from above.",
    "blue",
    "Ein Fahrrad lehnt an der Mauer; daneben steht une chaise 2.5 m à droite.",
    "a long walk along the river with a dog and an umbrella and a basket of apples " * 8,
)
"""What a graph is compared with torch on: short and long, cut, with capitals, digits and accents."""


@dataclass(frozen=True, eq=False)
class Converted:
    """A converted text tower: ``model`` takes (n, tokens) int64 and gives (n, dim) float32.

    ``tokenizer`` is the text of a tokenizer.json that holds everything from a text to its numbers.
    """

    model: Any
    tokenizer: str
    filling: Filling
    dim: int


def convert_text(folder: Path, where: str) -> Converted:
    """The text tower of the model in ``folder``; ``where`` names it in errors.

    Raises EncoderError for a model without one, one that cannot be read or lacks weights, a tokenizer that does not
    belong to it, and a graph that does not give what torch gives; MissingExtra without transformers.
    """
    name = model_type(folder, where)
    words = KINDS[name].words
    if words is None:
        raise EncoderError(f"{where} is of type {name}, which has no words; take one of type clip or siglip.")
    with converting(where):
        tower = loaded(folder, name, words.tower, "text", where)
        config = tower.config
        tokenizer, limit, pad = made_ready(folder, name, config.max_position_embeddings, config.vocab_size, where)
        reader = library().Tokenizer.from_str(tokenizer)
        texts = [tokens_of(reader, text) for text in SENTENCES]
        if words.causal:
            highest = name == "clip" and config.eos_token_id == 2
            pad = _past_the_end(texts, None if highest else config.eos_token_id, where)
        filling = Filling(limit, pad, full=not words.causal)
        batch = filling.fill(texts)
        module = _module(tower, words)
        with tools().torch.no_grad():
            wanted = np.asarray(module(tools().torch.from_numpy(batch)).numpy(), np.float32)
        shape = [-1, -1 if words.causal else limit]
        model = openvino().convert_model(module, example_input=tools().torch.from_numpy(batch), input=shape)
    compare(model, batch, wanted, where, "the test sentences")
    return Converted(model, tokenizer, filling, wanted.shape[1])


def _past_the_end(texts: list[Tokens], end: int | None, where: str) -> int:
    """What a causal tower's texts are filled up with.

    It takes the vector at the first ``end``; where None, at the highest token (CLIP's earlier files, which say that
    the end is 2). No token sees a later one, so any filling but the end itself does: there is only one end to find
    then. EncoderError where the tokenizer does not put the end there.
    """
    lasts = {text.numbers[-1] for text in texts if text.numbers}
    if end is None:
        end = max(max(text.numbers, default=-1) for text in texts)
    if lasts != {end}:
        raise EncoderError(
            f"The tokenizer of {where} does not end texts where its text tower looks, so they do not belong together; "
            "get the model again."
        )
    return 0 if end else 1


def _module(tower: Any, words: Words) -> Any:
    """A torch module: tokens (n, tokens) -> embeddings (n, dim)."""
    torch = tools().torch

    class Describe(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tower = tower

        def forward(self, tokens: Any) -> Any:
            return words.pick(self.tower(input_ids=tokens, return_dict=True))

    return Describe().eval()
