from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.meaning import concept_names
from samekind.meaning.concepts import TEMPERATURE, sharpened
from samekind.meaning.wider import _kinds, wider_kinds


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("abyssinian", ["cat"]),
        ("an Abyssinian", ["cat"]),
        ("Laysan albatross", ["albatross", "bird"]),
        ("African pied hornbill", ["hornbill", "bird"]),
        ("bay-breasted warblers", ["bird"]),
        ("hellebore", ["plant"]),
        ("aubergine", ["vegetable"]),
        ("a rose", ["plant"]),  # and not the wine
        ("turkey", ["bird"]),
        ("goldfish", []),  # a class by itself
        ("a bird", []),  # a kind by itself
        ("bowl", []),  # of no kind, though one of its senses is a ball
        ("an albatross that sits on the sand", []),
        ("ein Albatros", []),
        ("zarpel", []),
        ("", []),
    ],
)
def test_what_is_named_is_of_a_wider_kind(text: str, kinds: list[str]) -> None:
    assert [kind.name for kind in wider_kinds(text)] == kinds


@given(st.text())
def test_any_text_has_at_most_two(text: str) -> None:
    assert len(wider_kinds(text)) <= 2


def test_every_kind_has_classes_and_the_narrower_come_first() -> None:
    sizes = [len(kind.classes) for kind in _kinds()]
    assert sizes == sorted(sizes)
    assert sizes[0] > 0
    names = concept_names()
    assert {names[at] for kind in _kinds() if kind.name == "cat" for at in kind.classes} >= {
        "tabby",
        "Siamese cat",
        "lion",
    }


def test_classes_are_as_sharp_as_the_classifier_has_them() -> None:
    scores = np.random.default_rng(0).normal(0, 3, (5, 1_000))
    soft, whole = (np.exp(scores / one) / np.exp(scores / one).sum(axis=1, keepdims=True) for one in (TEMPERATURE, 1))
    found = sharpened(np.sqrt(soft).astype(np.float32))
    assert found / found.sum(axis=1, keepdims=True) == pytest.approx(whole, abs=1e-5)
