"""Recipes: parts side by side at their weights, fingerprints that tell recipes apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.encoders.recipe import RecipeEncoder, Trunk, fingerprint, unit_rows
from samekind.errors import EncoderError
from samekind.pictures.views import View

ONE = Trunk("one", "a" * 64, View("squash", 8), "own", 6)
OTHER = Trunk("other", "b" * 64, View("crop", 10, 0.5), "own", 4, weight=0.7)


def network(dim: int) -> object:
    turn = np.random.default_rng(dim).standard_normal((3, dim)).astype(np.float32)
    return lambda pictures: pictures.mean(axis=(1, 2)).astype(np.float32) @ turn


def encoder(*trunks: Trunk) -> RecipeEncoder:
    return RecipeEncoder("made", trunks, [network(trunk.dim) for trunk in trunks])


def picture(seed: int = 0, height: int = 30, width: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_parts_cover_the_vector_at_their_weights() -> None:
    made = encoder(ONE, OTHER)
    assert [(part.name, part.start, part.stop, part.weight) for part in made.parts] == [
        ("one", 0, 6, 1.0),
        ("other", 6, 10, 0.7),
    ]
    row = made.encode([made.prepare(picture())])[0]
    assert np.linalg.norm(row[:6]) == pytest.approx(1 / np.hypot(1, 0.7), abs=1e-6)
    assert np.linalg.norm(row[6:]) == pytest.approx(0.7 / np.hypot(1, 0.7), abs=1e-6)
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-6)


def test_each_network_gets_its_view_and_equal_views_are_made_once() -> None:
    prepared = encoder(ONE, OTHER, replace(ONE, name="again")).prepare(picture())
    assert [one.shape for one in prepared] == [(8, 8, 3), (10, 10, 3), (8, 8, 3)]
    assert prepared[0] is prepared[2]


def test_input_side_reaches_beyond_the_crop() -> None:
    assert encoder(ONE).input_side == 8
    assert encoder(ONE, OTHER).input_side == 20


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, digest="c" * 64),
        replace(ONE, view=View("squash", 9)),
        replace(ONE, view=View("pad", 8)),
        replace(ONE, view=replace(ONE.view, resample="bilinear")),
        replace(ONE, pooling="mean"),
        replace(ONE, weight=0.5),
    ],
    ids=["weights", "side", "fit", "filter", "pooling", "weight"],
)
def test_the_fingerprint_sees_what_decides_about_vectors(other: Trunk) -> None:
    assert fingerprint([ONE]) != fingerprint([other])


def test_the_fingerprint_is_the_same_everywhere() -> None:
    assert fingerprint([ONE, OTHER]) == "a3d91798a7f56375"
    assert fingerprint([ONE]) == fingerprint([replace(ONE, name="renamed", golden=(1.0,))])
    assert fingerprint([ONE, OTHER]) != fingerprint([OTHER, ONE])


@pytest.mark.parametrize(
    "wrong", [np.zeros((3, 3)), np.zeros((3, 3, 4), np.uint8), np.zeros((3, 3, 3)), np.zeros((0, 3, 3), np.uint8)]
)
def test_other_arrays_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(EncoderError, match="must be a"):
        encoder(ONE).prepare(wrong)


def test_empty_batch() -> None:
    rows = encoder(ONE, OTHER).encode([])
    assert rows.shape == (0, 10)
    assert rows.dtype == np.float32


@given(st.integers(1, 6), st.integers(1, 40), st.floats(1e-3, 1e3))
def test_rows_become_unit_rows(count: int, dim: int, scale: float) -> None:
    rows = np.random.default_rng(count * dim).standard_normal((count, dim)).astype(np.float32) * np.float32(scale)
    found = unit_rows(rows)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert found.dtype == np.float32


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_is_an_error(value: float) -> None:
    with pytest.raises(EncoderError, match="zero or not finite"):
        unit_rows(np.full((1, 4), value, np.float32))
