"""Search by parts: small things in big pictures, in either direction.

Chamfer similarity (MaxSim; Khattab and Zaharia, 2020): each of the smaller picture's vectors, weighted, looks for what
is most like it in the bigger one. The asked picture is seen whole and in tiles, so that its small things are large
enough to be seen; the collection's pictures have the vectors that `collection/multi_vector.py` keeps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.collection.multi_vector import clustered, network_of
from samekind.encoders.base import Pixels
from samekind.encoders.rows import unit_rows
from samekind.errors import PictureError, UsageError, unknown_name
from samekind.query.model import Like, Picture, Query
from samekind.query.pixels import pixels_of

if TYPE_CHECKING:
    from samekind.collection import Collection

MINE, THEIRS = "mine", "theirs"
DIRECTIONS = (MINE, THEIRS)
"""Pictures of what is a part of the asked picture, or pictures of which that is a part."""
DEPTH = 2_000
"""So many of the nearest pictures are looked into."""

_TILE = 0.6
_OVERLAP = 0.15
_SCORES = 1 << 24


def check_parts(parts: str | None, query: Query, *, ordered: bool) -> None:
    """Raises UsageError for an unknown direction, and where more than one picture and filters is asked for.

    ``ordered``: something else is to decide about the order, too.
    """
    if parts is None:
        return
    if parts not in DIRECTIONS:
        raise unknown_name("direction of parts", parts, DIRECTIONS)
    one = len(query.shown) == 1 and isinstance(query.shown[0], Picture | Like)
    if not one or query.worded or ordered:
        raise UsageError("Parts are asked for with one picture, and filters at most; leave out the rest.")


def likeness(collection: Collection, query: Query, parts: str, hashes: list[str | None]) -> NDArray[np.float32]:
    """(n,) how far pictures with these contents are a part of the query's one picture, or it of them; -1: not known.

    Raises UsageError where the collection's parts were never looked at, and for a picture that cannot be used.
    """
    found, there = collection.parts_of(hashes)
    if not len(found):
        raise UsageError(
            f"The parts of {collection.name} were never looked at; run: samekind sync --into {collection.path} --parts"
        )
    try:
        pixels = pixels_of(collection, query.shown[0])
    except PictureError as problem:
        raise UsageError(f"The query picture cannot be used ({problem}); ask with another one.") from None
    network = network_of(collection.encoder_name, collection.settings)
    scores = np.full(len(hashes), -1, np.float32)
    if parts == MINE:
        seen = np.concatenate([network(tile).reshape(-1, found.shape[2]) for tile in (pixels, *tiles(pixels))])
        scores[there] = chamfer(found, unit_rows(seen))
    else:
        asked = clustered(network(pixels))
        scores[there] = np.array([chamfer(asked[None], one)[0] for one in unit_rows(found)], np.float32)
    return scores


def chamfer(small: NDArray[np.float32], big: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each of ``small`` (n, v, d), vectors as long as the root of their weights, in ``big`` (m, d) unit rows: (n,).

    The sum over a picture's vectors of weight x greatest cosine.
    """
    lengths = np.linalg.norm(small, axis=2)
    found = np.empty(len(small), np.float32)
    step = max(1, _SCORES // (small.shape[1] * len(big)))
    for start in range(0, len(small), step):
        some = slice(start, start + step)
        best = (small[some].reshape(-1, small.shape[2]) @ big.T).max(axis=1).reshape(-1, small.shape[1])
        found[some] = (lengths[some] * best).sum(axis=1)
    return found


def tiles(pixels: Pixels) -> list[Pixels]:
    """Squares of 0.6 of the shorter side that cover a picture (h, w, 3), overlapping, row by row."""
    height, width = pixels.shape[:2]
    side = max(1, round(_TILE * min(height, width)))
    return [
        np.ascontiguousarray(pixels[top : top + side, left : left + side])
        for top in _starts(height, side)
        for left in _starts(width, side)
    ]


def _starts(length: int, side: int) -> Sequence[int]:
    count = max(2, math.ceil((length - side) / (side * (1 - _OVERLAP))) + 1)
    return [round(n * (length - side) / (count - 1)) for n in range(count)]
