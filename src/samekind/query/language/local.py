"""A captioning model of transformers on this machine (the extra ``hub``), by its name on the hub or from a folder."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from samekind.collection.pipeline import hash_bytes
from samekind.encoders.hub import Source, source_of
from samekind.encoders.hub_files import content_digest
from samekind.encoders.hub_tools import quiet, tools
from samekind.errors import EncoderError, LanguageError, SamekindError, WeightsMissing
from samekind.pictures.decode import Limits, decode
from samekind.query.language.answers import plain
from samekind.settings import Settings

TYPES = ("blip", "vision-encoder-decoder")
"""Model types that caption a picture without a prompt; a chat model is served at an endpoint instead."""

MOST_TOKENS = 40
BEAMS = 3
SIDE = 768
"""The shorter side, in pixels, down to which pictures may be decoded; the model's own processor goes on from there."""

_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]


class LocalCaptioner:
    """Captions by a model that runs here: the same picture always gets the same caption (beams, no drawing of lots).

    ``name`` is hub:owner/name, hub:owner/name@REVISION, or a folder as ``save_pretrained`` writes it. The model is read
    when the first caption is asked for. Raises UsageError for a name that is none, WeightsMissing for a repository
    that cannot be had, EncoderError for files that are no captioning model, MissingExtra without the extra.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self._source = source_of(name)
        self._folder = self._source.folder or _fetched(self._source, settings)
        _check_type(self._folder, self._source.name)
        self._digest = _digest(self._folder)

    @property
    def name(self) -> str:
        """Where the model is from and what its files hold."""
        return f"{self._source.name} {self._digest}, {BEAMS} beams"

    def caption(self, picture: bytes) -> str:
        """What the model says. Raises LanguageError, or PictureError for a picture that cannot be decoded."""
        image = Image.fromarray(decode(picture, Limits(), SIDE).pixels)
        processor, tokenizer, model = self._parts
        try:
            with quiet():
                seen = processor(images=image, return_tensors="pt")["pixel_values"]
                found = model.generate(pixel_values=seen, max_new_tokens=MOST_TOKENS, num_beams=BEAMS, do_sample=False)
                text = tokenizer.decode(found[0], skip_special_tokens=True)
        except Exception as problem:  # errors of transformers and torch have no common root
            raise LanguageError(f"{self._source.name} gave no caption ({_reason(problem)}); take another.") from problem
        return plain(str(text), self._source.name)

    @cached_property
    def _parts(self) -> tuple[Any, Any, Any]:
        """Image processor, tokenizer and model, from plain tensors alone, with every weight there."""
        torch, transformers = tools().torch, tools().transformers
        safe = {"local_files_only": True, "trust_remote_code": False}
        try:
            with quiet():
                processor = transformers.AutoImageProcessor.from_pretrained(self._folder, backend="pil", **safe)
                tokenizer = transformers.AutoTokenizer.from_pretrained(self._folder, **safe)
                model, report = transformers.AutoModelForImageTextToText.from_pretrained(
                    self._folder, dtype=torch.float32, weights_only=True, output_loading_info=True, **safe
                )
        except SamekindError:
            raise
        except Exception as problem:  # errors of transformers and torch have no common root
            raise EncoderError(
                f"{self._source.name} cannot be read ({_reason(problem)}); take another captioning model."
            ) from problem
        absent = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
        if absent:
            raise EncoderError(
                f"{self._source.name} lacks {len(absent)} weights, such as {absent[0]}; take one that has them all."
            )
        return processor, tokenizer, model.eval()


def _fetched(source: Source, settings: Settings) -> Path:
    """The folder of a repository's files: from huggingface_hub's own cache, else fetched."""
    fetch = tools().huggingface_hub.snapshot_download
    try:
        with quiet():
            return Path(
                fetch(
                    source.repository,
                    revision=source.revision or None,
                    allow_patterns=_FILES,
                    local_files_only=settings.offline,
                )
            )
    except Exception as problem:  # huggingface_hub's errors have no common root
        why = "samekind is set to work offline" if settings.offline else f"model hub: {_reason(problem)}"
        raise WeightsMissing(
            f"{source.name} is not on this machine ({why}); fetch it on a connected machine and bring its folder here, "
            "then name it as hub:/path/to/folder."
        ) from problem


def _check_type(folder: Path, where: str) -> None:
    if not folder.is_dir():
        raise EncoderError(f"There is no folder {folder}; give one that a captioning model was saved to.")
    try:
        found = json.loads((folder / "config.json").read_text("utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise EncoderError(f"The config.json of {where} cannot be read ({problem!r}); get the model again.") from None
    if found not in TYPES:
        raise EncoderError(
            f"{where} is of type {found}, and samekind captions with {' and '.join(TYPES)}; serve a chat model at an "
            "endpoint and set language_url."
        )


def _digest(folder: Path) -> str:
    """32 hex digits over the weights and over every file of settings and words."""
    small = sorted(file for ending in ("*.json", "*.txt") for file in folder.glob(ending))
    told = [(file.name, hash_bytes(file.read_bytes())) for file in small]
    return hash_bytes(json.dumps([content_digest(folder), told]).encode())


def _reason(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [repr(problem)])[0].rstrip(".")
