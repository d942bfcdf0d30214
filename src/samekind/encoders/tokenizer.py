"""Words as token numbers: a folder's tokenizer made ready once, and read again by the library ``tokenizers`` alone."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.hub_files import SPIECE, TOKENIZER
from samekind.encoders.hub_tools import tools
from samekind.encoders.spiece import END, read_pieces, tokenizer_of
from samekind.errors import EncoderError, MissingExtra

_PUNCTUATION = r"[!-/:-@\[-`{-~]"  # ASCII's, as Python's string.punctuation has it


@dataclass(frozen=True)
class Tokens:
    """One text as a text tower takes it: its numbers, whether its end was cut off, and whether no word is in it."""

    numbers: tuple[int, ...]
    cut: bool
    empty: bool


@dataclass(frozen=True)
class Filling:
    """How texts of several lengths become one array.

    ``limit`` is the most tokens of a text; ``pad`` is what shorter ones are filled up with: to the limit where
    ``full``, else to the longest of them.
    """

    limit: int
    pad: int
    full: bool

    def fill(self, texts: Sequence[Tokens]) -> NDArray[np.int64]:
        """(n, tokens) int64 for n > 0 texts."""
        width = self.limit if self.full else max(len(text.numbers) for text in texts)
        batch = np.full((len(texts), width), self.pad, np.int64)
        for row, text in zip(batch, texts, strict=True):
            row[: len(text.numbers)] = text.numbers
        return batch


@functools.cache
def library() -> Any:
    """The module ``tokenizers``, which comes with the extra. Raises MissingExtra with the install line."""
    try:
        import tokenizers
    except ImportError:
        raise MissingExtra(
            "Words for a hub model need the package tokenizers, which is not installed: pip install 'samekind[hub]'."
        ) from None
    return tokenizers


def made_ready(folder: Path, kind: str, limit: int, vocabulary: int, where: str) -> tuple[str, int, int]:
    """The tokenizer of a saved model as the text of one tokenizer.json, its limit in tokens, and the padding's number.

    Longer texts lose their end; the limit is the lower of the tower's and of the tokenizer's own. What the model's
    training did to texts is part of it: SigLIP's are lower case (unless the tokenizer's settings say ``do_lower_case:
    false``), and those of the first SigLIP have no punctuation (big_vision's ``canonicalize_text``). EncoderError where
    a token has no place among the tower's ``vocabulary``.
    """
    read = _read(folder)
    ready = library().Tokenizer.from_str(read.backend_tokenizer.to_str())
    highest = max(ready.get_vocab(with_added_tokens=True).values(), default=-1)
    if highest >= vocabulary:
        raise EncoderError(
            f"The tokenizer of {where} counts up to {highest} and its text tower to {vocabulary - 1}, so they do not "
            "belong together; get the model again."
        )
    limit = min(limit, int(read.model_max_length))
    ready.no_padding()
    ready.enable_truncation(limit)
    if kind == "siglip":
        _as_siglip_was_trained(ready, folder)
    return ready.to_str(), limit, read.pad_token_id or 0


def read_tokenizer(file: Path) -> Any:
    """What ``made_ready`` made. Raises MissingExtra, and EncoderError for a damaged file."""
    try:
        return library().Tokenizer.from_file(str(file))
    except MissingExtra:
        raise
    except Exception as problem:  # the library raises plain Exceptions
        raise EncoderError(f"{file} cannot be read ({problem}); delete its folder and ask again.") from None


def tokens_of(tokenizer: Any, text: str) -> Tokens:
    """A text's tokens, those that the tokenizer puts around it included."""
    found = tokenizer.encode(text)
    return Tokens(tuple(found.ids), bool(found.overflowing), all(found.special_tokens_mask))


def _read(folder: Path) -> Any:
    """transformers' own tokenizer of a folder; of a sentencepiece file alone, what SigLIP's class makes of it."""
    transformers = tools().transformers
    if _has_pieces_alone(folder):
        made = tokenizer_of(read_pieces((folder / SPIECE).read_bytes()), library())
        longest = _settings(folder).get("model_max_length", 64)
        return transformers.PreTrainedTokenizerFast(tokenizer_object=made, pad_token=END, model_max_length=longest)
    reader = transformers.PreTrainedTokenizerFast if (folder / TOKENIZER).is_file() else transformers.CLIPTokenizer
    return reader.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _as_siglip_was_trained(ready: Any, folder: Path) -> None:
    normalizers, regex, settings = library().normalizers, library().Regex, _settings(folder)
    steps = [] if settings.get("do_lower_case") is False else [normalizers.Lowercase()]
    first = str(settings.get("tokenizer_class")).removesuffix("Fast") == "SiglipTokenizer"
    if first or _has_pieces_alone(folder):
        spaces = normalizers.Replace(regex(r"\s+"), " ")
        steps += [normalizers.Replace(regex(_PUNCTUATION), ""), spaces, normalizers.Strip()]
    own = [ready.normalizer] if ready.normalizer else []
    if steps:
        ready.normalizer = normalizers.Sequence([*steps, *own])


def _has_pieces_alone(folder: Path) -> bool:
    return not (folder / TOKENIZER).is_file() and (folder / SPIECE).is_file()


def _settings(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}
