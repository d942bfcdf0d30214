"""The test card and the check against pinned numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samekind.encoders.golden import check_golden, draw_card, golden_numbers
from samekind.encoders.recipe import RecipeEncoder, Trunk
from samekind.errors import WrongWeights
from samekind.pictures.views import View

CARD = [90.043, 148.158, 171.092, 119.244, 144.867, 174.666, 173.435, 142.271, 110.969, 197.303, 144.087, 117.505]
"""Mean red, green and blue of the card's quarters."""


class Network:
    """Sixteen random directions of a picture's coarse pixels; counts its calls."""

    def __init__(self, seed: int) -> None:
        self.turn = np.random.default_rng(seed).standard_normal((48, 16)).astype(np.float32)
        self.calls = 0

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        self.calls += 1
        return pictures.reshape(len(pictures), -1).astype(np.float32) @ self.turn


BARE = Trunk("small", "a" * 64, View("squash", 4), "own", 16)
GOLDEN = golden_numbers(RecipeEncoder("small", [BARE], [Network(0)]))[0]
PINNED = replace(BARE, golden=GOLDEN)


def test_the_card_is_the_same_everywhere() -> None:
    pixels = draw_card()
    assert (pixels.shape, pixels.dtype) == ((240, 320, 3), np.uint8)
    means = pixels.reshape(2, 120, 2, 160, 3).mean(axis=(1, 3)).ravel()
    np.testing.assert_allclose(means, CARD, atol=0.05)


def test_agreement_is_found_once() -> None:
    network = Network(0)
    encoder = RecipeEncoder("small", [PINNED], [network])
    assert check_golden(encoder).value == "agrees"
    assert check_golden(encoder).value == "agrees"
    assert network.calls == 1


def test_other_weights_are_refused_every_time() -> None:
    encoder = RecipeEncoder("small", [PINNED], [Network(1)])
    for _ in range(2):
        with pytest.raises(WrongWeights, match="golden vector"):
            check_golden(encoder)


def test_every_part_is_looked_at() -> None:
    both = [PINNED, replace(PINNED, name="other", weight=0.7)]
    assert check_golden(RecipeEncoder("both", both, [Network(0), Network(0)])).value == "agrees"
    with pytest.raises(WrongWeights, match="other"):
        check_golden(RecipeEncoder("both", both, [Network(0), Network(1)]))


def test_without_a_pinned_vector_it_says_so() -> None:
    found = check_golden(RecipeEncoder("onnx:a", [BARE], [Network(0)]))
    assert found.value == "not checked"
    assert "onnx:a" in found.why
