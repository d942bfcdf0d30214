"""Rankings from scores, rows and names: one order, the protocol applied once, and complaints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from samekind.errors import UsageError
from samekind.evaluation.composed.queries import Benchmark, ComposedQuery
from samekind.evaluation.composed.rankings import Rankings

GALLERY = tuple("abcdefgh")
KEPT = ComposedQuery("kept", "a", ("x",), ("b",), group=("b", "d", "f"))
DROPPED = ComposedQuery("dropped", "c", ("x",), ("b", "h"), group=("a", "b"), drops_reference=True)
OWN = ComposedQuery("own", "z", ("x",), ("e",), group=("e",), gallery=("d", "e", "f"))
BENCHMARK = Benchmark("toy", (KEPT, DROPPED, OWN), GALLERY)
UNKNOWN = Benchmark("toy", (KEPT, DROPPED), ())

scores = hnp.arrays(np.float32, (3, 8), elements=st.integers(-3, 3).map(float))


def spelled(rankings: Rankings) -> list[str]:
    return ["".join(rankings.names[number] for number in order) for order in rankings.orders]


@given(scores)
def test_scores_rows_and_names_agree(found):
    rows = np.argsort(-found, axis=1, kind="stable")
    names = [[GALLERY[row] for row in one] for one in rows]
    by_scores = spelled(Rankings.from_scores(BENCHMARK, found))
    assert by_scores == spelled(Rankings.from_rows(BENCHMARK, rows))
    assert by_scores == spelled(Rankings.from_names(BENCHMARK, names))


@given(scores)
def test_protocols_take_subsequences_of_the_whole_ranking(found):
    whole = ["".join(GALLERY[row] for row in one) for one in np.argsort(-found, axis=1, kind="stable")]
    rankings = Rankings.from_scores(BENCHMARK, found)
    assert spelled(rankings) == [
        whole[0],
        whole[1].replace("c", ""),
        "".join(name for name in whole[2] if name in "def"),
    ]
    for full, subset, query in zip(spelled(rankings), spelled(rankings.subsets()), BENCHMARK.queries, strict=True):
        assert subset == "".join(name for name in full if name in query.group)
    for full, without, query in zip(
        spelled(rankings), spelled(rankings.excluding_references()), BENCHMARK.queries, strict=True
    ):
        assert without == full.replace(query.reference, "")


def test_ties_are_in_gallery_order():
    assert spelled(Rankings.from_scores(BENCHMARK, np.zeros((3, 8), np.float16))) == ["abcdefgh", "abdefgh", "def"]


def test_minus_infinity_is_last():
    found = np.zeros((3, 8), np.float32)
    found[:, 0] = -np.inf
    assert spelled(Rankings.from_scores(BENCHMARK, found))[0] == "bcdefgha"


def test_ranks_of_targets():
    rankings = Rankings.from_names(BENCHMARK, ["abcdefgh", "hgcfedba", "fed"])
    assert [list(ranks) for ranks in rankings.target_ranks(None)] == [[2], [6, 1], [2]]
    assert [list(ranks) for ranks in rankings.excluding_references().target_ranks(None)] == [[1], [6, 1], [2]]
    assert rankings.top(1, 3) == ("h", "g", "f")


def test_a_target_that_was_not_ranked_has_no_rank():
    rankings = Rankings.from_names(UNKNOWN, ["ab", "pch"])
    assert [list(ranks) for ranks in rankings.target_ranks(2)] == [[2], [0, 2]]


def test_a_gallery_that_is_not_known_takes_names_only():
    for make, given_ in ((Rankings.from_scores, np.zeros((2, 8))), (Rankings.from_rows, np.zeros((2, 8), int))):
        with pytest.raises(UsageError, match="gallery of toy is not known"):
            make(UNKNOWN, given_)


def test_rankings_that_stop_too_early():
    rankings = Rankings.from_rows(BENCHMARK, [np.arange(5), np.arange(5), np.array([3, 4])])
    for depth, message in (
        (2, None),
        (5, "query dropped of toy holds 4 pictures other than the reference where 5 are needed"),
        (None, "query kept of toy holds 5 pictures where 8 are needed"),
    ):
        if message is None:
            rankings.target_ranks(depth)
        else:
            with pytest.raises(UsageError, match=message):
                rankings.target_ranks(depth)
    with pytest.raises(UsageError, match="holds 5 pictures where 6 are needed"):
        rankings.top(0, 6)
    whole = Rankings.from_rows(BENCHMARK, [np.arange(8), np.arange(8), np.array([3, 4])])
    with pytest.raises(UsageError, match="query own of toy holds 2 pictures of the query's own gallery where 3"):
        whole.target_ranks(50)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0, 1, 0], [1], [2]], "query kept holds a twice"),
        ([[0], [8], [2]], "query dropped leaves the gallery; its rows are 0 to 7"),
        ([[0], [-1], [2]], "query dropped leaves the gallery"),
        ([[0], [1], [2.0]], "query own must be a row of whole numbers"),
        ([[0], [1]], "toy has 3 queries, not 2"),
    ],
)
def test_rows_that_are_no_ranking(rows, message):
    with pytest.raises(UsageError, match=message):
        Rankings.from_rows(BENCHMARK, [np.array(one) for one in rows])


def test_names_and_scores_that_are_no_ranking():
    with pytest.raises(UsageError, match="query dropped holds b twice"):
        Rankings.from_names(BENCHMARK, ["a", "bab", "c"])
    with pytest.raises(UsageError, match="query own names z, which is not in the gallery of toy"):
        Rankings.from_names(BENCHMARK, ["a", "b", "z"])
    with pytest.raises(UsageError, match="must be 3 x 8, not 3 x 7: a row a query"):
        Rankings.from_scores(BENCHMARK, np.zeros((3, 7)))
    found = np.zeros((3, 8))
    found[1, 2] = np.nan
    with pytest.raises(UsageError, match="scores of query dropped hold values that are not numbers"):
        Rankings.from_scores(BENCHMARK, found)


def test_queries_without_targets_or_groups():
    silent = Benchmark("toy", (ComposedQuery("7", "a", ("x",)),), GALLERY)
    rankings = Rankings.from_names(silent, ["abcdefgh"])
    with pytest.raises(UsageError, match="Query 7 of toy has no targets; only a server scores it"):
        rankings.target_ranks(1)
    with pytest.raises(UsageError, match="Query 7 of toy has no group"):
        rankings.subsets()
