"""One map or a mix: what holds for both kinds of space, and which of them a collection gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samekind.encoders.base import Part
from samekind.encoders.experts import Experts
from samekind.encoders.rows import Array, join_parts, unit_rows
from samekind.tuning import Tuning, choosing, experts, fit, mixed
from samekind.tuning.calibration import Calibration
from samekind.tuning.check import Check
from samekind.tuning.mixed import ALIKE, alike, fit_mixed_space
from samekind.tuning.nuisance import NuisanceMap, Rows
from samekind.tuning.space import Space, fit_space
from tests.tuning.test_experts import DIM, a_collection, recall, two, union

__all__ = ["two"]

KINDS = {"one map": (fit_space, NuisanceMap), "a mix": (fit_mixed_space, Experts)}
WHOLE = (Part("one", 0, DIM),)
TWICE = (Part("a", 0, DIM, 1.0), Part("b", DIM, 2 * DIM, 0.5))
HALVES = (Part("a", 0, 20, 1.0), Part("b", 20, DIM, 0.5))

Pictures = tuple[Array, Array, Rows, Rows]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[WHOLE, HALVES], ids=["one part", "two parts"])
def parts(request: pytest.FixtureRequest) -> tuple[Part, ...]:
    return tuple(request.param)


def space_of(kind: str, parts: tuple[Part, ...], pictures: Pictures) -> Space:
    vectors, views, rows, _ = pictures
    return KINDS[kind][0](vectors, parts, views, rows, np.arange(0, len(vectors), 4), np.random.default_rng(0))


def tuning_of(space: Space) -> Tuning:
    calibration = Calibration(0.1, 0.7)
    return Tuning(space, calibration, calibration, True, "for the test", 800, 3, {"one": 0.9, "mix": 0.95})


def test_what_is_saved_is_what_is_loaded(
    kind: str, parts: tuple[Part, ...], two: list[Pictures], tmp_path: Path
) -> None:
    vectors = union(two)[0]
    tuning = tuning_of(space_of(kind, parts, union(two)))
    tuning.save(tmp_path / "t.safetensors")
    again = Tuning.load(tmp_path / "t.safetensors")
    assert again.to_dict() == tuning.to_dict()
    assert again.groups == tuning.groups == (1 if kind == "one map" else 2)
    assert again.space is not None
    assert all(isinstance(one, KINDS[kind][1]) for one in again.space.maps)
    assert again.stored(vectors).tobytes() == tuning.stored(vectors).tobytes()
    assert again.asked(vectors).tobytes() == tuning.asked(vectors).tobytes()


def test_same_seed_same_bytes(kind: str, parts: tuple[Part, ...], two: list[Pictures], tmp_path: Path) -> None:
    for name in ("one", "other"):
        tuning_of(space_of(kind, parts, union(two))).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


@given(n=st.integers(1, 30), seed=st.integers(0, 1000), kind=st.sampled_from(list(KINDS)))
@settings(max_examples=30)
def test_any_new_picture_gets_a_unit_row_and_one_number(n: int, seed: int, kind: str) -> None:
    space = fitted_once(kind)
    vectors = unit_rows(np.random.default_rng(seed).normal(size=(n, DIM)).astype(np.float32))
    stored = space.stored(vectors)
    assert stored.shape == space.asked(vectors).shape == (n, DIM + 1)
    np.testing.assert_allclose(np.linalg.norm(stored[:, :-1], axis=1), 1, atol=1e-4)
    assert np.isfinite(stored).all()
    np.testing.assert_allclose(stored[: n // 2], space.stored(vectors[: n // 2]), atol=1e-5)  # each by itself


_fitted: dict[str, Space] = {}


def fitted_once(kind: str) -> Space:
    if kind not in _fitted:
        _fitted[kind] = space_of(kind, HALVES, a_collection(0, range(6)))
    return _fitted[kind]


def test_groups_with_nuisances_of_their_own_are_told_from_groups_with_one(two: list[Pictures]) -> None:
    one_kind = a_collection(0, range(6), kinds=80)[0]
    assert alike(union(two)[0], WHOLE, 0) < 0.4
    assert alike(one_kind, WHOLE, 0) > 0.8
    assert alike(one_kind[: mixed.FEWEST - 1], WHOLE, 0) == 1


@pytest.mark.parametrize("parts", [WHOLE, TWICE], ids=["one part", "two parts"])
def test_a_mixed_collection_is_tuned_by_a_mix_and_gains(parts: tuple[Part, ...], two: list[Pictures]) -> None:
    vectors, views, rows, labels = union(two)
    vectors, views = (join_parts(parts, [one] * len(parts)) for one in (vectors, views))
    tuning = fit(vectors, parts, views, rows)
    assert tuning.groups == 2
    assert tuning.why.startswith("a mix of maps, since groups of pictures differ")
    assert tuning.evidence["alike"] < ALIKE
    one = space_of("one map", parts, (vectors, views, rows, labels))
    assert tuning.space is not None
    assert recall(tuning.space.apply(vectors), labels) > recall(one.apply(vectors), labels) + 0.05
    again = fit(vectors, parts, views, rows)
    assert again.stored(vectors).tobytes() == tuning.stored(vectors).tobytes()
    assert again.to_dict() == tuning.to_dict()


def test_a_uniform_collection_keeps_its_one_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(choosing, "fit_mixed_space")  # not even tried: it would cost as much again
    vectors, views, rows, _ = a_collection(0, range(6), kinds=80)
    tuning = fit(vectors, WHOLE, views, rows)
    assert tuning.groups == 1
    assert tuning.why.startswith("one map, since its groups of pictures differ little")
    assert "mix" not in tuning.evidence


def test_few_pictures_have_one_map(two: list[Pictures]) -> None:
    vectors, views, rows, _ = union(two)
    kept = np.arange(200, 600)
    seen = np.isin(rows, kept)
    tuning = fit(vectors[kept], WHOLE, views[seen], rows[seen] - 200)
    assert tuning.groups == 1
    assert tuning.why.startswith("one map: ")
    assert "alike" not in tuning.evidence


def test_a_mix_that_keeps_fewer_neighbours_is_not_taken(two: list[Pictures], monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(*pictures: object) -> Space:
        space = fit_mixed_space(*pictures)  # type: ignore[arg-type]
        (mix,) = space.maps
        assert isinstance(mix, Experts)
        return replace(space, maps=(replace(mix, matrices=np.linalg.inv(mix.matrices)),))  # nuisance counts more

    monkeypatch.setattr(choosing, "fit_mixed_space", spoilt)
    vectors, views, rows, _ = union(two)
    tuning = fit(vectors, WHOLE, views, rows)
    assert tuning.groups == 1
    assert tuning.why.startswith("one map, since a mix of several keeps fewer (")
    assert tuning.evidence["mix"] < tuning.evidence["one"] == tuning.evidence["tuned"]


def test_where_neither_helps_all_stays_as_it_was(two: list[Pictures], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Check, "passed", False)
    vectors, views, rows, _ = union(two)
    tuning = fit(vectors, WHOLE, views, rows)
    assert (tuning.helps, tuning.groups) == (False, 0)
    assert tuning.stored(vectors) is vectors


def test_the_mix_of_many_pictures_is_fitted_on_a_sample(two: list[Pictures], monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, views, rows, labels = union(two)
    sizes = []

    def counted(piece: Array, *more: object) -> Experts:
        sizes.append(len(piece))
        return experts.fit_experts(piece, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(mixed, "fit_experts", counted)
    monkeypatch.setattr(mixed, "FIT_AT_MOST", 620)
    monkeypatch.setattr("samekind.tuning.check.HELD_AT_MOST", 150)
    tuning = fit(vectors, WHOLE, views, rows)
    assert tuning.groups == 2
    assert set(sizes) == {620}
    assert len(sizes) == 2  # one fold, and the fit itself
    assert tuning.space is not None
    assert recall(tuning.space.apply(vectors), labels) > recall(vectors, labels) + 0.1


def test_identical_pictures_are_no_mixed_collection() -> None:
    vectors = np.tile(unit_rows(np.ones((1, DIM), np.float32)), (700, 1))
    rows = np.arange(0, 700, 3)
    tuning = fit(vectors, WHOLE, np.repeat(vectors[rows][:, None], 2, axis=1), rows)
    assert np.isfinite(tuning.asked(vectors) @ tuning.stored(vectors).T).all()


def test_a_check_is_worse_only_by_more_than_two_errors() -> None:
    kept = np.random.default_rng(0).random(400).astype(np.float32)
    noise = np.random.default_rng(1).normal(size=400).astype(np.float32) * 0.1

    def check(values: Array) -> Check:
        return Check(0.5, float(values.mean()), 0.0, len(values), kept, values)

    noise -= noise.mean()
    assert check(kept).worse_than(check(kept + noise + 0.011))
    assert not check(kept).worse_than(check(kept + noise + 0.009))
    assert not check(kept + noise + 0.011).worse_than(check(kept))
    assert not check(kept).worse_than(check(kept))
