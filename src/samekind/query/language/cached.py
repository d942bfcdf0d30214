"""What captioners and rewriters answered, kept in the cache folder by content, so that nothing is asked twice.

    language/captions/<key>.json, language/rewrites/<key>.json      {"by": the name, "text": the answer}

A key is the content hash of what was asked for together with the name of who answered, which tells the model and its
prompt's version (``protocols.py``). Failures raise before anything is kept. A file appears whole or not at all, and
processes that answer the same question at once write the same thing; the last one stays.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from samekind.collection.pipeline import hash_bytes
from samekind.query.language.protocols import Captioner, Rewriter
from samekind.settings import cache_folder


class CachedCaptioner:
    """A captioner that asks another one only once for each content."""

    def __init__(self, captioner: Captioner) -> None:
        self._captioner = captioner

    @property
    def name(self) -> str:
        """Who answers."""
        return self._captioner.name

    def caption(self, picture: bytes) -> str:
        """The kept caption, else a new one. Raises what the captioner raises."""
        return _kept("captions", self.name, [hash_bytes(picture)], lambda: self._captioner.caption(picture))


class CachedRewriter:
    """A rewriter that asks another one only once for each caption and change."""

    def __init__(self, rewriter: Rewriter) -> None:
        self._rewriter = rewriter

    @property
    def name(self) -> str:
        """Who answers."""
        return self._rewriter.name

    def rewrite(self, caption: str, change: str) -> str:
        """The kept text, else a new one. Raises what the rewriter raises."""
        return _kept("rewrites", self.name, [caption, change], lambda: self._rewriter.rewrite(caption, change))


def _kept(room: str, name: str, asked: list[str], answer: Callable[[], str]) -> str:
    file = cache_folder() / "language" / room / f"{hash_bytes(json.dumps([name, *asked]).encode())}.json"
    text = _read(file, name)
    if text is None:
        text = answer()
        _write(file, {"by": name, "text": text})
    return text


def _read(file: Path, name: str) -> str | None:
    """The text of a file; None where there is none, or one that is not as it was written."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    text = found.get("text") if isinstance(found, dict) and found.get("by") == name else None
    return text if isinstance(text, str) and text.strip() else None


def _write(file: Path, content: dict[str, str]) -> None:
    """A cache that cannot be written costs the same question once more, and no answer."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, ready = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".json")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as written:
                json.dump(content, written)
            Path(ready).replace(file)
        except OSError:
            Path(ready).unlink(missing_ok=True)
            raise
