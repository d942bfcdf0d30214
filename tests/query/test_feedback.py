from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.encoders.rows import Array, unit_rows
from samekind.errors import UsageError
from samekind.query.feedback import FURTHEST, MOST_CROWDING, refined

NONE = np.zeros((0, 3), np.float32)
X, Y, Z = np.eye(3, dtype=np.float32)


def drawn(seed: int, rows: int, dim: int = 6) -> Array:
    return unit_rows(np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32))


MARKS = (st.integers(0, 10_000), st.integers(0, 5), st.integers(0, 5))


def test_without_marks_the_query_comes_back_bit_for_bit() -> None:
    query = drawn(0, 1)[0]
    for none in (np.zeros((0, 6), np.float32), np.zeros(0, np.float32)):
        made = refined(query, none, none)
        assert made.vector.tobytes() == query.tobytes()
        assert made.crowding == 1
        assert made.asked.tolist() == [*query.tolist(), 1]
    assert refined(query, np.zeros((0, 6)), np.zeros((0, 6))).vector.tobytes() == query.tobytes()  # type: ignore[arg-type]


@pytest.mark.parametrize("times", [1, 3])
def test_who_likes_the_query_itself_asks_the_same(times: int) -> None:
    made = refined(X, np.stack([X] * times), NONE)
    np.testing.assert_allclose(made.vector, X, atol=1e-6)
    assert made.crowding == pytest.approx(1, abs=1e-6)


def test_one_liked_picture_counts_twice_the_query() -> None:
    np.testing.assert_allclose(
        refined(X, Y[None], NONE).vector, np.array([1, np.sqrt(3), 0]) / 2, atol=1e-6
    )  # held at sixty
    near = unit_rows((X + Y)[None])
    np.testing.assert_allclose(refined(X, near, NONE).vector, unit_rows((0.5 * X + near[0])[None])[0], atol=1e-6)


def test_what_is_disliked_alone_pushes_away() -> None:
    bad = unit_rows((X + Y)[None])
    made = refined(X, NONE, bad)
    assert made.vector @ bad[0] < X @ bad[0]
    assert made.crowding > 1
    np.testing.assert_allclose(made.vector, unit_rows((X - 0.6 * bad[0] * (X @ bad[0]))[None])[0], atol=1e-6)


@pytest.mark.parametrize("far", [Y, -X])
def test_what_is_far_away_anyway_does_not_push(far: Array) -> None:
    np.testing.assert_array_equal(refined(X, NONE, far[None]).vector, X)


def test_marks_that_contradict_each_other_count_neither_way() -> None:
    rows = drawn(1, 4)
    assert refined(rows[0], rows[1:], rows[1:]).vector.tobytes() == rows[0].tobytes()
    np.testing.assert_array_equal(
        refined(rows[0], rows[1:3], rows[2:]).vector, refined(rows[0], rows[1:2], rows[3:]).vector
    )


def test_who_dislikes_the_query_itself_still_asks_it() -> None:
    np.testing.assert_allclose(refined(X, NONE, X[None]).vector, X, atol=1e-6)


def test_likes_that_cancel_the_query_out_leave_it() -> None:
    np.testing.assert_array_equal(
        refined(X, np.array([[-0.25, np.sqrt(0.9375), 0], [-0.25, -np.sqrt(0.9375), 0]]), NONE).vector, X
    )


def test_straight_behind_the_query_is_no_direction_to_go() -> None:
    np.testing.assert_array_equal(refined(X, -X[None], NONE).vector, X)


@given(*MARKS)
def test_unit_length_finite_and_never_too_far(seed: int, likes: int, dislikes: int) -> None:
    query, *marked = drawn(seed, 1 + likes + dislikes)
    rows = np.array(marked, np.float32).reshape(-1, 6)
    made = refined(query, rows[:likes], rows[likes:])
    assert np.isfinite(made.asked).all()
    assert np.linalg.norm(made.vector) == pytest.approx(1, abs=1e-5)
    assert made.vector @ query >= FURTHEST - 1e-5
    assert 1 <= made.crowding <= MOST_CROWDING
    assert made.vector.dtype == made.asked.dtype == np.float32


@given(*MARKS, st.floats(0.1, 10))
def test_neither_order_nor_length_of_marks_matters(seed: int, likes: int, dislikes: int, scale: float) -> None:
    query, *marked = drawn(seed, 1 + likes + dislikes)
    rows = np.array(marked, np.float32).reshape(-1, 6)
    made = refined(query, rows[:likes], rows[likes:])
    again = refined(query, scale * rows[:likes][::-1], scale * rows[likes:][::-1])
    np.testing.assert_allclose(again.asked, made.asked, atol=1e-4)


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_marked_pictures_come_nearer_or_go_further(seed: int, count: int) -> None:
    """Of liked ones the mean, of a disliked one its own score."""
    query, *rows = drawn(seed, 1 + count)
    liked = np.array(rows, np.float32)
    none = np.zeros((0, 6), np.float32)
    assert (liked @ refined(query, liked, none).vector).mean() >= (liked @ query).mean() - 1e-5
    assert rows[0] @ refined(query, none, liked[:1]).vector <= max(rows[0] @ query, 0) + 1e-5


def test_kinds_with_two_looks_are_found_after_marks() -> None:
    """Twenty kinds in pairs that are hard to tell apart: more right ones among what nobody has marked."""
    rng = np.random.default_rng(0)
    pairs = np.repeat(rng.standard_normal((10, 32)), 2, 0)
    kinds = pairs + 0.8 * rng.standard_normal((20, 32))
    rows = unit_rows((np.repeat(kinds, 10, 0) + 1.2 * rng.standard_normal((200, 32))).astype(np.float32))
    label = np.arange(200) // 10
    before, after = [], []
    for own, query in enumerate(rows):
        order = np.argsort(-(rows @ query), kind="stable")
        order = order[order != own]
        marked, rest = order[:6], order[6:]
        right = label[marked] == label[own]
        vector = refined(query, rows[marked[right]], rows[marked[~right]]).vector
        again = rest[np.argsort(-(rows[rest] @ vector), kind="stable")]
        before.append((label[rest[:5]] == label[own]).mean())
        after.append((label[again[:5]] == label[own]).mean())
    assert np.mean(after) > np.mean(before) + 0.05


@pytest.mark.parametrize("bad", [np.zeros(3), np.ones((1, 3)), np.array([np.nan, 1, 0])])
def test_queries_that_are_none(bad: Any) -> None:
    with pytest.raises(UsageError, match="one row of finite numbers"):
        refined(bad, NONE, NONE)


@pytest.mark.parametrize("bad", [np.ones((1, 4)), np.ones(3), np.array([[np.inf, 1, 0]])])
def test_marks_that_do_not_fit(bad: Any) -> None:
    with pytest.raises(UsageError, match="of liked pictures must be rows of 3 finite numbers"):
        refined(X, bad, NONE)
    with pytest.raises(UsageError, match="of disliked pictures"):
        refined(X, NONE, bad)
