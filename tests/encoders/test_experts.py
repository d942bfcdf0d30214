"""The mix of linear experts as a function: what must hold for any numbers in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samekind.encoders import experts as experts_module
from samekind.encoders.experts import Experts
from samekind.encoders.rows import Array, unit_rows

DIM = 8


def a_mix(levels: tuple[int, ...] = (4, 2), seed: int = 0) -> Experts:
    rng = np.random.default_rng(seed)
    groups = sum(levels)

    def drawn(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    return Experts(
        levels,
        0.1 * drawn(DIM),
        drawn(DIM, DIM),
        unit_rows(drawn(groups, DIM)),
        0.1 * drawn(groups, DIM),
        drawn(groups, DIM, DIM),
    )


@pytest.fixture
def rows() -> Array:
    return unit_rows(np.random.default_rng(9).normal(size=(30, DIM)).astype(np.float32))


def test_one_group_is_a_plain_map(rows: Array) -> None:
    mix = a_mix((1,))
    expected = unit_rows(unit_rows(rows - mix.means[0]) @ mix.matrices[0])
    np.testing.assert_allclose(mix.apply(rows), expected, atol=1e-5)


def test_equal_experts_are_one(rows: Array) -> None:
    mix = a_mix()
    same = replace(mix, means=mix.means[[0] * 6], matrices=mix.matrices[[0] * 6])
    expected = unit_rows(unit_rows(rows - mix.means[0]) @ mix.matrices[0])
    np.testing.assert_allclose(same.apply(rows), expected, atol=1e-5)


@pytest.mark.parametrize("levels", [(1,), (4,), (4, 2), (5, 1)])
def test_attention_has_the_same_sum_in_each_level(rows: Array, levels: tuple[int, ...]) -> None:
    attention = a_mix(levels).attention(rows)
    assert attention.shape == (30, sum(levels))
    assert attention.min() >= 0
    for part in np.split(attention, np.cumsum(levels)[:-1], axis=1):
        np.testing.assert_allclose(part.sum(axis=1), 1 / len(levels), atol=1e-5)


def test_a_picture_attends_to_the_group_that_it_lies_in() -> None:
    mix = replace(a_mix((4,)), mean=np.zeros(DIM, np.float32), frame=np.eye(DIM, dtype=np.float32))
    assert mix.attention(mix.centroids).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_a_high_temperature_makes_attention_uniform(rows: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experts_module, "TEMPERATURE", 1e6)
    expected = np.tile([1 / 8] * 4 + [1 / 4] * 2, (30, 1))
    np.testing.assert_allclose(a_mix((4, 2)).attention(rows), expected, atol=1e-5)


def test_the_order_of_groups_changes_nothing(rows: Array) -> None:
    mix = a_mix((4, 2))
    order = [2, 0, 3, 1, 5, 4]
    other = replace(mix, centroids=mix.centroids[order], means=mix.means[order], matrices=mix.matrices[order])
    np.testing.assert_allclose(other.apply(rows), mix.apply(rows), atol=1e-5)
    np.testing.assert_allclose(other.attention(rows), mix.attention(rows)[:, order], atol=1e-6)


def test_the_size_of_all_matrices_changes_nothing(rows: Array) -> None:
    mix = a_mix()
    for factor in (1e-3, 1e3):
        larger = replace(mix, matrices=mix.matrices * np.float32(factor))
        np.testing.assert_allclose(larger.apply(rows), mix.apply(rows), atol=1e-5)


def test_the_size_of_the_frame_changes_nothing(rows: Array) -> None:
    mix = a_mix()
    larger = replace(mix, frame=mix.frame * np.float32(50))
    np.testing.assert_allclose(larger.apply(rows), mix.apply(rows), atol=1e-5)


def test_rows_are_unit_float32_and_each_for_itself(rows: Array) -> None:
    mix = a_mix()
    mapped = mix.apply(rows)
    assert mapped.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(mapped, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.vstack([mix.apply(row[None]) for row in rows]), mapped, atol=1e-5)
    assert mix.apply(rows[:0]).shape == (0, DIM)


def test_a_picture_on_a_mean_stays_finite() -> None:
    mix = a_mix((1,))
    assert np.isfinite(mix.apply(mix.means)).all()
    assert np.isfinite(mix.apply(mix.mean[None])).all()
