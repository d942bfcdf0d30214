"""A linear map from one encoder's vectors to another's, and how well it stands in."""

from __future__ import annotations

import numpy as np
import pytest

from samekind.tuning.compatible import compatible_map


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def old() -> np.ndarray:
    return unit(np.random.default_rng(3).standard_normal((300, 24)))


def test_a_turned_space_is_wholly_compatible(old: np.ndarray) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(4).standard_normal((24, 24)))
    result = compatible_map(old, unit(old @ turn))
    assert result.found == 1.0
    assert result.matrix.shape == (24, 24)
    assert result.matrix.dtype == np.float32


def test_unrelated_vectors_are_not(old: np.ndarray) -> None:
    result = compatible_map(old, unit(np.random.default_rng(5).standard_normal((300, 40))))
    assert result.found < 0.03
    assert result.matrix.shape == (24, 40)


def test_half_of_the_numbers_are_something_in_between(old: np.ndarray) -> None:
    assert 0.03 < compatible_map(unit(old[:, :6]), old).found < 0.9


def test_copies_count_as_found(old: np.ndarray) -> None:
    twice = np.concatenate([old, old])
    assert compatible_map(twice, twice).found == 1.0


def test_too_few(old: np.ndarray) -> None:
    with pytest.raises(ValueError, match="49 pictures are too few"):
        compatible_map(old[:49], old[:49])
