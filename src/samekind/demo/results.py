"""What a demo found out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Quality:
    """Scores from 0 to 1.

    ``recall_at_1``: the share of pictures whose best hit is right; ``map_at_r``: how much of what is right stands at
    the top (Musgrave et al., 2020).
    """

    recall_at_1: float
    map_at_r: float

    def to_dict(self) -> dict[str, float]:
        """JSON-ready, by the names that evaluation uses."""
        return {"recall@1": round(self.recall_at_1, 4), "map@r": round(self.map_at_r, 4)}


@dataclass(frozen=True)
class Level:
    """One level of likeness of one collection, by its name, searched plain and tuned."""

    name: str
    plain: Quality
    tuned: Quality

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"level": self.name, "plain": self.plain.to_dict(), "tuned": self.tuned.to_dict()}


@dataclass(frozen=True)
class Found:
    """One example search: what was asked with, and whether each of the first hits is right at the finest level.

    ``there`` is how many right ones the collection holds.
    """

    picture: Path
    kind: str
    right: tuple[bool, ...]
    there: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"picture": str(self.picture), "kind": self.kind, "right": list(self.right), "there": self.there}


@dataclass(frozen=True)
class ThemeResult:
    """One collection of the little world."""

    name: str
    collection: Path
    pictures: int
    tuned: bool
    why: str
    levels: tuple[Level, ...]
    example: Found

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "collection": str(self.collection),
            "pictures": self.pictures,
            "tuned": self.tuned,
            "why": self.why,
            "levels": [level.to_dict() for level in self.levels],
            "example": self.example.to_dict(),
        }


@dataclass(frozen=True)
class WorldReport:
    """The demo on the little world. ``fallback`` says why another encoder than the default was taken, or is empty."""

    folder: Path
    encoder: str
    fallback: str
    themes: tuple[ThemeResult, ...]
    sheet: Path
    seconds: float
    next_commands: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "folder": str(self.folder),
            "encoder": self.encoder,
            "fallback": self.fallback,
            "collections": [theme.to_dict() for theme in self.themes],
            "sheet": str(self.sheet),
            "seconds": round(self.seconds, 1),
            "next": list(self.next_commands),
        }


@dataclass(frozen=True)
class FolderReport:
    """The demo on a folder of one's own: the collection made of it, and the pictures that examples were asked with."""

    collection: Path
    encoder: str
    fallback: str
    pictures: int
    skipped: int
    tuned: bool
    why: str
    asked: tuple[str, ...]
    sheet: Path
    seconds: float
    next_commands: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        values = asdict(self)
        values["seconds"] = round(self.seconds, 1)
        values["next"] = list(values.pop("next_commands"))
        return values | {"collection": str(self.collection), "sheet": str(self.sheet), "asked": list(self.asked)}
