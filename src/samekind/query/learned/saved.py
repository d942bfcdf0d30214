"""A head beside its collection: one file with its verdict, which appears whole or not at all."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from samekind.errors import DamagedCollection, UsageError
from samekind.query.learned.gate import LearnedComposition
from samekind.query.learned.head import Head

if TYPE_CHECKING:
    from pathlib import Path

    from samekind.collection import Collection

FOLDER = "composing"
_ABOUT = "samekind.composition"
_LEARN = "run samekind tune with --composition"


def save(collection: Collection, head: Head, verdict: LearnedComposition) -> Path:
    """Writes ``composing/<stamp>.safetensors`` and drops those before it. Raises CollectionBusy, StorageError."""
    from safetensors.numpy import save_file

    from samekind.collection.lock import writing
    from samekind.collection.whole import whole

    final = collection.path / FOLDER / f"{datetime.now(UTC):%Y%m%d%H%M%S%f}.safetensors"
    tensors = {"reading": head.reading, "matrix": head.matrix, "weights": head.weights}
    tensors["spread"] = np.array([head.spread], np.float32)
    with writing(collection.path):
        with whole(final, f"free space or check permissions, then {_LEARN}") as draft:
            final.parent.mkdir(exist_ok=True)
            save_file(tensors, draft, {_ABOUT: json.dumps(verdict.to_dict())})
        with suppress(OSError):  # what is left of those before is not read
            for old in final.parent.iterdir():
                if old != final:
                    old.unlink()
    return final


def accepted_head(collection: Collection, tune: bool = True) -> Head:
    """The head that searches may use, of the tuned space or with ``tune`` False of the plain one.

    Raises UsageError where none was learned, where it was refused, or where it was learned for another encoder or
    tuning than the active one; DamagedCollection for a file that cannot be read.
    """
    found = latest(collection)
    if found is None:
        raise UsageError(f"{collection.path} has learned no composition; {_LEARN}, or name another method.")
    head, verdict = found
    if not verdict.accepted:
        raise UsageError(
            f"The composition that {collection.path} learned was refused ({verdict.why}); name another method."
        )
    if (verdict.encoder, verdict.tuning) != made_for(collection, tune):
        raise UsageError(
            f"The composition of {collection.path} was learned for another encoder or tuning than is searched; "
            f"{_LEARN} again, or name another method."
        )
    return head


def made_for(collection: Collection, tune: bool = True) -> tuple[str, str | None]:
    """The encoder's fingerprint, and the stamp of the tuning that is searched: None where that is the plain space."""
    from samekind.collection.retune import active

    stamp, column = active(collection.table)
    return collection.fingerprint, stamp if column and tune else None


def latest(collection: Collection) -> tuple[Head, LearnedComposition] | None:
    """What was learned last, accepted or not; None where nothing was. Raises DamagedCollection."""
    from safetensors import SafetensorError, safe_open

    files = sorted((collection.path / FOLDER).glob("*.safetensors"))
    if not files:
        return None
    try:
        with safe_open(files[-1], framework="numpy") as file:
            verdict = LearnedComposition.from_dict(json.loads((file.metadata() or {})[_ABOUT]))
            parts = {name: file.get_tensor(name) for name in ("reading", "matrix", "weights", "spread")}
    except (OSError, KeyError, ValueError, TypeError, SafetensorError) as problem:
        raise DamagedCollection(f"The composition {files[-1]} cannot be read ({problem}); {_LEARN}.") from None
    return Head(parts["reading"], parts["matrix"], parts["weights"], float(parts["spread"][0])), verdict
