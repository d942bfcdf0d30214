"""Where two pictures look alike, on patches made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import UsageError
from samekind.pictures.views import View
from samekind.query.matching import match_of, matched, softened

DIM = 24


def planted(
    seed: int, asked_at: tuple[int, int], found_at: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two grids of 8 x 8 that share four cells of their own and differ elsewhere; a blank like nothing of them."""
    rng = np.random.default_rng(seed)
    asked, found = (rng.standard_normal(DIM) + 0.3 * rng.standard_normal((8, 8, DIM)) for _ in range(2))
    shared = 2 * rng.standard_normal((2, 2, DIM))
    for grid, (row, column) in ((asked, asked_at), (found, found_at)):
        grid[row : row + 2, column : column + 2] = shared
    return tuple(np.asarray(one, np.float32) for one in (asked, found, rng.standard_normal((4, 4, DIM))))  # type: ignore[return-value]


@given(st.integers(0, 50), *[st.tuples(st.integers(0, 6), st.integers(0, 6))] * 2)
def test_the_peaks_lie_in_what_is_shared(seed: int, asked_at: tuple[int, int], found_at: tuple[int, int]) -> None:
    hot, warm, pairs = matched(*planted(seed, asked_at, found_at))
    for heat, (row, column) in ((hot, asked_at), (warm, found_at)):
        assert heat.min() == 0
        assert heat.max() == 1
        assert divmod(int(heat.argmax()), 8) in {(row + n, column + m) for n in (0, 1) for m in (0, 1)}
    cell, other, strength = pairs[0]
    assert np.subtract(divmod(cell, 8), asked_at).tolist() == np.subtract(divmod(other, 8), found_at).tolist()
    assert 0.5 <= strength <= 1


@given(st.integers(0, 50))
def test_turning_the_question_around_turns_the_answer_around(seed: int) -> None:
    asked, found, blank = planted(seed, (1, 2), (5, 4))
    hot, warm, pairs = matched(asked, found, blank)
    warm_again, hot_again, back = matched(found, asked, blank)
    np.testing.assert_allclose(hot, hot_again, atol=1e-5)
    np.testing.assert_allclose(warm, warm_again, atol=1e-5)
    assert {pair[:2] for pair in pairs[:1]} == {(b, a) for a, b, _ in back[:1]}


def test_a_map_is_where_its_view_looks() -> None:
    grids = planted(0, (0, 0), (6, 6))
    match = match_of("net", View("crop", 80, 0.5), grids, ((100, 200), (100, 100)))
    assert match.asked.area.to_dict() == {"left": 0.25, "top": 0.375, "width": 0.5, "height": 0.25}
    assert all(0.25 < x < 0.75 and 0.375 < y < 0.625 for x, y in (pair.asked for pair in match.pairs))
    told = match.to_dict()
    assert np.array(told["hit"]["heat"]).shape == (8, 8)
    assert told["pairs"][0]["hit"][0] > 0.5


def test_softening_keeps_a_flat_map_and_the_sum_inside() -> None:
    np.testing.assert_allclose(softened(np.full((3, 4), 7, np.float32)), 7)
    point = np.zeros((5, 5), np.float32)
    point[2, 2] = 16
    assert softened(point)[2].tolist() == [0, 2, 4, 2, 0]


def test_patches_of_other_networks_are_refused() -> None:
    asked, found, blank = planted(0, (0, 0), (1, 1))
    with pytest.raises(UsageError, match="24, 24 and 20"):
        matched(asked, found, blank[..., :20])
