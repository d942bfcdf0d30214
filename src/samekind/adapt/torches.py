"""The one door to torch, which is an extra: training wants it, nothing else does."""

from __future__ import annotations

import functools
from typing import Any

from samekind.errors import MissingExtra


@functools.cache
def torch() -> Any:
    """The module. Raises MissingExtra with the install line."""
    try:
        import torch as found
    except (ImportError, OSError):  # the latter where one of its libraries is absent
        raise MissingExtra(
            "Training wants torch, which is not installed: pip install 'samekind[adapt]', or take --method experts."
        ) from None
    return found
