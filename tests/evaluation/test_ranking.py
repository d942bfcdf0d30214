"""Ranks from vectors against a full stable sort."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from samekind.evaluation.ranking import rank


@given(st.integers(0, 10_000), st.integers(1, 25), st.integers(1, 40), st.integers(1, 4), st.integers(1, 7))
def test_equals_a_stable_sort(seed, queries, gallery, classes, block):
    """Few directions and many pictures: most scores are tied."""
    rng = np.random.default_rng(seed)
    directions = np.eye(3, dtype=np.float32)
    g = directions[rng.integers(0, 3, gallery)]
    own = np.where(rng.random(queries) < 0.5, rng.integers(0, gallery, queries), -1)
    q = directions[rng.integers(0, 3, queries)]
    codes_q, codes_g = rng.integers(-1, classes, queries), rng.integers(-1, classes, gallery)
    depth = int(rng.integers(1, 12))
    ranking = rank(q, g, own, {"label": (codes_q, codes_g)}, depth=depth, block=block)
    scored = []
    for at in range(queries):
        order = np.argsort(-(g @ q[at]), kind="stable")
        order = order[order != own[at]]
        best = ranking.top[at]
        assert list(best[best >= 0]) == list(order[:depth])
        assert np.all(best[len(order) :] == -1)
        right = (codes_g[order] == codes_q[at]) & (codes_q[at] >= 0)
        if right.any():
            found = ranking.found["label"]
            assert list(found.ranks[found.owner == len(scored)]) == list(np.flatnonzero(right) + 1)
            assert found.relevant[len(scored)] == right.sum()
            scored.append(at)
    assert list(ranking.scored["label"]) == scored


def test_several_kinds_of_relevance_at_once():
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    fine, coarse = np.array([0, 1, 0]), np.array([5, 5, 5])
    ranking = rank(vectors, vectors, np.arange(3), {"fine": (fine, fine), "coarse": (coarse, coarse)})
    assert list(ranking.scored["fine"]) == [0, 2]
    assert list(ranking.scored["coarse"]) == [0, 1, 2]
    assert list(ranking.found["fine"].ranks) == [2, 2]
    assert list(ranking.found["coarse"].relevant) == [2, 2, 2]


def test_no_queries():
    ranking = rank(np.zeros((0, 2), np.float32), np.eye(2, dtype=np.float32), np.zeros(0, np.int64), {})
    assert ranking.top.shape == (0, 10)
