"""Settings and where each one came from: flag > SAMEKIND_* variable > collection file > user file > default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import platformdirs

from samekind.errors import UsageError, unknown_name


@dataclass(frozen=True)
class Settings:
    """Every setting with its default; ``sources`` says for each name who set it."""

    encoder: str = "dino"
    threads: int = 0
    max_pixels: int = 400_000_000
    max_bytes: int = 500_000_000
    offline: bool = False
    device: str = "auto"
    token_gb: int = 8
    weak_captions: str = "folders, files, captions, columns"
    words_without_sentences: bool = False
    language_url: str = ""
    language_model: str = ""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)


MEANINGS = {
    "encoder": "encoder of a new collection",
    "threads": "processor threads to use; 0 means all that this process may use",
    "max_pixels": "pictures with more pixels (width x height) are skipped",
    "max_bytes": "picture files with more bytes are skipped",
    "offline": "never fetch weights",
    "device": "what training (adapt) runs on: cpu, cuda (a GPU), or auto, which is a GPU where torch finds one",
    "token_gb": "gigabytes of disk that training (adapt) may take for a while; with fewer it sees fewer pictures",
    "weak_captions": "texts that words are looked up in too: folders, files, captions (in files), columns, or none",
    "words_without_sentences": "know words by the names of concepts alone, without the sentence encoder",
    "language_url": "chat endpoint that captions pictures and rewrites captions, such as http://localhost:8000/v1",
    "language_model": "name of the model that is asked there",
}
_OWN = ("language_url", "language_model")
"""Said by the person alone: a collection that came from elsewhere must not say where pictures are sent."""
_DEFAULTS = Settings()


def resolve(flags: Mapping[str, Any] | None = None, collection_file: Mapping[str, Any] | None = None) -> Settings:
    """Settings from all five sources; a flag that is None was not given.

    ``collection_file`` is the [settings] table of a collection. Raises UsageError for an unknown name or a value of
    the wrong type, naming the source.
    """
    layers: list[tuple[str, Mapping[str, Any]]] = [
        (str(user_file()), _read_user_file()),
        ("collection", collection_file or {}),
        ("environment", _read_environment()),
        ("flag", {name: value for name, value in (flags or {}).items() if value is not None}),
    ]
    values: dict[str, Any] = {}
    sources = dict.fromkeys(MEANINGS, "default")
    for source, layer in layers:
        for name, value in layer.items():
            values[name] = _checked(name, value, source)
            sources[name] = source
    return Settings(**values, sources=sources)


def user_file() -> Path:
    """The person's own settings file (TOML); it need not exist."""
    return platformdirs.user_config_path("samekind") / "settings.toml"


def cache_folder() -> Path:
    """Where fetched weights are kept: SAMEKIND_CACHE, or the platform's cache folder."""
    given = os.environ.get("SAMEKIND_CACHE")
    return Path(given) if given else platformdirs.user_cache_path("samekind")


def language_key() -> str:
    """The key of the language endpoint, from SAMEKIND_LANGUAGE_KEY: no setting, since settings are shown."""
    return os.environ.get("SAMEKIND_LANGUAGE_KEY", "").strip()


def usable_threads(settings: Settings) -> int:
    """The number of processors that this process may use, or the setting where it is smaller."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every platform
        allowed = os.cpu_count() or 1
    return min(settings.threads, allowed) if settings.threads > 0 else allowed


def _read_user_file() -> Mapping[str, Any]:
    path = user_file()
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise UsageError(f"The settings file {path} cannot be read ({problem}); mend or remove it.") from None


def _read_environment() -> Mapping[str, Any]:
    names = {f.name for f in fields(Settings)} - {"sources"}
    found = {name: os.environ.get(f"SAMEKIND_{name.upper()}") for name in names}
    return {name: value for name, value in found.items() if value}


def _checked(name: str, value: Any, source: str) -> Any:
    if name not in MEANINGS:
        raise unknown_name(f"setting (from {source})", name, MEANINGS)
    if name in _OWN and source == "collection":
        raise UsageError(f"A collection cannot set {name}, for pictures go there; take it out of its samekind.toml.")
    kind = type(getattr(_DEFAULTS, name))
    if isinstance(value, str) and kind is not str:
        value = _parsed(value, kind)
    if type(value) is not kind or (kind is int and value < 0):
        raise UsageError(f"Setting {name} from {source} must be {_KINDS[kind]}, not {value!r}.")
    return value


_KINDS = {str: "text", int: "a whole number of at least 0", bool: "true or false"}


def _parsed(text: str, kind: type) -> Any:
    if kind is bool:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(text.lower(), text)
    try:
        return int(text.replace("_", ""))
    except ValueError:
        return text
