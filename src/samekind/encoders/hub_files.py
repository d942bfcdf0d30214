"""The files of a saved model that count: which there must be, and the digests of what decides about vectors."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

from samekind.encoders.download import file_sha256
from samekind.errors import EncoderError

CONVERSION = 1
"""Raised whenever the same files would become another graph of pictures."""

TEXT_CONVERSION = 1
"""Raised whenever the same files would become another graph of words, or other tokens."""

PROCESSORS = ("preprocessor_config.json", "processor_config.json")
TOKENIZER = "tokenizer.json"
PIECES = ("vocab.json", "merges.txt")
"""What CLIP's tokenizer was kept as before there was ``TOKENIZER``."""
SPIECE = "spiece.model"
"""What SigLIP's is kept as."""
TOKENIZERS = (TOKENIZER, *PIECES, SPIECE, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
TENSORS = ("model.safetensors", "model.safetensors.index.json", "model-*.safetensors")
PICKLED = "pytorch_model.bin"


def content_digest(folder: Path) -> str:
    """The sha256 over the weights, the configuration and the image processor's in a folder; EncoderError without."""
    processors = [file for name in PROCESSORS if (file := folder / name).is_file()]
    return _digest(folder, f"conversion {CONVERSION}", processors, PROCESSORS[0])


def text_digest(folder: Path) -> str:
    """The same over the weights, the configuration and the tokenizer's files; EncoderError where there is none."""
    tokenizer = [file for name in TOKENIZERS if (file := folder / name).is_file()]
    names = {file.name for file in tokenizer}
    there = TOKENIZER in names or SPIECE in names or names.issuperset(PIECES)
    return _digest(folder, f"text conversion {TEXT_CONVERSION}", tokenizer if there else [], TOKENIZER)


def weights_in(folder: Path) -> list[Path]:
    """The files of the weights: one of tensors, else all pieces of one, else a pickle, which torch reads guardedly."""
    if (folder / TENSORS[0]).is_file():
        return [folder / TENSORS[0]]
    if (folder / TENSORS[1]).is_file():
        return [folder / TENSORS[1], *sorted(folder.glob(TENSORS[2]))]
    return [folder / PICKLED] if (folder / PICKLED).is_file() else []


def _digest(folder: Path, version: str, special: Sequence[Path], wanted: str) -> str:
    if not folder.is_dir():
        raise EncoderError(f"There is no folder {folder}; give one that a hub model was saved to.")
    config, weights = folder / "config.json", weights_in(folder)
    for name, there in ((config.name, config.is_file()), (wanted, special), (TENSORS[0], weights)):
        if not there:
            raise EncoderError(f"There is no {name} in {folder}; save or download the whole model there.")
    digest = hashlib.sha256(f"{version}\n".encode())
    for file in [config, *special, *weights]:
        status = file.stat()
        digest.update(f"{file.name} {_hashed(file, status.st_size, status.st_mtime_ns)}\n".encode())
    return digest.hexdigest()


@functools.lru_cache(maxsize=64)
def _hashed(file: Path, size: int, changed: int) -> str:
    """The file's hash, once for each state that it is in while this process runs."""
    return file_sha256(file)
