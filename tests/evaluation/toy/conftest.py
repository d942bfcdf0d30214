"""Scenes, phrases and small galleries of the toy world."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

from samekind.evaluation.toy.queries import ToyQuery, gallery, queries
from samekind.evaluation.toy.world import Scene, random_scene

scenes = st.integers(0, 2**32 - 1).map(lambda seed: random_scene(np.random.default_rng(seed)))


@pytest.fixture(scope="package")
def world() -> tuple[Scene, ...]:
    return gallery(0, 600)


@pytest.fixture(scope="package")
def asked(world: tuple[Scene, ...]) -> tuple[ToyQuery, ...]:
    return queries(world, 1, 90)
