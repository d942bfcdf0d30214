"""How well relevant pictures were ranked, one value a query.

Every metric here depends on two things only: the ranks at which a query's relevant pictures came, and how many there
are. So that is what the functions take; `ranking.py` finds the ranks from vectors, `runs.py` reads them from files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError

METRICS = ("recall@1", "recall@5", "recall@10", "map@r", "map", "ndcg@10", "r-precision", "mrr")
NDCG_DEPTH = 10


@dataclass(frozen=True)
class RelevantRanks:
    """Where the relevant pictures of q queries came.

    ``ranks`` (m,) int64, 1 is the best; ``owner`` (m,) int64, the query (0..q-1) of each rank, ascending, and ranks
    ascending within a query; ``relevant`` (q,) int64, how many relevant pictures each query has. A relevant picture
    that was never found has no rank, so a query may own fewer ranks than it has relevant pictures.
    """

    ranks: NDArray[np.int64]
    owner: NDArray[np.int64]
    relevant: NDArray[np.int64]

    @classmethod
    def of(cls, ranks: Sequence[NDArray[np.int64]], relevant: NDArray[np.int64]) -> RelevantRanks:
        """From one array of ranks a query (any order within it)."""
        lengths = [len(one) for one in ranks]
        flat = np.concatenate([np.sort(one) for one in ranks]) if ranks else np.zeros(0)
        owner = np.repeat(np.arange(len(ranks)), lengths)
        return cls(flat.astype(np.int64), owner.astype(np.int64), np.asarray(relevant, np.int64))


def score(found: RelevantRanks) -> dict[str, NDArray[np.float64]]:
    """Each metric of METRICS as a (q,) float64 array of values in 0..1, one a query.

    With R relevant pictures at ranks r_1 < r_2 < ... (those found):

    - recall@k: 1 where r_1 <= k, else 0 ("any right one among the first k", as retrieval papers use the word);
    - map@r: (1/R) * sum of i / r_i over r_i <= R (Musgrave, Belongie and Lim 2020, "A metric learning reality check");
    - map: (1/R) * sum of i / r_i over all that were found (average precision as in TREC);
    - ndcg@10: sum of 1 / log2(r_i + 1) over r_i <= 10, over the same sum for a perfect order
      (Järvelin and Kekäläinen 2002, gains 0 and 1);
    - r-precision: the share of the first R that is relevant;
    - mrr: 1 / r_1, and 0 where nothing was found.

    Raises UsageError for a query without relevant pictures: it has no score, so leave it out and count it.
    """
    relevant = found.relevant
    if np.any(relevant < 1):
        raise UsageError("A query without relevant pictures has no score; leave it out before scoring.")
    queries = len(relevant)
    ranks = found.ranks.astype(np.float64)
    counts = np.bincount(found.owner, minlength=queries)
    starts = np.cumsum(counts) - counts
    nth = np.arange(len(ranks)) - starts[found.owner] + 1
    within_r = ranks <= relevant[found.owner]

    def summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(found.owner, weights=values, minlength=queries).astype(np.float64)

    first = np.full(queries, np.inf)
    first[counts > 0] = ranks[starts[counts > 0]]
    precision = nth / ranks
    gain = np.where(ranks <= NDCG_DEPTH, 1 / np.log2(ranks + 1), 0.0)
    ideal = np.cumsum(1 / np.log2(np.arange(1, NDCG_DEPTH + 1) + 1))
    return {
        "recall@1": (first <= 1).astype(np.float64),
        "recall@5": (first <= 5).astype(np.float64),
        "recall@10": (first <= 10).astype(np.float64),
        "map@r": summed(precision * within_r) / relevant,
        "map": summed(precision) / relevant,
        "ndcg@10": summed(gain) / ideal[np.minimum(relevant, NDCG_DEPTH) - 1],
        "r-precision": summed(within_r.astype(np.float64)) / relevant,
        "mrr": 1 / first,
    }
