"""Intervals and paired tests."""

import itertools

import numpy as np
import pytest

from samekind.errors import UsageError
from samekind.evaluation.compare import differences, intervals


def normal(seed: int, size: int, mean: float = 0.5, spread: float = 0.1) -> dict[str, np.ndarray]:
    return {"map": np.random.default_rng(seed).normal(mean, spread, size)}


def test_an_interval_has_the_width_of_theory():
    values = normal(1, 400)
    found = intervals([values])["map"]
    error = values["map"].std() / np.sqrt(400)
    assert found.mean == pytest.approx(values["map"].mean())
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.12)
    assert found.low < found.mean < found.high


def test_the_mean_over_sets_weighs_sets_alike():
    small, large = {"map": np.full(3, 0.2)}, {"map": np.full(300, 0.8)}
    found = intervals([small, large])["map"]
    assert (found.mean, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_the_same_seed_gives_the_same_interval():
    assert intervals([normal(1, 50)], seed=3) == intervals([normal(1, 50)], seed=3)
    assert intervals([normal(1, 50)], seed=3) != intervals([normal(1, 50)], seed=4)


def test_one_query_has_no_width():
    assert intervals([{"map": np.array([0.25])}])["map"].low == 0.25


def test_p_equals_all_sign_flips():
    rng = np.random.default_rng(5)
    ours, theirs = rng.random(10), rng.random(10) - 0.2
    found = differences([{"map": ours}], [{"map": theirs}])["map"]
    delta = ours - theirs
    sums = np.array([np.dot(signs, delta) for signs in itertools.product([-1, 1], repeat=10)])
    assert found.p == pytest.approx((np.abs(sums) >= abs(delta.sum()) - 1e-12).mean(), abs=0.02)
    assert found.mean == pytest.approx(delta.mean())


def test_equal_settings_do_not_differ():
    found = differences([normal(1, 40)], [normal(1, 40)])["map"]
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert not found.significant


def test_a_clear_difference_is_significant_in_the_mean_over_sets():
    ours = [normal(1, 80), normal(2, 200)]
    theirs = [
        {"map": one["map"] - 0.05 + normal(seed, len(one["map"]), 0, 0.05)["map"]} for seed, one in enumerate(ours)
    ]
    found = differences(ours, theirs)["map"]
    assert found.significant
    assert 0 < found.low < 0.05 < found.high + 0.02
    assert found.to_dict()["difference"] == found.mean


def test_false_alarms_are_as_rare_as_promised():
    rng = np.random.default_rng(0)
    alarms = sum(
        differences([{"map": rng.random(30)}], [{"map": rng.random(30)}])["map"].significant for _ in range(60)
    )
    assert alarms <= 9


def test_other_queries_are_refused():
    with pytest.raises(UsageError, match="same queries"):
        differences([normal(1, 4)], [normal(1, 5)])
