"""Measures by hand, against naive loops, against the metrics of this package, and their algebra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import UsageError
from samekind.evaluation.composed import measures
from samekind.evaluation.composed.circo import read_circo
from samekind.evaluation.composed.cirr import read_cirr
from samekind.evaluation.composed.fashion_iq import CATEGORIES, read_fashion_iq
from samekind.evaluation.composed.genecis import OBJECT_TASKS, read_genecis
from samekind.evaluation.composed.queries import Benchmark, ComposedQuery
from samekind.evaluation.composed.rankings import Rankings
from samekind.evaluation.metrics import score

GALLERY = tuple(f"p{at:02}" for at in range(60))

ranks = st.lists(
    st.tuples(st.lists(st.integers(1, 60), unique=True, max_size=20), st.integers(0, 4))
    .filter(lambda both: both[0] or both[1])
    .map(lambda both: np.array([*both[0], *[0] * both[1]], np.int64)),
    min_size=1,
    max_size=6,
)
depths = st.lists(st.integers(1, 60), min_size=1, max_size=5, unique=True)


def at_places(query: ComposedQuery, places: dict[str, int], gallery: tuple[str, ...] = GALLERY) -> list[str]:
    """A ranking of the whole gallery with some names at given ranks, the others in gallery order."""
    others = iter(name for name in gallery if name not in places)
    names = {rank: name for name, rank in places.items()}
    return [names.get(rank) or next(others) for rank in range(1, len(gallery) + 1)]


def naive_ap(predicted: list[str], targets: tuple[str, ...], k: int) -> float:
    right, total = 0, 0.0
    for rank, name in enumerate(predicted[:k], start=1):
        if name in targets:
            right += 1
            total += right / rank
    return total / min(len(targets), k)


@given(ranks, depths)
def test_average_precision_equals_naive_loops(each, ks):
    found = measures.average_precision_at(each, ks)
    for at, one in enumerate(each):
        targets = tuple(f"t{number}" for number in range(len(one)))
        placed = {f"t{number}": int(rank) for number, rank in enumerate(one) if rank}
        predicted = at_places(ComposedQuery("", "", ()), placed)
        for k in ks:
            assert found[f"map@{k}"][at] == pytest.approx(naive_ap(predicted, targets, k))


@given(st.integers(1, 40), st.integers(1, 60))
def test_a_perfect_ranking_has_1_also_with_more_targets_than_places(targets, k):
    found = measures.average_precision_at([np.arange(1, targets + 1)], [k])
    assert found[f"map@{k}"][0] == pytest.approx(1)


@given(st.integers(1, 40), st.integers(1, 60))
def test_a_ranking_without_targets_has_0(targets, k):
    nothing = [np.zeros(targets, np.int64)]
    assert measures.average_precision_at(nothing, [k])[f"map@{k}"][0] == 0
    assert measures.recall_at(nothing, [k])[f"recall@{k}"][0] == 0


@given(ranks)
def test_measures_grow_with_k_for_one_target(each):
    """Recall always; average precision only where min(G, k) does not grow, so with a single target."""
    single = [one[:1] for one in each]
    for found in (measures.recall_at(each, range(1, 61)), measures.average_precision_at(single, range(1, 61))):
        table = np.stack(list(found.values()))
        assert np.all(np.diff(table, axis=0) >= 0)
        assert table.min() >= 0
        assert table.max() <= 1


@given(ranks)
def test_average_precision_grows_with_k_beyond_the_number_of_targets(each):
    found = np.stack(list(measures.average_precision_at(each, range(25, 61)).values()))
    assert np.all(np.diff(found, axis=0) >= 0)


@given(ranks)
def test_agrees_with_the_metrics_of_labelled_sets(each):
    theirs = score(measures.relevant_ranks(each))
    np.testing.assert_allclose(measures.average_precision_at(each, [60])["map@60"], theirs["map"])
    single = [one[:1] for one in each]
    theirs = score(measures.relevant_ranks(single))
    for name, ours in measures.recall_at(single, (1, 5, 10)).items():
        np.testing.assert_array_equal(ours, theirs[name])


def cirr_query(number: str = "1") -> ComposedQuery:
    return ComposedQuery(number, "p00", ("x",), ("p05",), group=("p01", "p03", "p05", "p07"), drops_reference=True)


def test_cirr_by_hand():
    """The reference is first, the target sixth with it and fifth without; of its group only p01 comes before it."""
    query = cirr_query()
    ranked = at_places(query, {"p00": 1, "p01": 3, "p05": 6, "p03": 40, "p07": 50})
    found = measures.cirr(Rankings.from_names(Benchmark("cirr val", (query,), GALLERY), [ranked]))
    assert {name: value[0] for name, value in found.values.items()} == {
        "recall@1": 0,
        "recall@5": 1,
        "recall@10": 1,
        "recall@50": 1,
        "subset recall@1": 0,
        "subset recall@2": 1,
        "subset recall@3": 1,
    }
    assert (found.name, found.queries, found.gallery) == ("cirr val", ("1",), 60)
    assert found.to_dict()["intervals"]["recall@5"] == [1, 1]


@given(st.permutations(GALLERY))
def test_cirr_equals_masking_by_hand(ranked):
    query = cirr_query()
    found = measures.cirr(Rankings.from_names(Benchmark("cirr val", (query,), GALLERY), [ranked])).values
    left = [name for name in ranked if name != query.reference]
    within = [name for name in left if name in query.group]
    for k in (1, 5, 10, 50):
        assert found[f"recall@{k}"][0] == ("p05" in left[:k])
    for k in (1, 2, 3):
        assert found[f"subset recall@{k}"][0] == ("p05" in within[:k])


def test_cirr_wants_rankings_that_reach_the_subset():
    query = cirr_query()
    ranked = at_places(query, {"p00": 1, "p05": 2, "p01": 3, "p03": 59, "p07": 60})[:55]
    with pytest.raises(UsageError, match="query 1 of cirr val, subset holds 2 pictures of the query's own gallery"):
        measures.cirr(Rankings.from_names(Benchmark("cirr val", (query,), GALLERY), [ranked]))


def circo_rankings(length: int = 60, gallery: tuple[str, ...] = GALLERY) -> Rankings:
    queries = (
        ComposedQuery("0", "p00", ("x",), ("p05", "p06", "p07"), ("negation", "viewpoint")),
        ComposedQuery("1", "p01", ("x",), ("p08",), ("negation",)),
    )
    ranked = [
        at_places(queries[0], {"p00": 1, "p06": 2, "p05": 5, "p07": 30}),
        at_places(queries[1], {"p08": 6, "p01": 20}),
    ]
    return Rankings.from_names(Benchmark("circo val", queries, gallery), [one[:length] for one in ranked])


def test_circo_by_hand():
    found = measures.circo(circo_rankings())
    assert found.name == "circo val, official"
    assert found.values["map@5"] == pytest.approx([(1 / 2 + 2 / 5) / 3, 0])
    assert found.values["map@10"] == pytest.approx([(1 / 2 + 2 / 5) / 3, 1 / 6])
    assert found.values["map@25"] == pytest.approx([(1 / 2 + 2 / 5) / 3, 1 / 6])
    assert found.values["map@50"] == pytest.approx([(1 / 2 + 2 / 5 + 3 / 30) / 3, 1 / 6])
    assert list(found.values["recall@5"]) == [1, 0]
    assert list(found.values["recall@10"]) == [1, 1]


def test_circo_without_the_reference():
    found = measures.circo(circo_rankings(), without_reference=True)
    assert found.name == "circo val, reference excluded"
    assert found.values["map@5"] == pytest.approx([(1 / 1 + 2 / 4) / 3, 0])
    assert found.values["map@50"] == pytest.approx([(1 / 1 + 2 / 4 + 3 / 29) / 3, 1 / 6])


def test_fifty_names_are_enough_for_the_official_figures_only():
    short = circo_rankings(50, ())
    assert measures.circo(short).values["map@50"] == pytest.approx(measures.circo(circo_rankings()).values["map@50"])
    assert measures.circo(short).gallery is None
    with pytest.raises(UsageError, match="holds 49 pictures other than the reference where 50 are needed"):
        measures.circo(short, without_reference=True)


def test_circo_by_aspect():
    found = measures.circo_aspects(circo_rankings())
    assert list(found) == ["negation", "viewpoint"]
    assert found["negation"].values["map@10"] == pytest.approx([0.3, 1 / 6])
    assert found["viewpoint"].values["map@10"] == pytest.approx([0.3])
    assert found["viewpoint"].queries == ("0",)
    excluded = measures.circo_aspects(circo_rankings().excluding_references())
    assert excluded["viewpoint"].values["map@10"] == pytest.approx([0.5])
    assert excluded["viewpoint"].name == "circo val, reference excluded, viewpoint"


def part(name: str, places: list[int], conventions: tuple[str, ...] = ("one",)) -> Rankings:
    queries = tuple(ComposedQuery(str(at), "p00", ("x",), ("p05",)) for at in range(len(places)))
    ranked = [at_places(query, {"p05": rank}) for query, rank in zip(queries, places, strict=True)]
    return Rankings.from_names(Benchmark(name, queries, GALLERY, conventions), ranked)


def test_fashion_iq_is_the_plain_mean_over_categories():
    found = measures.fashion_iq("sum", [part("dress", [1, 11, 51, 50]), part("shirt", [10])])
    assert [one.values["recall@10"].mean() for one in found.sets] == [0.25, 1]
    assert found.mean["recall@10"].mean == pytest.approx((0.25 + 1) / 2)
    assert found.mean["recall@50"].mean == pytest.approx((0.75 + 1) / 2)
    assert found.to_dict()["conventions"] == ["one"]


def test_parts_are_never_mixed():
    with pytest.raises(UsageError, match="dress; shirt follow different conventions"):
        measures.fashion_iq("sum", [part("dress", [1]), part("shirt", [1], ("other",))])
    with pytest.raises(UsageError, match="twice among dress; dress"):
        measures.fashion_iq("sum", [part("dress", [1]), part("dress", [1])])
    with pytest.raises(UsageError, match="nothing to measure"):
        measures.genecis("sum", [])


def test_genecis_ranks_within_the_query_s_own_gallery():
    query = ComposedQuery("1", "p00", ("x",), ("p05",), gallery=("p03", "p05", "p09"))
    benchmark = Benchmark("genecis focus_object", (query,), GALLERY)
    ranked = at_places(query, {"p09": 1, "p05": 30, "p03": 31})
    (found,) = measures.genecis("sum", [Rankings.from_names(benchmark, [ranked])]).sets
    assert {name: value[0] for name, value in found.values.items()} == {"recall@1": 0, "recall@2": 1, "recall@3": 1}


def own_rankings() -> Rankings:
    queries = tuple(
        ComposedQuery(str(at), "p00", ("x",), ("p05", "p06"), (rule,), drops_reference=True)
        for at, rule in enumerate(("size", "colour", "series", "colour"))
    )
    places = [{"p05": 1, "p06": 2}, {"p05": 12, "p06": 2}, {"p00": 1, "p06": 2, "p05": 3}, {"p05": 21, "p06": 12}]
    ranked = [at_places(query, one) for query, one in zip(queries, places, strict=True)]
    return Rankings.from_names(Benchmark("shop", queries, GALLERY), ranked)


def test_own_by_rule_with_size_apart():
    found = measures.own(own_rankings())
    assert (list(found.rules), list(found.apart)) == (["colour", "series"], ["size"])
    assert found.main.queries == ("1", "2", "3")
    # the reference is p00, which the gallery's order puts first where no place is given: it moves the others up by one
    assert list(found.main.values["recall@1"]) == [1, 1, 0]
    assert list(found.main.values["recall@10"]) == [1, 1, 0]
    assert found.main.values["map"] == pytest.approx([(1 + 2 / 11) / 2, 1, (1 / 11 + 2 / 20) / 2])
    assert found.rules["colour"].queries == ("1", "3")
    assert found.apart["size"].values["map"] == pytest.approx([1])
    told = found.to_dict()
    assert told["main"]["recall@1"] == pytest.approx(2 / 3)
    assert list(told["apart"]) == ["size"]
    assert measures.own(own_rankings(), apart=()).main.queries == ("0", "1", "2", "3")


def test_own_needs_whole_rankings_and_a_rule():
    with pytest.raises(UsageError, match="no rule but size, colour, series"):
        measures.own(own_rankings(), apart=("size", "colour", "series"))
    whole = own_rankings()
    short = Rankings.from_rows(whole.benchmark, [order[:20] for order in whole.orders])
    with pytest.raises(UsageError, match="where 59 are needed"):
        measures.own(short)


def knowing(benchmark: Benchmark) -> Rankings:
    """Rankings that have the answers first."""
    gallery = benchmark.gallery

    def ranked(query: ComposedQuery) -> list[str]:
        first = list(query.targets)
        own = query.gallery if query.gallery is not None else (*query.group, *gallery[:60])
        return list(dict.fromkeys([*first, *own]))

    return Rankings.from_names(benchmark, [ranked(query) for query in benchmark.queries])


def means(values: dict[str, np.ndarray]) -> set[float]:
    return {float(value.mean()) for value in values.values()}


@pytest.mark.shared
def test_knowing_the_answers_scores_1(annotations):
    assert means(measures.cirr(knowing(read_cirr(annotations / "cirr"))).values) == {1.0}
    fashion = [knowing(read_fashion_iq(annotations / "fashion_iq", one, "val split")) for one in CATEGORIES]
    assert {one.mean for one in measures.fashion_iq("all", fashion).mean.values()} == {1.0}
    tasks = [knowing(read_genecis(annotations / "genecis" / f"{task}.first800.json")) for task in OBJECT_TASKS]
    assert {one.mean for one in measures.genecis("all", tasks).mean.values()} == {1.0}
    circo = read_circo(annotations / "circo")
    others = [str(10**7 + number) for number in range(60)]
    best = Rankings.from_names(circo, [[*query.targets, *others] for query in circo.queries])
    for without in (False, True):
        found = measures.circo(best, without).values
        assert min(means(found)) == pytest.approx(1)
    worst = Rankings.from_names(circo, [[*others, *query.targets] for query in circo.queries])
    assert means(measures.circo(worst).values) == {0.0}


@pytest.mark.shared
def test_chance_within_small_galleries(annotations):
    """Random scores: 1 in 5 within CIRR's groups, 1 in 15 within GeneCIS' galleries, four standard errors allowed."""
    rng = np.random.default_rng(0)
    benchmark = read_cirr(annotations / "cirr")
    scores = rng.random((len(benchmark), len(benchmark.gallery)), np.float32)
    found = measures.cirr(Rankings.from_scores(benchmark, scores)).values["subset recall@1"]
    assert found.mean() == pytest.approx(1 / 5, abs=4 * (0.2 * 0.8 / 4_181) ** 0.5)
    tasks = [read_genecis(annotations / "genecis" / f"{task}.first800.json") for task in OBJECT_TASKS]
    each = [Rankings.from_scores(one, rng.random((800, len(one.gallery)), np.float32)) for one in tasks]
    mean = measures.genecis("random", each).mean["recall@1"].mean
    assert mean == pytest.approx(1 / 15, abs=4 * (1 / 15 * 14 / 15 / 1_600) ** 0.5)
