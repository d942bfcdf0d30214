"""Words that follow adapted pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.encoders.base import TextVectors
from samekind.encoders.realigned import Realigned, agreement, realignment
from samekind.encoders.rows import unit_rows

RNG = np.random.default_rng(0)
PICTURES = unit_rows(RNG.normal(size=(400, 12)) + 1)
TEXTS = unit_rows(RNG.normal(size=(9, 12)))


def test_nothing_adapted_leaves_words_where_they_are() -> None:
    assert realignment(PICTURES, PICTURES, 0.3) == pytest.approx(np.eye(12), abs=1e-6)


@given(st.integers(0, 50))
def test_words_follow_any_turn_of_the_pictures(seed: int) -> None:
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(12, 12)))[0].astype(np.float32)
    turned = PICTURES @ turn
    asked = TEXTS @ realignment(PICTURES, turned, 1e-4)
    assert asked == pytest.approx(TEXTS @ turn, abs=0.03)
    assert agreement(TEXTS, PICTURES, asked, turned) > 0.95 > agreement(TEXTS, PICTURES, TEXTS, turned)


def test_pictures_may_get_longer_vectors() -> None:
    wider = unit_rows(PICTURES @ RNG.normal(size=(12, 20)))
    asked = TEXTS @ realignment(PICTURES, wider, 1e-4)
    assert asked.shape == (9, 20)
    assert agreement(TEXTS, PICTURES, asked, wider) > 0.8


def test_the_tower_gives_unit_rows_and_says_what_was_cut() -> None:
    class Tower:
        name, dim, fingerprint, limit = "base", 12, "0" * 16, 5

        def encode(self, texts: list[str]) -> TextVectors:
            return TextVectors(TEXTS[: len(texts)], tuple(texts[:1]))

    tower = Realigned(Tower(), 3 * np.eye(12, dtype=np.float32), "adapted")  # type: ignore[arg-type]
    found = tower.encode(["a", "b"])
    assert found.vectors == pytest.approx(TEXTS[:2], abs=1e-6)
    assert found.cut == ("a",)
    assert tower.encode([]).vectors.shape == (0, 12)
    assert tower.fingerprint != Realigned(Tower(), np.eye(12, dtype=np.float32), "adapted").fingerprint  # type: ignore[arg-type]
