"""k-means and trees of kinds: what must hold whatever the vectors are, and that plain groups are found."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samekind.adapt.kinds import find_kinds, flat_labels, granularities, kinds_of, spherical_kmeans, steps, sums_of
from samekind.tuning import kmeans
from samekind.tuning.kmeans import nearest_centroid, shares


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_rows(n, d=8, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(n, d)))


def clumps(groups=9, each=12, d=32, seed=0, spread=0.05):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(groups), each)
    return unit(rng.normal(size=(groups, d))[labels] + spread * rng.normal(size=(len(labels), d))), labels


def same_partition(one, other):
    pairs = {(a, b) for a, b in zip(one.tolist(), other.tolist(), strict=True)}
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


@settings(max_examples=60)
@given(st.integers(1, 60), st.integers(1, 80), st.integers(0, 5))
def test_labels_cover_and_name_the_nearest_centroid(n, k, seed):
    vectors = random_rows(n, seed=seed)
    centroids, labels = spherical_kmeans(vectors, k, seed)
    assert centroids.shape == (min(k, n), 8)
    assert centroids.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-5)
    assert labels.shape == (n,)
    assert set(labels.tolist()) == set(range(min(k, n)))
    np.testing.assert_array_equal(labels, nearest_centroid(vectors, centroids)[0])


@settings(max_examples=20)
@given(st.integers(2, 60), st.integers(1, 20), st.integers(0, 5))
def test_the_same_seed_gives_the_same_bytes(n, k, seed):
    vectors = random_rows(n, seed=seed)
    one, other = spherical_kmeans(vectors, k, seed), spherical_kmeans(vectors.copy(), k, seed)
    assert [part.tobytes() for part in one] == [part.tobytes() for part in other]


def test_one_cluster_is_the_mean_direction_in_any_order():
    vectors = random_rows(50)
    centroids, labels = spherical_kmeans(vectors, 1, 3)
    assert not labels.any()
    np.testing.assert_allclose(centroids[0], unit(vectors.sum(axis=0)[None])[0], atol=1e-6)
    again, _ = spherical_kmeans(vectors[::-1].copy(), 1, 3)
    np.testing.assert_allclose(centroids, again, atol=1e-6)


def test_as_many_clusters_as_pictures():
    vectors = random_rows(40)
    _, labels = spherical_kmeans(vectors, 40, 0)
    assert sorted(labels.tolist()) == list(range(40))


def test_equal_vectors_are_one_cluster():
    vectors = np.tile(random_rows(1), (30, 1))
    centroids, labels = spherical_kmeans(vectors, 5, 0)
    assert centroids.shape == (5, 8)
    assert not labels.any()
    assert all(not one.any() for one in find_kinds(vectors, 0).assign(vectors))


def test_no_pictures_and_no_clusters():
    centroids, labels = spherical_kmeans(np.zeros((0, 8), np.float32), 3, 0)
    assert (centroids.shape, labels.shape) == ((0, 8), (0,))
    with pytest.raises(ValueError, match="at least 1"):
        spherical_kmeans(random_rows(3), 0, 0)


@settings(max_examples=20)
@given(st.permutations(range(108)), st.integers(0, 3))
def test_plain_groups_are_found_in_any_order(order, seed):
    vectors, truth = clumps(spread=0.001)
    _, labels = spherical_kmeans(vectors[list(order)], 9, seed)
    assert same_partition(labels, truth[list(order)])


def test_empty_clusters_are_seeded_anew():
    vectors, _ = clumps(groups=4)
    centroids = np.concatenate([vectors[:1], np.tile(-vectors[:1], (3, 1))])
    labels, cosines = nearest_centroid(vectors, centroids)
    for _ in range(10):
        centroids = kmeans._moved(vectors, labels, cosines, centroids)
        labels, cosines = nearest_centroid(vectors, centroids)
    assert len(set(labels.tolist())) == 4


def test_many_clusters_are_sought_in_two_levels(monkeypatch):
    monkeypatch.setattr(kmeans, "DIRECT_UP_TO", 20)
    vectors = random_rows(300)
    centroids, labels = spherical_kmeans(vectors, 100, 0)
    assert centroids.shape == (100, 8)
    assert set(labels.tolist()) == set(range(100))
    quality = np.einsum("nd,nd->n", vectors, centroids[labels]).mean()
    direct = (vectors @ centroids.T).max(axis=1).mean()
    assert quality > direct - 0.1


def test_scores_are_computed_in_blocks(monkeypatch):
    vectors = random_rows(500)
    whole = spherical_kmeans(vectors, 12, 0)[1]
    monkeypatch.setattr(kmeans, "_MOST_ROWS", 64)
    assert kmeans.row_blocks(500, 12)[0] == slice(0, 64)
    assert same_partition(whole, spherical_kmeans(vectors, 12, 0)[1])


@settings(max_examples=100)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=12), st.integers(0, 300))
def test_shares(sizes, total):
    given_ = shares(sizes, total)
    held = [size for size in sizes if size]
    assert sum(given_) == min(max(total, len(held)), sum(sizes))
    assert all(min(1, size) <= one <= size for one, size in zip(given_, sizes, strict=True))


@pytest.mark.parametrize(
    ("n", "found"),
    [(0, ()), (23, ()), (24, (8,)), (60, (8, 15)), (600, (8, 19, 75, 150)), (20_000, (156, 625, 2500, 5000))],
)
def test_granularities(n, found):
    assert granularities(n) == found


@given(st.integers(0, 10**6), st.lists(st.integers(1, 10_000), max_size=6))
def test_granularities_stay_apart(n, sizes):
    found = granularities(n, sizes)
    assert all(8 <= k <= n / 3 for k in found)
    assert all(finer >= 1.8 * coarser for coarser, finer in pairwise(found))


@settings(max_examples=20)
@given(st.integers(0, 200), st.integers(0, 3))
def test_kinds_nest(n, seed):
    vectors = random_rows(n, seed=seed) if n else np.zeros((0, 8), np.float32)
    kinds = find_kinds(vectors, seed, (64, 16, 4))
    assert len(kinds.levels) == len(granularities(n, (64, 16, 4)))
    if not kinds.levels:
        return
    labels = kinds.assign(vectors)
    for depth, (level, one) in enumerate(zip(kinds.levels, labels, strict=True)):
        assert set(one.tolist()) == set(range(len(level)))
        assert [steps(address) for address in level.addresses] == sorted(map(steps, level.addresses))
        if depth:
            np.testing.assert_array_equal(level.parents[one], labels[depth - 1])
            above = kinds.levels[depth - 1].addresses
            assert [address.rpartition("/")[0] for address in level.addresses] == [above[p] for p in level.parents]
    np.testing.assert_array_equal(np.array(kinds.labels(kinds.addresses(vectors))), np.array(labels))


def test_the_largest_kind_comes_first():
    vectors, _ = clumps(groups=10)
    vectors = np.concatenate([vectors, np.repeat(vectors[:1], 40, axis=0)])
    kinds = find_kinds(vectors, 0, (100, 5))
    sizes = np.bincount(kinds.assign(vectors)[0])
    assert sizes.tolist() == sorted(sizes.tolist(), reverse=True)


def test_a_tree_is_read_back_from_its_addresses():
    vectors, _ = clumps(groups=30, each=8)
    kinds = find_kinds(vectors, 0)
    again = kinds_of(sums_of(vectors, kinds.addresses(vectors)))
    assert [level.addresses for level in again.levels] == [level.addresses for level in kinds.levels]
    assert [level.parents.tolist() for level in again.levels] == [level.parents.tolist() for level in kinds.levels]
    assert again.addresses(vectors) == kinds.addresses(vectors)
    assert kinds_of({}).levels == ()


def test_flat_labels():
    vectors, truth = clumps(groups=16, each=6)
    labels = flat_labels(vectors, (12, 6), seed=1)
    assert [len(set(one.tolist())) for one in labels] == [8, 16]
    assert same_partition(labels[1], truth)
    assert flat_labels(vectors[:10]) == []


def test_twenty_thousand_pictures_take_seconds():
    vectors = random_rows(20_000, 64)
    since = time.process_time()
    spherical_kmeans(vectors, 156, 0, iterations=10)
    assert time.process_time() - since < 30
