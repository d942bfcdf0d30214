"""Small tokenizers in the form of CLIP's, SigLIP's, SigLIP 2's and MetaCLIP 2's, and models that belong to them.

Each knows letters, digits and a few words: texts become different numbers, as they do with the real ones.
"""

from __future__ import annotations

import json
import string
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.encoders.hubs import model, save

STYLES = {
    "clip": "clip",
    "old clip": "clip",
    "siglip": "siglip",
    "old siglip": "siglip",
    "siglip 2": "siglip",
    "metaclip 2": "metaclip_2",
}
"""The model type of each."""

WORDS = ["a", "photo", "of", "cat", "dog", "red", "kettle", "the", "picture"]
LETTERS = [*string.ascii_letters, *string.digits, *string.punctuation]
LIMITS = {style: 64 if kind == "siglip" else 77 for style, kind in STYLES.items()}


def tokenizer(style: str) -> tuple[Any, dict[str, Any]]:
    """The tokenizer and its tokenizer_config.json."""
    made = pytest.importorskip("tokenizers")
    if style in ("clip", "old clip"):
        return _clip(made), {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, **_names("<|endoftext|>")}
    post, models = made.processors.TemplateProcessing, made.models
    if style == "siglip 2":
        pieces = ["<pad>", "<eos>", "<bos>", "<unk>", "▁", *(f"<0x{byte:02X}>" for byte in range(256)), *LETTERS]
        numbers = {piece: number for number, piece in enumerate(pieces)}
        gemma = made.Tokenizer(models.BPE(numbers, [], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        gemma.normalizer = made.normalizers.Replace(" ", "▁")
        gemma.pre_tokenizer = made.pre_tokenizers.Split(" ", "merged_with_previous")
        gemma.post_processor = post(single="$A <eos>", special_tokens=[("<eos>", numbers["<eos>"])])
        names = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}
        return gemma, {
            "tokenizer_class": "GemmaTokenizer",
            "model_max_length": 10**30,
            "padding_side": "right",
            **names,
        }
    siglip = STYLES[style] == "siglip"
    marks = ["<pad>", "</s>", "<unk>"] if siglip else ["<s>", "<pad>", "</s>", "<unk>"]
    scores = unigram_scores(marks)
    unigram = made.Tokenizer(models.Unigram(scores, unk_id=marks.index("<unk>")))
    unigram.pre_tokenizer = made.pre_tokenizers.Metaspace()
    ends = [(piece, marks.index(piece)) for piece in ("</s>", *(() if siglip else ("<s>",)))]
    unigram.post_processor = post(single="$A </s>" if siglip else "<s> $A </s>", special_tokens=ends)
    if siglip:
        return unigram, {
            "tokenizer_class": "SiglipTokenizer",
            "model_max_length": 64,
            "do_lower_case": True,
            **_names("</s>"),
            "unk_token": "<unk>",
        }
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    return unigram, {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 77, **names}


def unigram_scores(marks: list[str]) -> list[tuple[str, float]]:
    scores = [*((piece, 0.0) for piece in marks), *((f"▁{word}", -2.0) for word in WORDS)]
    return scores + [(piece, -9.0) for piece in ["▁", *LETTERS]]


def number(value: int) -> bytes:
    """As protocol buffers write it."""
    return bytes([value & 127 | 128]) + number(value >> 7) if value > 127 else bytes([value])


def field(place: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return number(place << 3) + number(content)
    return number(place << 3 | 2) + number(len(content)) + content


def spiece(scores: list[tuple[str, float]], unknown: str = "<unk>", model_type: int = 1) -> bytes:
    """A sentencepiece file, with a field that nobody asks for."""
    pieces = b""
    for piece, score in scores:
        kind = field(3, 2 if piece == unknown else 1)
        pieces += field(1, field(1, piece.encode()) + number(2 << 3 | 5) + struct.pack("<f", score) + kind)
    return pieces + field(2, field(1, b"input") + field(3, model_type)) + field(3, field(1, b"identity"))


def _names(end: str) -> dict[str, Any]:
    return {"eos_token": end, "pad_token": end, "model_input_names": ["input_ids"]}


def clip_pieces() -> dict[str, int]:
    """The letters of bytes, alone and at the end of a word, then the two marks."""
    made = pytest.importorskip("tokenizers")
    letters = sorted(made.pre_tokenizers.ByteLevel.alphabet())
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return {piece: number for number, piece in enumerate(pieces)}


def _clip(made: Any) -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.CLIPTokenizer(vocab=clip_pieces(), merges=[]).backend_tokenizer


def text_config(style: str) -> dict[str, Any]:
    """What the text half of config.json says beside its sizes."""
    if style == "clip":
        return {"bos_token_id": clip_pieces()["<|startoftext|>"], "eos_token_id": clip_pieces()["<|endoftext|>"]}
    return {"bos_token_id": 0, "eos_token_id": 2}


def made(style: str, seed: int = 0) -> Any:
    """The model that ``save_with_words`` saves."""
    return model(STYLES[style], seed, text_config(style))


def save_with_words(folder: Path, style: str, seed: int = 0) -> Path:
    """A model of ``style`` with its image processor and its tokenizer; the "old" ones as before tokenizer.json."""
    save(folder, STYLES[style], seed, text_config(style))
    tokens, settings = tokenizer(style)
    write(folder / "tokenizer_config.json", settings)
    if style == "old clip":
        write(folder / "vocab.json", clip_pieces())
        (folder / "merges.txt").write_text("#version: 0.2\n", "utf-8")
    elif style == "old siglip":
        (folder / "spiece.model").write_bytes(spiece(unigram_scores(["<pad>", "</s>", "<unk>"])))
    else:
        tokens.save(str(folder / "tokenizer.json"))
    return folder


def write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content), "utf-8")


def numbers_by_hand(style: str, folder: Path, texts: list[str]) -> Any:
    """(n, limit) int64 in torch: the tokens as transformers makes them and as the model was trained, apart from us."""
    transformers = pytest.importorskip("transformers")
    if STYLES[style] == "siglip":
        texts = [text.lower() for text in texts]
    if style in ("siglip", "old siglip"):
        bare = [text.translate(str.maketrans("", "", string.punctuation)) for text in texts]
        texts = [" ".join(text.split()) for text in bare]
    if style == "old siglip":
        reader = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer(style)[0], pad_token="</s>")
    else:
        kind = "CLIPTokenizer" if STYLES[style] == "clip" else "PreTrainedTokenizerFast"
        reader = getattr(transformers, kind).from_pretrained(folder)
    filled = {"padding": "max_length", "truncation": True, "max_length": LIMITS[style], "return_tensors": "pt"}
    return reader(texts, **filled).input_ids
