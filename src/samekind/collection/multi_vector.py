"""Several vectors a picture: its patches in clusters, so that small things in big pictures can be found.

After CRISP (clustered multi-vector) and HPC-ColPali (patches pruned by what they say); weights instead of pruning, the
border for what says little, and no training: ours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.collection.beside import Beside
from samekind.encoders.load import print_of
from samekind.encoders.patches import Patches, patches_of
from samekind.encoders.recipe import RecipeEncoder, Trunk
from samekind.encoders.rows import unit_rows
from samekind.settings import Settings
from samekind.tuning.kmeans import spherical_kmeans

if TYPE_CHECKING:
    from samekind.collection.collection import Collection
    from samekind.encoders.base import Encoder

VECTORS = 16
"""Of a picture."""
SALIENT = 0.25
"""The share of a picture's patches that are the thing itself: those least like anything at its border."""
_BORDER_NEAREST = 3
_REST = 0.02
"""What all other patches count together."""
_ITERATIONS = 10


def clustered(patches: Patches) -> NDArray[np.float32]:
    """Patches (rows, columns, d) -> (VECTORS, d): centroids, each as long as the root of its weight; together 1.

    A centroid's weight is its share of the salient patches, and of a small rest its share of all centroids. With no
    more patches than VECTORS each stands for itself, and vectors that are left over are zero.
    """
    rows = unit_rows(patches.reshape(-1, patches.shape[2]))
    centroids, labels = spherical_kmeans(rows, VECTORS, 0, _ITERATIONS)
    held = np.bincount(labels[_salient(rows, patches.shape[:2])], minlength=len(centroids))
    weights = (1 - _REST) * held / held.sum() + _REST / len(centroids)
    found = np.zeros((VECTORS, patches.shape[2]), np.float32)
    found[: len(centroids)] = centroids * np.sqrt(weights)[:, None]
    return found


def _salient(rows: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Numbers of the patches that are least like the border's."""
    inside = np.zeros(shape, np.bool_)
    inside[1:-1, 1:-1] = True
    cosines = rows @ rows[~inside.ravel()].T
    nearest = min(_BORDER_NEAREST, cosines.shape[1])
    like_border = np.sort(cosines, axis=1)[:, -nearest:].mean(axis=1)
    return np.argsort(like_border, kind="stable")[: max(1, round(SALIENT * len(rows)))]


network_of = lru_cache(maxsize=2)(patches_of)
"""The patches of an encoder by name, compiled once a process."""


@lru_cache(maxsize=2)
def multi_vector_encoder(name: str, settings: Settings) -> RecipeEncoder:
    """An encoder of pictures to the VECTORS of their patches, one after the other as one unit vector.

    By the patches of an encoder of that name (`encoders/patches.py`). Raises what ``patches_of`` raises.
    """
    network = network_of(name, settings)
    side = network.view.side
    dim = network.of_view(np.zeros((side, side, 3), np.uint8)).shape[2]

    def encoded(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.stack([clustered(network.of_view(one)).ravel() for one in pictures])

    how = f"{VECTORS} clusters of patches, {SALIENT:g} salient"
    trunk = Trunk(f"{network.name}+parts", print_of(name, settings), network.view, how, VECTORS * dim)
    return RecipeEncoder(f"{name}+parts", [trunk], [encoded])


def _encoder(collection: Collection, settings: Settings) -> Encoder:
    return multi_vector_encoder(collection.encoder_name, settings)


PARTS = Beside("parts", "looking at parts", _encoder)
"""Vectors (VECTORS * d,) of a picture's patches by the collection's own encoder."""
