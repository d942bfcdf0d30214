"""Tuning on made-up collections: what must hold whatever the vectors are, and that it helps where it can."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samekind.encoders.base import Part
from samekind.encoders.rows import join_parts, split_parts, unit_rows
from samekind.errors import DamagedCollection
from samekind.tuning import Tuning, fit
from samekind.tuning.calibration import Calibration
from samekind.tuning.check import common_neighbours
from samekind.tuning.nuisance import fit_nuisance_map, nearest_rows
from samekind.tuning.space import HUB_WEIGHT, fit_space, space_of, without_maps

PARTS = (Part("one", 0, 24),)


def kinds(n_kinds=40, each=6, dim=24, nuisance=4, seed=0):
    """Pictures of ``n_kinds``: a kind's centre plus strong variation in a few directions common to all kinds."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_kinds, dim))
    directions = rng.normal(size=(nuisance, dim))
    labels = np.repeat(np.arange(n_kinds), each)

    def seen(strength):
        common = rng.normal(size=(len(labels), nuisance)) @ directions * strength
        return unit_rows((centres[labels] + common + 0.1 * rng.normal(size=(len(labels), dim))).astype(np.float32))

    vectors = seen(0.9)
    rows = np.arange(0, len(labels), 3)
    offsets = rng.normal(size=(len(rows), 2, nuisance)) @ directions * 0.5
    views = unit_rows((vectors[rows][:, None] * 3 + offsets).astype(np.float32))
    return vectors, views, rows, labels


def recall(scores, labels):
    scores = scores.copy()
    np.fill_diagonal(scores, -np.inf)
    return (labels[scores.argmax(axis=1)] == labels).mean()


def test_it_learns_the_directions_that_do_not_matter():
    vectors, views, rows, labels = kinds()
    tuning = fit(vectors, PARTS, views, rows)
    assert tuning.helps
    before = recall(vectors @ vectors.T, labels)
    after = recall(tuning.asked(vectors) @ tuning.stored(vectors).T, labels)
    assert after > before + 0.1


def test_new_kinds_gain_as_well():
    vectors, views, rows, labels = kinds()
    old = labels % 2 == 0
    position = np.cumsum(old) - 1
    seen = old[rows]
    tuning = fit(vectors[old], PARTS, views[seen], position[rows[seen]])
    new = vectors[~old]
    assert recall(tuning.asked(new) @ tuning.stored(new).T, labels[~old]) > recall(new @ new.T, labels[~old])


def test_vectors_without_structure_are_refused_or_unharmed():
    rng = np.random.default_rng(1)
    vectors = unit_rows(rng.normal(size=(300, 24)).astype(np.float32))
    rows = np.arange(0, 300, 3)
    views = unit_rows(vectors[rows][:, None] + 0.1 * rng.normal(size=(100, 2, 24)).astype(np.float32))
    tuning = fit(vectors, PARTS, views, rows)
    assert tuning.helps == (tuning.evidence["tuned"] >= tuning.evidence["plain"] - 0.003)


