"""Which pictures are new: landmarks of what an encoder was fitted to, and the router between old and new ones. (ours)

Landmarks are centroids of k-means in the encoder's own space. A picture is new where it is nearer to a landmark of the
new ones than to any old one by more than an offset, which may be small: kinds that were not among the new pictures
are on the new side, too, but less clearly so.
Stored pictures that are to stay as they are, and would not, become landmarks of the old side themselves, with hardly
any offset: they hold no more than what is more like them than like any new landmark.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.grown import Branch
from samekind.encoders.rows import Array
from samekind.tuning.kmeans import row_blocks, spherical_kmeans

PICTURES_A_LANDMARK = 8
LEAST_LANDMARKS = 64
MOST_LANDMARKS = 256
MOST_GUARDS = 256
"""Stored pictures that become landmarks; where more would be needed, the offset grows."""
OFFSET = 0.05
SLACK = 0.005
"""Stored numbers are in half precision; encoded again a picture may lie so much (and less) further on the new side."""
LOOKED_AT = 8_000
"""Pictures that landmarks are made of."""
_ITERATIONS = 10


def landmarks(vectors: Array, seed: int) -> Array:
    """(n, d) unit rows -> (k, d) unit rows: 1 for 8 pictures, from 64 to 256 where there are as many."""
    some = vectors[:: -(-len(vectors) // LOOKED_AT)]
    count = min(max(len(some) // PICTURES_A_LANDMARK, LEAST_LANDMARKS), MOST_LANDMARKS)
    return spherical_kmeans(some, count, seed, _ITERATIONS)[0]


def routed(old: Array, new: Array, kept: Array, seed: int) -> Branch:
    """A branch that has no experts yet.

    ``old`` (k, d) landmarks, ``new`` (n, d) pictures; ``kept`` (p, d) are stored pictures of which none goes to the
    new side afterwards (p may be 0).
    """
    nearer = Branch(old, landmarks(new, seed), np.zeros(len(old), np.float32), ())
    offset, leads = OFFSET, leads_of(nearer, kept)
    if len(leads) > MOST_GUARDS:
        offset = max(offset, float(np.partition(leads, -MOST_GUARDS - 1)[-MOST_GUARDS - 1]) + SLACK)
    guards = kept[leads > offset - SLACK]
    offsets = np.repeat(np.array([offset, SLACK], np.float32), [len(old), len(guards)])
    return replace(nearer, old=np.concatenate([old, guards]), offsets=offsets)


def leads_of(branch: Branch, vectors: Array) -> NDArray[np.float32]:
    """(n,) as ``Branch.lead`` gives it, of any number of pictures."""
    blocks = row_blocks(len(vectors), len(branch.old) + len(branch.new))
    return np.concatenate([np.zeros(0, np.float32), *(branch.lead(vectors[rows]) for rows in blocks)])
