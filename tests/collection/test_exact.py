from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from samekind.collection.exact import nearest, widen


@given(st.integers(0, 40), st.integers(1, 3), st.integers(1, 12), st.integers(1, 50), st.booleans(), st.integers(0, 9))
def test_blocks_find_what_sorting_finds(n: int, q: int, k: int, block: int, narrow: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-2, 3, (n, 3)).astype(np.float32)
    queries = rng.standard_normal((q, 3)).astype(np.float32)
    positions = np.flatnonzero(rng.random(n) < 0.5) if narrow else None
    rows, scores = nearest(matrix, queries, k, positions, block)
    among = np.arange(n) if positions is None else positions
    for query, found, values in zip(queries, rows, scores, strict=True):
        every = matrix[among] @ query
        assert np.allclose(values, np.sort(every)[::-1][:k])
        assert np.allclose(matrix[found] @ query, values)
        assert len(set(found)) == len(found) == min(k, len(among))
        assert set(found) <= set(among)


def test_equal_scores_come_in_the_order_of_rows() -> None:
    rows, _ = nearest(np.ones((9, 2), np.float32), np.ones((1, 2), np.float32), 9, block=4)
    assert rows[0].tolist() == list(range(9))


def test_every_finite_half_is_widened_exactly() -> None:
    half = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    half = np.tile(half[np.isfinite(half)], 2)
    out = np.empty(half.shape, np.float32)
    widen(half, out)
    assert out.tobytes() == half.astype(np.float32).tobytes()
