"""Fitting a mix of experts to artificial collections, each with a nuisance of its own."""

from __future__ import annotations

import numpy as np
import pytest

from samekind.encoders.rows import Array, unit_rows
from samekind.tuning import experts
from samekind.tuning.experts import fit_experts
from samekind.tuning.nuisance import Rows, fit_nuisance_map

DIM, EACH = 32, 10


def a_collection(seed: int, nuisance: range, kinds: int = 40) -> tuple[Array, Array, Rows, Rows]:
    """Vectors, views, view rows and labels; kinds differ where the other collection has its nuisance."""
    rng = np.random.default_rng(seed)
    directions = np.eye(DIM)[list(nuisance)]
    centre = 2 * np.eye(DIM)[DIM - 1 - seed]
    labels = np.repeat(np.arange(kinds), EACH)
    centres = rng.normal(size=(kinds, DIM)) * 0.16
    centres[:, list(nuisance)] *= 0.1

    def shaken(count: int) -> Array:
        return rng.normal(size=(count, len(nuisance))) @ directions * 0.8

    pictures = centre + centres[labels] + shaken(len(labels)) + 0.05 * rng.normal(size=(len(labels), DIM))
    rows = np.arange(0, len(labels), 3)
    views = pictures[rows][:, None] + 0.4 * np.stack([shaken(len(rows)), shaken(len(rows))], axis=1)
    return unit_rows(pictures.astype(np.float32)), unit_rows(views.astype(np.float32)), rows, labels


@pytest.fixture(scope="module")
def two() -> list[tuple[Array, Array, Rows, Rows]]:
    return [a_collection(0, range(6)), a_collection(1, range(6, 12))]


def union(two: list[tuple[Array, Array, Rows, Rows]]) -> tuple[Array, Array, Rows, Rows]:
    (one, one_views, one_rows, one_labels), (other, other_views, other_rows, other_labels) = two
    return (
        np.concatenate([one, other]),
        np.concatenate([one_views, other_views]),
        np.concatenate([one_rows, other_rows + len(one)]),
        np.concatenate([one_labels, other_labels + 1000]),
    )


def recall(vectors: Array, labels: Rows) -> float:
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    return float((labels[scores.argmax(axis=1)] == labels).mean())


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_it_beats_one_map_and_comes_near_each_collections_own(two: list[tuple[Array, Array, Rows, Rows]]) -> None:
    vectors, views, rows, labels = union(two)
    plain = recall(vectors, labels)
    one_map = recall(fit_nuisance_map(vectors, views, rows, rng()).apply(vectors), labels)
    mix = recall(fit_experts(vectors, views, rows, rng()).apply(vectors), labels)
    own = np.mean([recall(fit_nuisance_map(*each[:3], rng()).apply(each[0]), each[3]) for each in two])
    assert plain < one_map < own
    assert mix > one_map + (own - one_map) / 2
    assert mix > own - 0.05


def test_groups_follow_the_collections_though_nothing_says_which_is_which(
    two: list[tuple[Array, Array, Rows, Rows]],
) -> None:
    vectors, views, rows, labels = union(two)
    mix = fit_experts(vectors, views, rows, rng())
    first = mix.levels[0]
    group = mix.attention(vectors)[:, :first].argmax(axis=1)
    for each in range(first):
        share = (labels[group == each] < 1000).mean()
        assert min(share, 1 - share) < 0.05


def test_the_order_of_pictures_does_not_decide(two: list[tuple[Array, Array, Rows, Rows]]) -> None:
    vectors, views, rows, labels = union(two)
    order = np.random.default_rng(4).permutation(len(vectors))
    place = np.argsort(order)
    found = fit_experts(vectors[order], views, place[rows], rng()).apply(vectors)
    assert recall(found, labels) == pytest.approx(
        recall(fit_experts(vectors, views, rows, rng()).apply(vectors), labels), abs=0.04
    )


def test_few_pictures_give_one_group() -> None:
    vectors, views, rows, _ = a_collection(0, range(6))
    few = vectors[:50], views[rows < 50], rows[rows < 50]
    mix = fit_experts(*few, rng())
    assert mix.levels == (1,)
    assert mix.matrices.shape == (1, DIM, DIM)
    np.testing.assert_allclose(mix.means[0], vectors[:50].mean(axis=0), atol=1e-5)
    assert np.isfinite(mix.apply(vectors)).all()


def test_fewer_pictures_than_numbers_are_whitened_gently() -> None:
    """As by the nuisance map of the same pictures."""
    vectors, views, rows, _ = a_collection(0, range(6))
    few = vectors[:20], views[rows < 20], rows[rows < 20]
    one_map, mix = fit_nuisance_map(*few, rng()), fit_experts(*few, rng())
    assert np.linalg.cond(mix.matrices[0]) == pytest.approx(np.linalg.cond(one_map.matrix), rel=0.1)
    assert np.einsum("nd,nd->n", mix.apply(vectors), one_map.apply(vectors)).mean() > 0.97


def test_without_views_neighbours_decide(two: list[tuple[Array, Array, Rows, Rows]]) -> None:
    vectors, views, rows, labels = union(two)
    mix = fit_experts(vectors, views[:0], rows[:0], rng())
    assert recall(mix.apply(vectors), labels) > recall(vectors, labels)


def test_granularities_and_their_least_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experts, "PICTURES_A_GROUP", 50)
    vectors, views, rows, _ = a_collection(0, range(6))
    mix = fit_experts(vectors, views, rows, rng())
    assert len(mix.levels) == 2
    assert 1 < mix.levels[1] < mix.levels[0] <= 8
    assert len(mix.centroids) == len(mix.means) == len(mix.matrices) == sum(mix.levels)
    sizes = np.einsum("gde,gde->g", mix.matrices, mix.matrices) / DIM
    np.testing.assert_allclose(sizes, 1, atol=1e-4)
    np.testing.assert_allclose(mix.matrices, mix.matrices.transpose(0, 2, 1), atol=1e-4)


def test_identical_pictures_stay_finite() -> None:
    vectors = np.tile(unit_rows(np.ones((1, DIM), np.float32)), (700, 1))
    rows = np.arange(0, 700, 3)
    mix = fit_experts(vectors, np.repeat(vectors[rows][:, None], 2, axis=1), rows, rng())
    assert np.isfinite(mix.matrices).all()
    assert np.isfinite(mix.apply(vectors)).all()


def test_same_seed_same_bytes(two: list[tuple[Array, Array, Rows, Rows]]) -> None:
    vectors, views, rows, _ = union(two)
    one, other = (fit_experts(vectors, views, rows, rng()) for _ in range(2))
    for name in ("mean", "frame", "centroids", "means", "matrices"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
