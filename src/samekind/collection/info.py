"""What a collection says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from samekind.collection import index, kinds, retune
from samekind.collection.migrate import former, under_way
from samekind.collection.plan import PRESENT, SKIPPED, STATES
from samekind.collection.shelf import place_of
from samekind.collection.sync import SYNCED
from samekind.collection.upkeep import bytes_on_disk

if TYPE_CHECKING:
    from samekind.collection.collection import Collection


@dataclass(frozen=True)
class Info:
    """What a collection holds; ``states`` and ``roots`` count pictures, ``bytes`` are those on disk.

    ``former`` is the encoder that it can go back to ("encoder", "fingerprint", "bytes"), ``migration`` one that was
    begun ("encoder", "fingerprint", "done" of "contents").
    """

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
    former: Mapping[str, Any] | None = None
    migration: Mapping[str, Any] | None = None

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
            "former": None if self.former is None else dict(self.former),
            "migration": None if self.migration is None else dict(self.migration),
        }


def describe(collection: Collection) -> Info:
    """Counted now, from the version of the table that the collection reads."""
    table, manifest, made = collection.table, collection.manifest, collection.made
    rows = table.read(["state", "root", "reason"])
    counts = {
        (row["state"], row["root"]): row["state_count"]
        for row in rows.group_by(["state", "root"]).aggregate([("state", "count")]).to_pylist()
    }
    skipped = rows.filter(pc.field("state") == SKIPPED)
    reasons = skipped.group_by("reason").aggregate([("state", "count")]).to_pylist()
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
        encoder=made.name,
        fingerprint=made.fingerprint,
        dim=made.dim,
        pictures=states[PRESENT],
        states=states,
        reasons={row["reason"]: row["state_count"] for row in reasons if row["reason"]},
        roots=roots,
        columns=table.person_columns,
        tuned=collection.tuned,
        why=collection.why,
        tuning=None if tuning is None else {"stamp": stamp, **tuning.to_dict()},
        index=index.about(table, column or made.look),
        kinds=kinds.about(table),
        bytes=bytes_on_disk(collection.path),
        synced=table.metadata.get(SYNCED),
        undo=table.undo_label,
        former=_former(collection),
        migration=_migration(collection),
    )


def _former(collection: Collection) -> dict[str, Any] | None:
    made = former(collection)
    if made is None:
        return None
    return {
        "encoder": made.name,
        "fingerprint": made.fingerprint,
        "bytes": bytes_on_disk(place_of(collection.path, made)),
    }


def _migration(collection: Collection) -> dict[str, Any] | None:
    found = under_way(collection)
    if found is None:
        return None
    made, done, contents = found
    return {"encoder": made.name, "fingerprint": made.fingerprint, "done": done, "contents": contents}
