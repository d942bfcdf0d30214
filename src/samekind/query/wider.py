"""A wider look: a query's vector pulled towards what lies around it, so that its wider kind comes first."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors
from samekind.encoders.rows import unit_rows
from samekind.errors import UsageError
from samekind.query.hits import COLLAPSE_AT, group_copies

FINE, COARSE = 0.0, 1.0
NAMED = {"fine": FINE, "coarse": COARSE}

NEIGHBOURS = 6
"""Chosen with dino on grocery: with eight its parent classes gain no more, with sixteen they lose again."""

CANDIDATES = 16 + NEIGHBOURS
"""Looked at to find so many that are no copies."""

_ALPHA = 3


def level_of(granularity: float | str) -> float:
    """0 (fine) to 1 (coarse), of a number or a name. Raises UsageError for anything else."""
    try:
        level = NAMED[granularity] if granularity in NAMED else float(granularity)
    except (TypeError, ValueError):
        level = math.nan
    if not FINE <= level <= COARSE:
        raise UsageError(f"A granularity is fine, coarse or a number from 0 to 1, not {granularity!r}.")
    return level


def around(plain: Vectors, parts: Vectors) -> list[int]:
    """Which of the pictures found, ``plain`` (n, dim) their plain vectors, best first, a query is pulled towards.

    The first NEIGHBOURS, copies counted once, that are no copies of the query's own ``parts`` (p, dim): those say
    nothing about what lies around it.
    """
    new = np.flatnonzero((plain @ parts.T < COLLAPSE_AT).all(axis=1))
    return [int(new[first]) for first, *_ in group_copies(plain[new], COLLAPSE_AT, NEIGHBOURS)]


def pulled(vector: NDArray[np.float32], neighbours: Vectors, level: float) -> NDArray[np.float32]:
    """L2(vector + level * sum of cos^3 x neighbour): (dim,) and (k, dim) unit rows of the searched space -> (dim,).

    Query expansion with alpha = 3 (Radenovic, Tolias and Chum, 2019); that ``level`` scales it is ours.
    """
    weights = level * np.maximum(neighbours @ vector, 0) ** _ALPHA
    return np.asarray(unit_rows((vector + weights @ neighbours)[None])[0], np.float32)
