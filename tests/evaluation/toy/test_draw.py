"""Scenes as pixels."""

from __future__ import annotations

import numpy as np
import pytest

from samekind.evaluation.toy.draw import draw
from samekind.evaluation.toy.world import SHAPES, Scene, Thing


def share(scene: Scene) -> np.ndarray:
    """Where the picture is not of the background's colour, (100, 100) bool."""
    pixels = draw(scene, 100)
    return (pixels != pixels[0, 0]).any(axis=-1)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_thing_is_where_it_is_said_to_be(shape: str) -> None:
    for column in (False, True):
        here = share(Scene.of([Thing(shape, "red", "large"), Thing(shape, "red", "small")], "white", column))
        here = here.T if column else here
        first, second = here[:, :50], here[:, 50:]
        assert first.sum() > 2.5 * second.sum() > 0
        assert abs(np.argwhere(first)[:, 1].mean() - 19.5) < 2
        assert abs(np.argwhere(second)[:, 1].mean() - 29.5) < 2


def test_three_large_things_do_not_touch() -> None:
    here = share(Scene.of([Thing("circle", "red", "large")] * 3, "white")).any(axis=0)
    assert np.diff(here.astype(int)).tolist().count(1) == 3


def test_pictures_are_uint8_and_all_different(world: tuple[Scene, ...]) -> None:
    drawn = [draw(scene, 64) for scene in world[:200]]
    assert {(one.shape, one.dtype) for one in drawn} == {((64, 64, 3), np.dtype(np.uint8))}
    assert len({one.tobytes() for one in drawn}) == 200
    assert np.array_equal(draw(world[0], 64), drawn[0])
