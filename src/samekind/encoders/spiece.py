"""A sentencepiece file as a tokenizer: what SigLIPs have that were saved without tokenizer.json.

Only what a unigram model needs is read of its protocol buffer (sentencepiece_model.proto), so that no package for it
has to be installed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_TEXT, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE, _CHARACTERS = 3, 2
_UNIGRAM, _UNKNOWN = 1, 2
END = "</s>"


@dataclass(frozen=True)
class Pieces:
    """The pieces with their scores, which of them stands for the unknown, and the rules that normalise characters."""

    scores: tuple[tuple[str, float], ...]
    unknown: int
    characters: bytes


def read_pieces(content: bytes) -> Pieces:
    """What a sentencepiece file holds. Raises ValueError for one that is damaged or no unigram model."""
    scores: list[tuple[str, float]] = []
    unknown, characters, model_type = -1, b"", _UNIGRAM
    for number, value in _fields(content):
        if number == _PIECES:
            piece = dict(_fields(value))
            if piece.get(_TYPE) == _UNKNOWN:
                unknown = len(scores)
            scores.append((piece[_TEXT].decode("utf-8"), struct.unpack("<f", piece.get(_SCORE, bytes(4)))[0]))
        elif number == _TRAINER:
            model_type = dict(_fields(value)).get(_MODEL_TYPE, _UNIGRAM)
        elif number == _NORMALIZER:
            characters = dict(_fields(value)).get(_CHARACTERS, b"")
    if model_type != _UNIGRAM or unknown < 0:
        raise ValueError("its sentencepiece file is not a unigram model")
    return Pieces(tuple(scores), unknown, characters)


def tokenizer_of(pieces: Pieces, tokenizers: Any) -> Any:
    """A ``tokenizers.Tokenizer`` that begins each word with a blank and ends each text with ``END``."""
    made = tokenizers.Tokenizer(tokenizers.models.Unigram(list(pieces.scores), unk_id=pieces.unknown))
    normalizers = tokenizers.normalizers
    rules = [normalizers.Precompiled(pieces.characters)] if pieces.characters else []
    made.normalizer = normalizers.Sequence([*rules, normalizers.Replace(tokenizers.Regex(" {2,}"), " ")])
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    end = made.token_to_id(END)
    if end is None:
        raise ValueError(f"its sentencepiece file has no {END}")
    made.post_processor = tokenizers.processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, end)])
    return made


def _fields(content: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: numbers as int, everything else as bytes."""
    place = 0
    while place < len(content):
        key, place = _number(content, place)
        kind = key & 7
        if kind == 0:
            value, place = _number(content, place)
            yield key >> 3, value
            continue
        if kind == 2:
            size, place = _number(content, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("its sentencepiece file is damaged")
        if place + size > len(content):
            raise ValueError("its sentencepiece file is damaged")
        yield key >> 3, content[place : place + size]
        place += size


def _number(content: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and the place after it."""
    value = shift = 0
    while place < len(content) and shift < 70:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
    raise ValueError("its sentencepiece file is damaged")
