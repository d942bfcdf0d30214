from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from samekind.encoders.base import Part
from samekind.encoders.rows import unit_rows
from samekind.meaning import MeaningSpace, concept_encoder, concept_names, sentence_vectors, split_concepts
from samekind.meaning.colours import COLOURS, SHADES, named, share_named, shares
from samekind.meaning.shipped import bridge, class_vectors
from samekind.settings import resolve


def plain(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((1, 64, 64, 3), colour, np.uint8)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_plain_picture_shows_its_colour(colour: str) -> None:
    found = shares(plain(SHADES[colour][0]))[0]
    assert found.sum() == pytest.approx(1, abs=1e-4)
    assert COLOURS[found.argmax()] == colour


def test_a_thing_before_a_plain_ground_shows_its_own_colour() -> None:
    picture = plain((255, 255, 255))
    picture[:, 20:44, 20:44] = (200, 25, 35)
    found = dict(zip(COLOURS, shares(picture)[0], strict=True))
    assert found["red"] > 0.7
    assert found["white"] < 0.3


@given(arrays(np.uint8, (1, 16, 16, 3)))
def test_shares_are_a_distribution(picture: np.ndarray) -> None:
    found = shares(picture)
    assert found.shape == (1, len(COLOURS))
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "colours"),
    [
        ("a Red kettle", {"red"}),
        ("ein roter Kessel", {"red"}),
        ("une bouilloire rouge", {"red"}),
        ("una tetera roja", set()),  # an inflection that is not known
        ("红色的水壶", {"red"}),
        ("красный чайник", {"red"}),
        ("black and white", {"black", "white"}),
        ("redwood", set()),
        ("Rotwein", set()),
        ("", set()),
    ],
)
def test_colours_are_heard_in_many_languages(text: str, colours: set[str]) -> None:
    assert {COLOURS[at] for at in np.flatnonzero(named(text))} == colours


@given(st.text())
def test_any_text_names_colours_or_none(text: str) -> None:
    assert named(text).shape == (len(COLOURS),)
    assert 0 <= share_named(text) <= 1
    assert (share_named(text) > 0) == bool(named(text).any())


def test_concepts_are_unit_vectors_of_two_distributions() -> None:
    encoder = concept_encoder(resolve())
    assert encoder.dim == len(concept_names()) == 1_013
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    found = encoder.encode([encoder.prepare(pixels)])
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    for part in split_concepts(found):
        assert part.sum() == pytest.approx(1, abs=1e-5)
    assert split_concepts(found.astype(np.float16).astype(np.float32))[0] == pytest.approx(
        split_concepts(found)[0], abs=1e-3
    )


def test_sentences_of_one_meaning_lie_together() -> None:
    dog, hund, car = sentence_vectors(["a small dog", "ein kleiner Hund", "a fast car"])
    assert np.linalg.norm(dog) == pytest.approx(1, abs=1e-5)
    assert dog @ hund > 0.7 > 0.5 > dog @ car
    assert sentence_vectors([]).shape == (0, 512)


def test_classes_that_are_shipped_are_near_their_names_and_more() -> None:
    classes = class_vectors()
    assert np.linalg.norm(classes, axis=1) == pytest.approx(1, abs=1e-3)
    cosines = sentence_vectors(concept_names()[:1_000:20]) @ classes.T
    assert (cosines.argmax(axis=1) == np.arange(0, 1_000, 20)).mean() > 0.9
    assert cosines[np.arange(50), np.arange(0, 1_000, 20)].max() < 0.999


def test_bridges_are_there_for_the_networks_that_come_with_samekind() -> None:
    assert bridge("mock") is None
    assert {name: over.matrix.shape for name in ("lite", "tiny", "dino") if (over := bridge(name))} == {
        "lite": (1280, 512),
        "tiny": (320, 512),
        "dino": (384, 512),
    }


def test_a_picture_of_a_class_is_found_by_its_name() -> None:
    rng = np.random.default_rng(0)
    kinds = np.array([1, 1, 404, 404, 950, 950])
    concepts = np.zeros((6, 1_013), np.float32)
    concepts[np.arange(6), kinds] = 1
    looks = unit_rows(rng.normal(size=(6, 8)))
    space = MeaningSpace.of(concepts, looks, [Part("mock", 0, 8)])
    found = sentence_vectors([concept_names()[kind] for kind in (1, 404, 950)]) @ space.pictures(concepts, looks).T
    assert [set(row.argsort()[-2:]) for row in found] == [{0, 1}, {2, 3}, {4, 5}]
    assert np.abs(found).max() <= 1.001


def test_a_bridge_is_used_for_the_part_that_it_was_made_for() -> None:
    rng = np.random.default_rng(0)
    concepts = unit_rows(rng.random((5, 1_013)))
    looks = unit_rows(rng.normal(size=(5, 384)))
    over = MeaningSpace.of(concepts, looks, [Part("dino", 0, 384)])
    without = MeaningSpace.of(concepts, looks, [Part("dino+adaptors", 0, 384)])
    assert over.bridge_mean is not None
    assert without.bridge_mean is None
    assert not np.allclose(over.pictures(concepts, looks), without.pictures(concepts, looks))
