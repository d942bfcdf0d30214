"""Whether two pictures show the very same thing, on patches made by hand and on pictures made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from samekind.encoders.patches import Patches, PatchNetwork
from samekind.pictures.views import Box, View
from samekind.query.geometry import SURE, Seen, agreement, same_in

SIDE, DIM = 14, 32


def seen(patches: Patches, width: int = 280, height: int = 280) -> Seen:
    whole = Box(0, 0, width, height)
    return Seen(patches, whole, whole, np.ones(patches.shape[:2], np.bool_))


def grid(seed: int) -> Patches:
    return np.random.default_rng(seed).standard_normal((SIDE, SIDE, DIM)).astype(np.float32)


def test_a_picture_and_itself_agree_everywhere() -> None:
    same = agreement(seen(grid(0), 300, 200), seen(grid(0), 300, 200))
    assert same.score == pytest.approx(1, abs=1e-5)
    assert same.sure
    assert same.agreeing == same.pairs == SIDE * SIDE
    told = same.to_dict()
    assert told["similarity"] == {"scale": 1.0, "degrees": 0.0, "mirrored": False}
    assert told["query"] == told["hit"] == Box(0, 0, 300, 200).to_dict()


@pytest.mark.parametrize(
    ("edit", "degrees", "mirrored"),
    [(lambda one: one[:, ::-1], 0, True), (np.rot90, -90, False), (lambda one: one[::-1, ::-1], 180, False)],
    ids=["mirrored", "turned", "upside down"],
)
def test_turned_and_mirrored_pictures_agree(edit, degrees: int, mirrored: bool) -> None:  # type: ignore[no-untyped-def]
    same = agreement(seen(grid(1)), seen(edit(grid(1))))
    assert same.score == pytest.approx(1, abs=1e-5)
    assert same.mirrored == mirrored
    assert abs(same.to_dict()["similarity"]["degrees"]) == pytest.approx(abs(degrees), abs=1e-3)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 50))
def test_shuffled_patches_and_other_patches_hardly_agree(seed: int) -> None:
    one = grid(seed)
    shuffled = np.random.default_rng(seed).permutation(one.reshape(-1, DIM)).reshape(one.shape)
    for other in (shuffled, grid(seed + 1000)):
        assert agreement(seen(one), seen(other)).score < 0.1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 50), *[st.tuples(st.integers(0, 8), st.integers(0, 8))] * 2)
def test_a_thing_at_another_place_is_found_there(seed: int, at: tuple[int, int], to: tuple[int, int]) -> None:
    one, other = grid(seed), grid(seed + 1000)
    other[to[0] : to[0] + 6, to[1] : to[1] + 6] = one[at[0] : at[0] + 6, at[1] : at[1] + 6]
    same, back = agreement(seen(one), seen(other)), agreement(seen(other), seen(one))
    assert same.similarity
    assert same.agreeing >= 30
    assert abs(same.similarity.turn - 1) < 0.2
    middle = 20 * np.array([complex(at[1] + 3, at[0] + 3)])
    assert abs(same.similarity(middle) - 20 * complex(to[1] + 3, to[0] + 3))[0] < 30
    assert back.score == pytest.approx(same.score, abs=0.02)


def test_an_empty_background_agrees_with_nothing() -> None:
    empty = replace(seen(grid(2)), shows=np.zeros((SIDE, SIDE), np.bool_))
    same = agreement(empty, seen(grid(2)))
    assert (same.score, same.pairs, same.asked, same.similarity) == (0, 0, None, None)
    assert same.to_dict()["query"] is None
    few = np.zeros((SIDE, SIDE), np.bool_)
    few[3, 3:7] = True
    few_of_both = [replace(seen(grid(2)), shows=few)] * 2
    assert agreement(*few_of_both).score < SURE  # so few patches prove nothing


class Colours:
    """The colours of the quarters of each of 14 x 14 cells."""

    shape = (SIDE, SIDE, 12)

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        quarters = pictures.reshape(len(pictures), 2 * SIDE, 4, 2 * SIDE, 4, 3).mean((2, 4))
        cells = quarters.reshape(len(pictures), SIDE, 2, SIDE, 2, 3).transpose(0, 1, 3, 2, 4, 5)
        return cells.reshape(len(pictures), -1)


def test_a_small_thing_is_seen_once_more_from_nearby() -> None:
    network = PatchNetwork("colours", View("squash", 8 * SIDE), Colours())  # type: ignore[arg-type]
    rng = np.random.default_rng(3)
    coarse = [Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)) for _ in range(3)]
    thing, *grounds = (np.asarray(one.resize((448, 448), Image.Resampling.BICUBIC)) for one in coarse)
    asked, found = (one.copy() for one in grounds)
    small = np.asarray(Image.fromarray(thing).resize((160, 160)))
    asked[64:224, 32:192], found[256:416, 224:384] = small, small
    first = agreement(*(Seen.of(network, one, Box(0, 0, 448, 448), network(one)) for one in (asked, found)))
    same = same_in(network, asked, found, (network(asked), network(found)))
    assert same.score > first.score
    assert same.sure > first.sure
    assert same.found
    assert 200 <= same.found.left <= 260
    assert 230 <= same.found.top <= 290
    assert not same_in(network, *grounds, (network(grounds[0]), network(grounds[1]))).sure
    itself = same_in(network, asked, asked, (network(asked), network(asked)))
    assert itself.score > 0.95
