"""Metrics against naive loops and against an independent library."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import UsageError
from samekind.evaluation.metrics import METRICS, RelevantRanks, score


def naive(relevance: list[bool], total: int) -> dict[str, float]:
    """All metrics of one query by loops over its ranked list."""
    right, precisions, at_r, first, dcg = 0, 0.0, 0.0, 0, 0.0
    right_within_r = 0
    for rank, is_right in enumerate(relevance, start=1):
        if not is_right:
            continue
        right += 1
        first = first or rank
        precisions += right / rank
        if rank <= total:
            at_r += right / rank
            right_within_r += 1
        if rank <= 10:
            dcg += 1 / math.log2(rank + 1)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(total, 10) + 1))
    return {
        **{f"recall@{k}": float(any(relevance[:k])) for k in (1, 5, 10)},
        "map@r": at_r / total,
        "map": precisions / total,
        "ndcg@10": dcg / ideal,
        "r-precision": right_within_r / total,
        "mrr": 1 / first if first else 0.0,
    }


def ranks_of(relevance: list[bool]) -> np.ndarray:
    return np.flatnonzero(relevance) + 1


lists = st.lists(
    st.tuples(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 5)).filter(lambda t: any(t[0]) or t[1]),
    min_size=1,
    max_size=8,
)


@given(lists)
def test_equals_naive_loops(queries):
    """The extra number stands for relevant pictures that were never found."""
    totals = [sum(relevance) + lost for relevance, lost in queries]
    values = score(RelevantRanks.of([ranks_of(relevance) for relevance, _ in queries], np.array(totals)))
    assert tuple(values) == METRICS
    for at, ((relevance, _), total) in enumerate(zip(queries, totals, strict=True)):
        for name, expected in naive(relevance, total).items():
            assert values[name][at] == pytest.approx(expected), name


def test_equals_an_independent_library():
    pytrec_eval = pytest.importorskip("pytrec_eval")
    rng = np.random.default_rng(7)
    relevance = rng.random((40, 120)) < rng.uniform(0.02, 0.5, (40, 1))
    relevance[:, 3] = True
    lost = rng.integers(0, 4, 40)
    qrels, run = {}, {}
    for query, row in enumerate(relevance):
        qrels[str(query)] = {f"d{at}": int(right) for at, right in enumerate(row)}
        qrels[str(query)].update({f"lost{at}": 1 for at in range(lost[query])})
        run[str(query)] = {f"d{at}": float(-at) for at in range(len(row))}
    wanted = {"success.1,5,10", "map", "ndcg_cut.10", "Rprec", "recip_rank"}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run)
    ours = score(RelevantRanks.of([ranks_of(row) for row in relevance], relevance.sum(1) + lost))
    pairs = {
        "recall@1": "success_1",
        "recall@5": "success_5",
        "recall@10": "success_10",
        "map": "map",
        "ndcg@10": "ndcg_cut_10",
        "r-precision": "Rprec",
        "mrr": "recip_rank",
    }
    for mine, name in pairs.items():
        np.testing.assert_allclose(ours[mine], [theirs[str(query)][name] for query in range(40)], atol=1e-6)


def test_a_query_that_finds_nothing_scores_zero():
    values = score(RelevantRanks.of([np.array([], np.int64)], np.array([3])))
    assert {name: float(value[0]) for name, value in values.items()} == dict.fromkeys(METRICS, 0.0)


def test_no_queries_give_empty_arrays():
    assert all(len(value) == 0 for value in score(RelevantRanks.of([], np.zeros(0))).values())


def test_a_query_without_relevant_pictures_is_refused():
    with pytest.raises(UsageError, match="no score"):
        score(RelevantRanks.of([np.array([1])], np.array([0])))


def test_map_at_r_of_the_paper():
    """R = 2, right at ranks 1 and 3: only the first counts, so (1/1) / 2."""
    assert score(RelevantRanks.of([np.array([1, 3])], np.array([2])))["map@r"][0] == 0.5