class Noise:
    """A map after which a picture and its views have hardly a neighbour in common."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def apply(self, vectors):
        return unit_rows(self.rng.normal(size=vectors.shape).astype(np.float32))


def ruined(vectors, parts, views, view_rows, references, *_):
    return space_of(parts, [Noise()], vectors[references])


def test_where_no_map_helps_hubs_alone_are_corrected(monkeypatch, tmp_path):
    monkeypatch.setattr("samekind.tuning.choosing.fit_space", ruined)
    vectors, _, rows, _ = kinds()
    views = np.repeat(vectors[rows][:, None], 2, axis=1)  # hubs or not, a view has the neighbours of its picture
    tuning = fit(vectors, PARTS, views, rows)
    assert tuning.helps
    assert tuning.groups == 0
    assert tuning.why.startswith("hubs corrected, no map")
    space = without_maps(vectors, PARTS, views, rows, np.arange(len(vectors)))
    expected = vectors @ vectors.T - HUB_WEIGHT * space.crowding(vectors)[None]
    assert np.allclose(tuning.asked(vectors) @ tuning.stored(vectors).T, expected, atol=1e-3)
    tuning.save(tmp_path / "t.safetensors")
    again = Tuning.load(tmp_path / "t.safetensors")
    assert again.to_dict() == tuning.to_dict()
    assert np.array_equal(again.stored(vectors), tuning.stored(vectors))


def test_where_nothing_helps_it_stays_plain(monkeypatch):
    monkeypatch.setattr("samekind.tuning.choosing.fit_space", ruined)
    monkeypatch.setattr("samekind.tuning.choosing.without_maps", ruined)
    vectors, views, rows, _ = kinds()
    assert not fit(vectors, PARTS, views, rows).helps


@pytest.mark.parametrize("n", [0, 1, 2, 49])
def test_small_collections_stay_plain(n):
    vectors, views, rows, _ = kinds()
    few = rows < n
    tuning = fit(vectors[:n], PARTS, views[few], rows[few])
    assert not tuning.helps
    assert "50" in tuning.why
    assert np.array_equal(tuning.stored(vectors[:n]), vectors[:n])


def test_without_views_there_is_no_check_and_no_tuning():
    vectors, views, rows, _ = kinds()
    assert not fit(vectors, PARTS, views[:0], rows[:0]).helps


def test_identical_pictures_give_finite_numbers():
    vectors = np.tile(unit_rows(np.ones((1, 24), np.float32)), (80, 1))
    rows = np.arange(0, 80, 2)
    tuning = fit(vectors, PARTS, np.repeat(vectors[rows][:, None], 2, axis=1), rows)
    scores = tuning.asked(vectors) @ tuning.stored(vectors).T
    assert np.isfinite(scores).all()
    assert np.isfinite(tuning.confidence(scores)).all()


def test_same_input_same_tuning():
    vectors, views, rows, _ = kinds()
    one, two = fit(vectors, PARTS, views, rows), fit(vectors, PARTS, views, rows)
    assert np.array_equal(one.stored(vectors), two.stored(vectors))
    assert one.to_dict() == two.to_dict()


def test_a_large_collection_is_fitted_on_a_sample(monkeypatch):
    monkeypatch.setattr("samekind.tuning.fitting.FIT_AT_MOST", 200)
    monkeypatch.setattr("samekind.tuning.fitting.REFERENCES", 50)
    monkeypatch.setattr("samekind.tuning.nuisance.QUERIES", 60)
    monkeypatch.setattr("samekind.tuning.check.HELD_AT_MOST", 40)
    vectors, views, rows, labels = kinds(n_kinds=60)
    tuning = fit(vectors, PARTS, views, rows)
    assert tuning.helps
    assert tuning.pictures == len(vectors)
    assert tuning.space is not None
    assert len(tuning.space.references) == 50
    assert recall(tuning.asked(vectors) @ tuning.stored(vectors).T, labels) > recall(vectors @ vectors.T, labels)


def test_a_score_is_the_cosine_less_the_crowding():
    vectors, views, rows, _ = kinds()
    space = fit_space(vectors, PARTS, views, rows, np.arange(len(vectors)), np.random.default_rng(0))
    mapped = space.apply(vectors)
    expected = mapped @ mapped.T - HUB_WEIGHT * space.crowding(mapped)[None]
    assert np.allclose(space.asked(vectors) @ space.stored(vectors).T, expected, atol=1e-5)


def test_crowding_against_a_naive_loop():
    vectors, views, rows, _ = kinds(n_kinds=10)
    space = fit_space(vectors, PARTS, views, rows, np.arange(len(vectors)), np.random.default_rng(0))
    mapped = space.apply(vectors)
    for row in range(0, len(mapped), 7):
        others = np.delete(mapped, row, axis=0) @ mapped[row]
        assert space.crowding(mapped)[row] == pytest.approx(np.sort(others)[-5:].mean(), abs=1e-4)


def test_parts_are_mapped_apart_and_keep_their_weights():
    vectors, views, rows, _ = kinds()
    parts = (Part("a", 0, 16, 1.0), Part("b", 16, 24, 0.5))
    space = fit_space(vectors, parts, views, rows, np.arange(len(vectors)), np.random.default_rng(0))
    pieces = split_parts(parts, vectors)
    assert np.allclose(
        join_parts(parts, pieces), join_parts(parts, split_parts(parts, join_parts(parts, pieces))), atol=1e-6
    )
    mapped = space.apply(vectors)
    ratio = np.linalg.norm(mapped[:, 16:], axis=1) / np.linalg.norm(mapped[:, :16], axis=1)
    assert np.allclose(ratio, 0.5, atol=1e-4)


@given(st.integers(5, 60), st.integers(2, 16), st.integers(1, 4), st.integers(0, 100))
@settings(max_examples=30)
def test_nearest_rows_against_sorting(n, dim, k, seed):
    vectors = unit_rows(np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32))
    asked = np.arange(0, n, 2)
    found = nearest_rows(vectors, asked, k)
    for row, neighbours in zip(asked, found, strict=True):
        scores = vectors @ vectors[row]
        scores[row] = -np.inf
        assert np.allclose(np.sort(scores[neighbours]), np.sort(scores)[-k:], atol=1e-6)


@given(st.integers(8, 80), st.integers(2, 12), st.integers(0, 1000))
@settings(max_examples=30)
def test_a_map_gives_unit_rows_for_anything(n, dim, seed):
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.normal(size=(n, dim)).astype(np.float32))
    views = unit_rows(rng.normal(size=(4, 2, dim)).astype(np.float32))
    mapped = fit_nuisance_map(vectors, views, np.arange(4), rng).apply(vectors)
    assert np.allclose(np.linalg.norm(mapped, axis=1), 1, atol=1e-4)


def test_a_view_equal_to_its_picture_has_all_neighbours_in_common():
    vectors, _, rows, _ = kinds()
    assert common_neighbours(vectors, vectors[rows], vectors[rows][:, None], rows).tolist() == [1.0] * len(rows)


def test_confidence_rises_from_chance_to_nearest():
    calibration = Calibration(chance=-0.2, nearest=0.6)
    low, middle, high = calibration.confidence(np.array([-0.2, 0.28, 0.6], np.float32))
    assert low < 0.01
    assert middle == pytest.approx(0.5, abs=1e-3)
    assert high > 0.99


def test_what_is_saved_is_what_is_loaded(tmp_path):
    vectors, views, rows, _ = kinds()
    tuning = fit(vectors, PARTS, views, rows)
    tuning.save(tmp_path / "t.safetensors")
    again = Tuning.load(tmp_path / "t.safetensors")
    assert np.allclose(again.stored(vectors), tuning.stored(vectors), atol=1e-3)
    assert again.to_dict() == tuning.to_dict()
    plain = fit(vectors[:10], PARTS, views[:0], rows[:0])
    plain.save(tmp_path / "p.safetensors")
    assert Tuning.load(tmp_path / "p.safetensors") == plain


def test_a_damaged_file_is_one_sentence(tmp_path):
    (tmp_path / "t.safetensors").write_bytes(b"not a tuning")
    with pytest.raises(DamagedCollection, match="samekind tune"):
        Tuning.load(tmp_path / "t.safetensors")
