"""What a look at a collection's kinds tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Member:
    """A picture of a kind."""

    id: str
    path: str
    file: Path


@dataclass(frozen=True)
class Kind:
    """A kind: its ``address``, the ``name`` that a person gave it, ``words`` that set it apart, how many ``pictures``
    it has and how many kinds directly ``inside``.

    ``prototypes`` stand for it, the most typical first; ``borderline`` members lie nearest to another kind, whose
    address is beside them. ``quality`` 0..1: the average precision of finding its pictures by the prototypes.
    """

    address: str
    name: str | None
    words: tuple[str, ...]
    pictures: int
    inside: int
    quality: float
    prototypes: tuple[Member, ...]
    borderline: tuple[tuple[Member, str], ...]

    @property
    def title(self) -> str:
        """What to call it: its name, else its words, else nothing."""
        return self.name or ", ".join(self.words)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "address": self.address,
            "name": self.name,
            "words": list(self.words),
            "pictures": self.pictures,
            "inside": self.inside,
            "quality": round(self.quality, 4),
            "prototypes": [{"id": one.id, "path": one.path, "file": str(one.file)} for one in self.prototypes],
            "borderline": [
                {"id": one.id, "path": one.path, "file": str(one.file), "next": other} for one, other in self.borderline
            ],
        }


@dataclass(frozen=True)
class KindsReport:
    """The kinds of a collection: ``levels`` how many there are, from the coarsest on, of ``pictures``.

    ``kinds`` those looked at, level by level, in order of their addresses. ``found``: they were found now; ``placed``:
    so many new pictures got their address now; ``names_lost``: names that no new kind could take over.
    """

    collection: str
    pictures: int
    levels: tuple[int, ...]
    kinds: tuple[Kind, ...]
    found: bool = False
    placed: int = 0
    names_lost: tuple[str, ...] = ()

    def inside(self, address: str = "") -> list[Kind]:
        """The kinds directly inside one, or those of the coarsest level."""
        return [one for one in self.kinds if one.address.rpartition("/")[0] == address]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "collection": self.collection,
            "pictures": self.pictures,
            "levels": list(self.levels),
            "kinds": [one.to_dict() for one in self.kinds],
            "found": self.found,
            "placed": self.placed,
            "names_lost": list(self.names_lost),
        }
