"""Which pictures are new: the router's landmarks, its offset, and the pictures that it must leave alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from samekind.adapt import router
from samekind.adapt.router import MOST_LANDMARKS, OFFSET, SLACK, landmarks, leads_of, routed
from samekind.encoders.rows import Array, unit_rows


def cloud(seed: int, count: int, towards: int, spread: float = 0.2, dim: int = 12) -> Array:
    rng = np.random.default_rng(seed)
    return unit_rows((np.eye(dim)[towards] + spread * rng.normal(size=(count, dim))).astype(np.float32))


def test_landmarks_are_one_for_eight_pictures_and_neither_few_nor_many() -> None:
    assert landmarks(cloud(0, 3, 0), 0).shape == (3, 12)
    assert landmarks(cloud(0, 80, 0), 0).shape == (64, 12)
    assert landmarks(cloud(0, 800, 0), 0).shape == (100, 12)
    many = landmarks(cloud(0, 20_000, 0), 0)
    assert many.shape == (MOST_LANDMARKS, 12)
    np.testing.assert_allclose(np.linalg.norm(many, axis=1), 1, atol=1e-5)
    assert many.tobytes() == landmarks(cloud(0, 20_000, 0), 0).tobytes()


def test_sides_that_are_apart_are_told_apart() -> None:
    old, new = cloud(0, 200, 0), cloud(1, 200, 1)
    branch = routed(landmarks(old, 0), new, np.zeros((0, 12), np.float32), 0)
    assert not branch.is_new(cloud(3, 500, 0)).any()
    assert branch.is_new(cloud(4, 500, 1)).mean() > 0.97


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), spread=st.floats(0.1, 1.0), strays=st.integers(0, 400))
def test_no_stored_picture_goes_to_the_new_side(seed: int, spread: float, strays: int) -> None:
    """Not even after its numbers were rounded, whatever the sides look like; more strays than may be landmarks, too."""
    old, new = cloud(seed, 100, 0, spread), cloud(seed + 1, 80, 1, spread)
    kept = np.concatenate([old, cloud(seed + 2, strays, 1, spread), new[:5]])
    branch = routed(landmarks(old, 0), new, kept, 0)
    assert len(branch.old) <= len(landmarks(old, 0)) + router.MOST_GUARDS + 5  # equal ones may be one more
    for stored in (kept, kept.astype(np.float16).astype(np.float32), unit_rows(kept * np.float32(1.0002))):
        assert not branch.is_new(stored).any()


def test_few_strays_cost_the_new_side_nothing() -> None:
    old, new = cloud(0, 200, 0), cloud(1, 200, 1)
    alone = routed(landmarks(old, 0), new, old, 0)
    with_stray = routed(landmarks(old, 0), new, np.concatenate([old, cloud(9, 3, 1)]), 0)
    assert with_stray.offsets[0] == alone.offsets[0]
    assert len(with_stray.old) == len(alone.old) + 3
    asked = cloud(4, 500, 1)
    assert with_stray.is_new(asked).mean() > alone.is_new(asked).mean() - 0.1


def test_leads_come_out_the_same_in_blocks() -> None:
    branch = routed(cloud(0, 5, 0), cloud(1, 90, 1), np.zeros((0, 12), np.float32), 0)
    many = cloud(5, 40_000, 0, 1.0)
    np.testing.assert_allclose(leads_of(branch, many), branch.lead(many), atol=1e-6)
    assert leads_of(branch, many[:0]).shape == (0,)
    assert SLACK < OFFSET
