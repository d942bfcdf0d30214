"""The one door to transformers, with torch and huggingface_hub: an extra that only converts and fetches hub models."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from samekind.errors import MissingExtra

_SILENT = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


@dataclass(frozen=True)
class Tools:
    """The three modules."""

    torch: Any
    transformers: Any
    huggingface_hub: Any


@functools.cache
def tools() -> Tools:
    """The modules, imported with their reports of use switched off. Raises MissingExtra with the install line.

    Both libraries read the switches when they are imported, so the environment is as it was afterwards.
    """
    before = {name: os.environ.get(name) for name in _SILENT}
    os.environ.update(_SILENT)
    try:
        import huggingface_hub.constants
        import torch
        import transformers
    except (ImportError, OSError):  # the latter where a library of torch is absent
        raise MissingExtra(
            "A hub model is converted once by transformers and torch, which are not both installed: "
            "pip install 'samekind[hub]'."
        ) from None
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return Tools(torch, transformers, huggingface_hub)


@contextmanager
def quiet() -> Iterator[None]:
    """No bars, reports and warnings of the libraries on standard error; what matters is raised as an error."""
    log = tools().transformers.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()
