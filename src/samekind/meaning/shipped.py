"""The numbers that come with samekind (`scripts/make_meaning.py`): vectors of the classes, and the bridges.

A class is said by its name, by what WordNet defines it as and by the kind right above it there (Miller, 1995): the mean
of their sentence vectors, the name counting as much as the other two.

A bridge is a ridge regression from an encoder's vectors to the sentence vectors of what pictures show (DeViSE, Frome et
al., 2013), fitted to one picture of each of the 1,000 classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from safetensors.numpy import load

from samekind.encoders.base import Vectors

FILE = "meaning.safetensors"


@dataclass(frozen=True, eq=False)
class Bridge:
    """Unit vectors (n, d) of one network -> (n, 512): ``(vectors - mean) @ matrix``."""

    mean: Vectors
    matrix: Vectors

    def __call__(self, vectors: Vectors) -> Vectors:
        """The vectors of what pictures show, of no particular length."""
        return np.asarray((vectors - self.mean) @ self.matrix, np.float32)


@cache
def class_vectors() -> Vectors:
    """(1000, 512) unit rows: what the classes are, in sentence vectors."""
    return _tensors()["classes"].astype(np.float32)


def bridge(network: str) -> Bridge | None:
    """The bridge of a network by the name of its part of a vector; None where there is none."""
    found = _tensors()
    if f"{network}.matrix" not in found:
        return None
    return Bridge(found[f"{network}.mean"].astype(np.float32), found[f"{network}.matrix"].astype(np.float32))


@cache
def _tensors() -> dict[str, Vectors]:
    return dict(load(files("samekind.meaning").joinpath("data", FILE).read_bytes()))
