"""Names asked as captions say them, sentences as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.encoders.base import TextVectors
from samekind.encoders.prompts import TEMPLATES, asked_as, encode_asked


class Counted:
    """A text tower whose vectors are drawn by a text's hash; texts of more than 40 letters are cut."""

    name, dim, fingerprint, limit = "hub:counted", 5, "0" * 16, 40

    def encode(self, texts: Sequence[str]) -> TextVectors:
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
            row[:] = np.random.default_rng(seed).normal(size=self.dim)
            row /= np.linalg.norm(row)
        return TextVectors(rows, tuple(text for text in texts if len(text) > 40))


@pytest.mark.parametrize("text", ["kettle", "a red kettle", " The red  kettle ", "café au lait", "t-shirt", "the 70's"])
def test_names(text: str) -> None:
    found = asked_as(text)
    assert len(found) == len(set(found)) == len(TEMPLATES)
    assert not any("a a " in way or "a the " in way.lower() or "{" in way for way in found)
    assert any(way.startswith("a photo of a") for way in found)


@pytest.mark.parametrize(
    "text", ["a dog that runs fast", "red, blue", "dogs!", "水壶", "красный чайник", "", "{}", "a.jpg"]
)
def test_everything_else_stays(text: str) -> None:
    assert asked_as(text) == (text,)


@given(st.text())
def test_never_empty_and_whole(text: str) -> None:
    found = asked_as(text)
    assert found == (text,) or all(found[-1] in way for way in found)


def test_the_mean_of_unit_vectors_at_unit_length() -> None:
    tower = Counted()
    found = encode_asked(tower, ["kettle", "a dog that runs fast", "kettle"])
    mean = tower.encode(asked_as("kettle")).vectors.mean(axis=0)
    np.testing.assert_allclose(found.vectors[0], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_array_equal(found.vectors[0], found.vectors[2])
    np.testing.assert_allclose(found.vectors[1], tower.encode(["a dog that runs fast"]).vectors[0], atol=1e-6)
    assert encode_asked(tower, []).vectors.shape == (0, 5)


def test_cut_texts_by_the_words_of_the_person() -> None:
    long = "k" * 35
    found = encode_asked(Counted(), [long, "dog", long])
    assert found.cut == (long,)
    assert found.to_dict()["cut"] == [long]
