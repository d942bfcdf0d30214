"""What a trained encoder leaves to the plain one: exactly the pictures that no landmark holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.adapt import saved
from samekind.encoders.adapted import AdaptedEncoder, assemble
from samekind.encoders.golden import check_golden, golden_numbers
from samekind.encoders.known import Known, Reach
from samekind.encoders.rows import Array, unit_rows
from samekind.errors import EncoderError
from tests.collection.mock import MockEncoder
from tests.encoders.test_grown import DIM, drawn_mix, drawn_rows

NOTHING, EVERYTHING = 2.0, -2.0
"""Cosines that no vector has, and all have."""


def reach(least: float, dim: int = DIM, seed: int = 0) -> Reach:
    rng = np.random.default_rng(seed)
    return Reach(np.full(dim, 0.1, np.float32), drawn_rows(rng, 5, dim), np.full(5, least, np.float32))


def known(clear: float, kinds: float) -> Known:
    return Known(reach(clear), reach(kinds, seed=1), MockEncoder)


def test_a_landmark_holds_what_is_alike_enough_less_the_mean() -> None:
    axes = np.eye(4, dtype=np.float32)
    one = Reach(axes[3], axes[:2], np.array([0.9, 0.1], np.float32))
    rows = np.array([axes[0] + axes[3], axes[0] + 0.5 * axes[1] + axes[3], axes[2] + axes[3]])
    assert one.holds(rows).tolist() == [True, True, False]
    assert one.holds(rows[:0]).shape == (0,)


@given(seed=st.integers(0, 2**32), count=st.integers(0, 40), clear=st.floats(-1, 1), kinds=st.floats(-1, 1))
def test_each_row_is_the_adapted_or_the_plain_one_to_the_bit(seed: int, count: int, clear: float, kinds: float) -> None:
    rng = np.random.default_rng(seed)
    adapted, plain = drawn_rows(rng, count, DIM), drawn_rows(rng, count, DIM)
    one, asked = known(clear, kinds), []

    def plain_of(rows: np.ndarray) -> Array:  # type: ignore[type-arg]
        asked.extend(rows.tolist())
        return plain[rows]

    left = one.left(adapted, plain_of)
    strange = ~one.clear.holds(adapted) & ~one.kinds.holds(plain)
    assert left.tobytes() == np.where(strange[:, None], plain, adapted).tobytes()
    assert asked == np.flatnonzero(~one.clear.holds(adapted)).tolist()


@pytest.fixture
def cards() -> list[np.ndarray]:  # type: ignore[type-arg]
    rng = np.random.default_rng(3)
    return [rng.integers(0, 255, (32, 32, 3), np.uint8) for _ in range(6)]


def written(folder: Path, one: Known | None) -> AdaptedEncoder:
    mixes = (drawn_mix(np.random.default_rng(0), DIM),)
    return saved.write(folder, MockEncoder(), mixes, {}, known=one)


@pytest.mark.parametrize(("clear", "kinds", "plain"), [(NOTHING, NOTHING, True), (NOTHING, EVERYTHING, False)])
def test_the_plain_vector_or_the_adapted_one(
    tmp_path: Path,
    cards: list[np.ndarray],  # type: ignore[type-arg]
    clear: float,
    kinds: float,
    plain: bool,
) -> None:
    made = written(tmp_path / "mine", known(clear, kinds))
    again = assemble(tmp_path / "mine", MockEncoder(), MockEncoder)
    batch = [again.prepare(card) for card in cards]
    alone = MockEncoder().encode([MockEncoder().prepare(card) for card in cards])
    wanted = alone if plain else again.adapt(alone)
    assert again.encode(batch).tobytes() == wanted.tobytes() == made.encode(batch).tobytes()


def test_the_plain_encoder_is_loaded_for_pictures_that_are_not_clear_alone(
    tmp_path: Path,
    cards: list[np.ndarray],  # type: ignore[type-arg]
) -> None:
    loaded = []

    def load() -> MockEncoder:
        loaded.append(1)
        return MockEncoder()

    for clear, wanted in ((EVERYTHING, 0), (NOTHING, 1)):
        written(tmp_path / f"{wanted}", known(clear, NOTHING))
        again = assemble(tmp_path / f"{wanted}", MockEncoder(), load)
        again.encode([again.prepare(card) for card in cards])
        assert len(loaded) == wanted


def test_the_test_card_asks_what_was_fitted_and_not_the_plain_encoder(tmp_path: Path) -> None:
    written(tmp_path / "mine", known(NOTHING, NOTHING))
    again = assemble(tmp_path / "mine", MockEncoder(), MockEncoder)
    assert check_golden(again).value == "agrees"
    assert golden_numbers(again) == golden_numbers(again.knowing_everything()) != golden_numbers(MockEncoder())


def test_what_is_known_is_of_the_fingerprint(tmp_path: Path) -> None:
    one, none = written(tmp_path / "one", known(0.5, 0.5)), written(tmp_path / "none", None)
    other = written(tmp_path / "other", known(0.5, 0.6))
    assert len({one.fingerprint, none.fingerprint, other.fingerprint}) == 3
    with pytest.raises(EncoderError, match="changed after it was written"):
        assemble(tmp_path / "one", MockEncoder())


def test_everything_is_known_where_nothing_is_said() -> None:
    rng = np.random.default_rng(0)
    bare = AdaptedEncoder("mine", MockEncoder(), (drawn_mix(rng, DIM),), "")
    strange = replace(bare, known=known(NOTHING, NOTHING))
    card = [bare.prepare(np.zeros((8, 8, 3), np.uint8))]
    assert not np.array_equal(bare.encode(card), strange.encode(card))
    np.testing.assert_array_equal(
        strange.adapt(unit_rows(np.ones((1, DIM), np.float32))), bare.adapt(unit_rows(np.ones((1, DIM), np.float32)))
    )
