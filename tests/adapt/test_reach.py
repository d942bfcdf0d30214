"""How far landmarks reach: over kinds that are near to known ones, not over other things."""

from __future__ import annotations

import numpy as np
import pytest

from samekind.adapt.reach import DOUBTED, known_of, reach_of_kinds, reach_of_pictures
from samekind.encoders.rows import Array, unit_rows
from tests.collection.mock import MockEncoder

DIM = 24


def kinds_of(seed: int, towards: int, kinds: int = 30, each: int = 8) -> Array:
    """Pictures of kinds around one direction: what kinds have in common, what each has, what each picture has."""
    rng = np.random.default_rng(seed)
    centres = np.eye(DIM)[towards] + 0.12 * rng.normal(size=(kinds, DIM))
    return unit_rows((np.repeat(centres, each, 0) + 0.04 * rng.normal(size=(kinds * each, DIM))).astype(np.float32))


@pytest.fixture
def shown() -> Array:
    return np.concatenate([kinds_of(0, 0), kinds_of(1, 1)])


def test_new_kinds_of_the_same_things_are_held_and_other_things_are_not(shown: Array) -> None:
    reach = reach_of_kinds(shown, 0)
    assert reach.holds(shown).mean() > 0.99
    assert reach.holds(np.concatenate([kinds_of(2, 0), kinds_of(3, 1)])).mean() > 0.8
    assert not reach.holds(np.concatenate([kinds_of(4, 2), kinds_of(5, 3)])).any()


def test_most_of_the_pictures_are_clear(shown: Array) -> None:
    reach = reach_of_pictures(shown, 0)
    assert abs((~reach.holds(shown)).mean() - DOUBTED) < 0.02
    assert not reach.holds(kinds_of(4, 2)).any()


def test_the_same_pictures_and_seed_give_the_same_bytes(shown: Array) -> None:
    one, other = (known_of(shown, shown[::-1].copy(), MockEncoder(), 3) for _ in range(2))
    for ours, theirs in ((one.clear, other.clear), (one.kinds, other.kinds)):
        for name in ("mean", "landmarks", "least"):
            assert getattr(ours, name).tobytes() == getattr(theirs, name).tobytes()
            assert getattr(ours, name).dtype == np.float32


@pytest.mark.parametrize("shape", ["one", "equal", "two"])
def test_hardly_any_pictures(shape: str) -> None:
    rows = {"one": kinds_of(0, 0)[:1], "equal": np.repeat(kinds_of(0, 0)[:1], 60, 0), "two": kinds_of(0, 0, 2, 1)}[
        shape
    ]
    known = known_of(rows, rows, MockEncoder(), 0)
    left = known.left(rows, lambda asked: rows[asked])
    assert np.isfinite(left).all()
    assert np.isfinite(known.kinds.least).all()
