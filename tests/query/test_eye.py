import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.encoders.rows import Array, unit_rows
from samekind.query.eye import MARGIN, Marked, seen
from samekind.query.feedback import FURTHEST

X, Y, Z = np.eye(3, dtype=np.float32)
NONE = np.zeros((0, 3), np.float32)
FAR = np.stack([-X, -Y])


def drawn(seed: int, rows: int, dim: int = 6) -> Array:
    return unit_rows(np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32))


def near(vector: Array, other: Array, cosine: float) -> Array:
    """In the plane of two that are at right angles."""
    return (cosine * vector + np.sqrt(1 - cosine**2) * other).astype(np.float32)


@given(st.integers(0, 10_000))
def test_without_marks_the_query_comes_back_bit_for_bit(seed: int) -> None:
    query, *live = drawn(seed, 4)
    assert seen(query, [], np.stack(live)).tobytes() == query.tobytes()


def test_a_query_far_from_the_marks_stays_bit_for_bit() -> None:
    marked = [Marked(np.stack([Y, near(Y, Z, 0.8)]), NONE)]
    live = np.stack([near(X, -Z, 0.7)] * 3)
    assert seen(X, marked, live).tobytes() == X.tobytes()
    assert seen(near(X, Y, 0.6), marked, live) @ Y > near(X, Y, 0.6) @ Y


def test_a_query_near_the_marks_goes_to_the_middle_of_what_was_liked() -> None:
    looks = np.stack([near(X, Y, 0.9), near(X, Z, 0.9)])
    middle = unit_rows(looks.sum(axis=0)[None])[0]
    made = seen(X, [Marked(looks, NONE)], FAR)
    np.testing.assert_allclose(made, unit_rows((X + (X @ middle) * middle)[None])[0], atol=1e-6)


def test_live_hits_and_disliked_pictures_compete() -> None:
    """The third best hit counts, the query itself does not; each takes the say away once it is nearer by MARGIN."""
    looks = near(X, Y, 0.8)[None]
    free = seen(X, [Marked(looks, NONE)], FAR)
    close = near(X, Z, 0.8 + MARGIN + 0.02)
    assert seen(X, [Marked(looks, NONE)], np.stack([X, close, close])).tobytes() == X.tobytes()
    assert seen(X, [Marked(looks, NONE)], np.stack([X, close, close, -Y])).tobytes() == free.tobytes()
    assert seen(X, [Marked(looks, close[None])], FAR).tobytes() == X.tobytes()
    half = seen(X, [Marked(looks, near(X, Z, 0.8)[None])], FAR)
    assert X @ Y < half @ Y < free @ Y


def test_what_lies_behind_the_query_does_not_turn_it() -> None:
    assert seen(X, [Marked(-X[None], NONE)], NONE).tobytes() == X.tobytes()


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(0, 3), st.integers(0, 5))
def test_unit_length_never_too_far_and_always_the_same(seed: int, searches: int, dislikes: int, hits: int) -> None:
    query, *rows = drawn(seed, 1 + searches * (2 + dislikes) + hits)
    stack = np.array(rows, np.float32).reshape(-1, 6)
    live, stack = stack[:hits], stack[hits:]
    marked = [Marked(one[:2], one[2:]) for one in stack.reshape(searches, 2 + dislikes, 6)]
    made = seen(query, marked, live)
    assert made.dtype == np.float32
    assert np.linalg.norm(made) == pytest.approx(1, abs=1e-5)
    assert made @ query >= FURTHEST - 1e-5
    assert made.tobytes() == seen(query, marked, live).tobytes()
    np.testing.assert_allclose(seen(query, marked[::-1], live[::-1]), made, atol=1e-5)


def test_many_searches_of_one_kind_are_held_at_sixty_degrees() -> None:
    looks = near(X, Y, 0.3)[None]
    made = seen(X, [Marked(looks, NONE)] * 50, FAR)
    assert made @ X == pytest.approx(FURTHEST, abs=1e-5)
