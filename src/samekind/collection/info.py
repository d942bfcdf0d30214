"""What a collection says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samekind.collection import index, kinds, retune
from samekind.collection.plan import PRESENT, STATES
from samekind.collection.sync import SYNCED
from samekind.collection.upkeep import bytes_on_disk

if TYPE_CHECKING:
    from samekind.collection.collection import Collection


@dataclass(frozen=True)
class Info:
    """What a collection holds; ``states`` and ``roots`` count pictures, ``bytes`` are those on disk."""

    path: Path
    format: int
    encoder: str
    fingerprint: str
    dim: int
    pictures: int
    states: Mapping[str, int]
    reasons: Mapping[str, int]
    roots: Mapping[str, Mapping[str, Any]]
    columns: Mapping[str, str]
    tuned: bool
    why: str
    tuning: Mapping[str, Any] | None
    index: Mapping[str, Any] | None
    kinds: Mapping[str, Any] | None
    bytes: int
    synced: str | None
    undo: str | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "path": str(self.path),
            "format": self.format,
            "encoder": self.encoder,
            "fingerprint": self.fingerprint,
            "dim": self.dim,
            "pictures": self.pictures,
            "states": dict(self.states),
            "reasons": dict(self.reasons),
            "roots": {name: dict(root) for name, root in self.roots.items()},
            "columns": dict(self.columns),
            "tuned": self.tuned,
            "why": self.why,
            "tuning": None if self.tuning is None else dict(self.tuning),
            "index": None if self.index is None else dict(self.index),
            "kinds": None if self.kinds is None else dict(self.kinds),
            "bytes": self.bytes,
            "synced": self.synced,
            "undo": self.undo,
        }


def describe(collection: Collection) -> Info:
    """Counted now, from the version of the table that the collection reads."""
    table, manifest = collection.table, collection.manifest
    rows = table.read(["state", "root", "reason"])
    counts = {
        (row["state"], row["root"]): row["state_count"]
        for row in rows.group_by(["state", "root"]).aggregate([("state", "count")]).to_pylist()
    }
    reasons = rows.group_by("reason").aggregate([("state", "count")]).to_pylist()
    states = {state: sum(count for (one, _), count in counts.items() if one == state) for state in STATES}
    roots = {
        name: {
            "folder": str(root.folder),
            "there": root.folder.is_dir(),
            **{state: counts.get((state, name), 0) for state in STATES},
        }
        for name, root in manifest.roots.items()
    }
    tuning, (stamp, column) = collection.tuning, retune.active(table)
    return Info(
        path=collection.path,
        format=manifest.format,
        encoder=manifest.encoder,
        fingerprint=manifest.fingerprint,
        dim=manifest.dim,
        pictures=states[PRESENT],
        states=states,
        reasons={row["reason"]: row["state_count"] for row in reasons if row["reason"]},
        roots=roots,
        columns=table.person_columns,
        tuned=collection.tuned,
        why=collection.why,
        tuning=None if tuning is None else {"stamp": stamp, **tuning.to_dict()},
        index=index.about(table, column or "look"),
        kinds=kinds.about(table),
        bytes=bytes_on_disk(collection.path),
        synced=table.metadata.get(SYNCED),
        undo=table.undo_label,
    )
