"""A collection's tuning: what was found, whether it helps, and one file that holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.adapted import packed, unpacked
from samekind.encoders.base import Part
from samekind.encoders.experts import Experts
from samekind.encoders.rows import Array, RowMap
from samekind.errors import DamagedCollection
from samekind.tuning.calibration import Calibration
from samekind.tuning.nuisance import NuisanceMap
from samekind.tuning.space import Space


@dataclass(frozen=True)
class Tuning:
    """What a collection learned from its own pictures.

    ``space`` is None where tuning does not help; then both sides of a score are the encoder's own vectors. ``why``
    says in words what the check found, ``evidence`` in numbers; ``pictures`` is how many there were.
    """

    space: Space | None
    plain: Calibration
    tuned: Calibration
    helps: bool
    why: str
    pictures: int
    seed: int
    evidence: Mapping[str, float]

    @property
    def groups(self) -> int:
        """For how many groups of pictures there is a map: 0 for none, 1 for one map, more for a mix."""
        maps = self.space.maps if self.space else ()
        return max((one.levels[0] if isinstance(one, Experts) else 1 for one in maps), default=0)

    def asked(self, vectors: Array) -> Array:
        """(q, d) unit rows of the encoder -> the query side of scores: asked(a) @ stored(b).T."""
        return self.space.asked(vectors) if self.space else vectors

    def stored(self, vectors: Array) -> Array:
        """(n, d) unit rows of the encoder -> the side that is kept: (n, d + 1) when tuned, else (n, d)."""
        return self.space.stored(vectors) if self.space else vectors

    def confidence(self, scores: Array, tuned: bool = True) -> NDArray[np.float64]:
        """Scores -> 0..1, see Calibration; ``tuned`` says in which space they were computed."""
        return (self.tuned if tuned else self.plain).confidence(scores)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the matrices."""
        return {
            "helps": self.helps,
            "groups": self.groups,
            "why": self.why,
            "pictures": self.pictures,
            "seed": self.seed,
            "evidence": dict(self.evidence),
            "plain": asdict(self.plain),
            "tuned": asdict(self.tuned),
        }

    def save(self, path: Path) -> None:
        """Writes one safetensors file: the matrices, and everything else as JSON in its header."""
        from safetensors.numpy import save_file

        tensors: dict[str, Any] = {}
        about = self.to_dict()
        if self.space:
            about["parts"] = [asdict(part) for part in self.space.parts]
            tensors |= _packed(self.space.maps)
            tensors["references"] = self.space.references.astype(np.float16)
        else:
            tensors["none"] = np.zeros(1, np.float32)
        save_file(tensors, path, {"samekind.tuning": json.dumps(about)})

    @classmethod
    def load(cls, path: Path) -> Tuning:
        """Reads what ``save`` wrote. Raises DamagedCollection where the file is missing or unreadable."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                about = json.loads((file.metadata() or {})["samekind.tuning"])
                space = None
                if "parts" in about:
                    parts = tuple(Part(**part) for part in about.pop("parts"))
                    tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                    references = tensors.pop("references").astype(np.float32)
                    space = Space(parts, _unpacked(tensors, len(parts)) if tensors else (), references)
        except (OSError, KeyError, ValueError, TypeError, SafetensorError) as problem:
            raise DamagedCollection(
                f"The tuning file {path} cannot be read ({problem}); run samekind tune on the collection."
            ) from None
        about.pop("groups", None)
        about["plain"], about["tuned"] = Calibration(**about["plain"]), Calibration(**about["tuned"])
        return cls(space, **about)


def _packed(maps: Sequence[RowMap]) -> dict[str, Any]:
    """Tensors by name: of mixes as the file of an adapted encoder has them, else mean and matrix of each part."""
    mixes = [one for one in maps if isinstance(one, Experts)]
    tensors: dict[str, Any] = packed(mixes)
    for number, one in enumerate(maps):
        if isinstance(one, NuisanceMap):
            tensors[f"mean.{number}"] = np.ascontiguousarray(one.mean)
            tensors[f"matrix.{number}"] = np.ascontiguousarray(one.matrix)
    return tensors


def _unpacked(tensors: Mapping[str, Any], parts: int) -> tuple[RowMap, ...]:
    """What ``_packed`` packed."""
    if "mean.0" in tensors:
        return tuple(NuisanceMap(tensors[f"mean.{n}"], tensors[f"matrix.{n}"]) for n in range(parts))
    return unpacked(tensors, parts)
