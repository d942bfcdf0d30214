"""Pictures that show a collection from many sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SAMPLE = 2_000


def well_spread(vectors: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Rows that are far from each other and yet have near neighbours: (n, d) float32 unit rows -> at most ``count``.

    Of the half whose nearest neighbour is nearest (a loner shows nothing), the one with the nearest first, then always
    the one farthest from those taken (Gonzalez, 1985). Looks at a seeded sample of 2,000 rows.
    """
    rows = np.sort(np.random.default_rng(0).permutation(len(vectors))[:_SAMPLE])
    if len(rows) < 2:
        return np.asarray(rows, np.intp)
    scores = vectors[rows] @ vectors[rows].T
    np.fill_diagonal(scores, -np.inf)
    nearest = scores.max(axis=1)
    sociable = np.flatnonzero(nearest >= np.median(nearest))
    taken = [int(sociable[np.argmax(nearest[sociable])])]
    while len(taken) < min(count, len(sociable)):
        closeness = scores[sociable][:, taken].max(axis=1)
        closeness[np.isin(sociable, taken)] = np.inf
        taken.append(int(sociable[np.argmin(closeness)]))
    return np.asarray(rows[taken], np.intp)
