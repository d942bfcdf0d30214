"""Which encoder made the vectors of a collection, and the columns that they are in.

A collection that has never changed its encoder has it in samekind.toml alone. From the first migration on the table's
own metadata names it: metadata belongs to a version, so a reader finds encoder, columns and tuning of one moment.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from samekind.collection.table import LOOK_OF, VIEWS_OF, Table
from samekind.encoders.base import Encoder, Part
from samekind.errors import DamagedCollection, EncoderMismatch

ENCODER = "samekind.encoder"


@dataclass(frozen=True)
class MadeBy:
    """The encoder's ``name`` (to load it by), ``fingerprint``, length of a vector and its parts.

    ``look`` and ``views`` are the table's columns of its vectors and of its second views.
    """

    name: str
    fingerprint: str
    dim: int
    parts: tuple[Part, ...]
    look: str = "look"
    views: str = "views"

    @classmethod
    def of(cls, encoder: Encoder) -> MadeBy:
        """For a new collection."""
        return cls(encoder.name, encoder.fingerprint, encoder.dim, tuple(encoder.parts))

    def moving_in(self) -> MadeBy:
        """The same encoder with columns of its own, beside those of the encoder that is in use."""
        look, views = LOOK_OF + self.fingerprint, VIEWS_OF + self.fingerprint
        return MadeBy(self.name, self.fingerprint, self.dim, self.parts, look, views)

    def check(self, encoder: Encoder, folder: Path) -> None:
        """Raises EncoderMismatch unless the encoder's vectors can be compared with those stored in ``folder``."""
        if encoder.fingerprint == self.fingerprint:
            return
        if encoder.name == self.name:
            raise EncoderMismatch(
                f"{folder} holds vectors of another version of encoder {self.name!r} ({self.fingerprint}, now "
                f"{encoder.fingerprint}): bring that version back, or run samekind migrate with --encoder {self.name}."
            )
        raise EncoderMismatch(
            f"{folder} holds vectors of encoder {self.name!r} ({self.fingerprint}), not {encoder.name!r} "
            f"({encoder.fingerprint}): use {self.name!r}, or run samekind migrate with --encoder {encoder.name}."
        )

    def to_json(self) -> str:
        """For the table's metadata, and beside vectors that are kept outside of it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> MadeBy:
        """What ``to_json`` wrote. Raises ValueError, KeyError or TypeError for anything else."""
        found = json.loads(text)
        return cls(**{**found, "parts": tuple(Part(**part) for part in found["parts"])})


def made_by(table: Table, made: MadeBy) -> MadeBy:
    """Whose vectors this version of the table holds; ``made`` is what samekind.toml says."""
    return _named(table) or made


def columns_of(table: Table) -> tuple[str, str]:
    """The columns of vectors and of second views in this version of the table."""
    one = _named(table)
    return ("look", "views") if one is None else (one.look, one.views)


def _named(table: Table) -> MadeBy | None:
    found = table.metadata.get(ENCODER)
    try:
        return None if found is None else MadeBy.from_json(found)
    except (KeyError, TypeError, ValueError) as problem:
        raise DamagedCollection(
            f"The encoder that {table.folder} names cannot be understood ({problem}); update samekind, or restore it."
        ) from None
