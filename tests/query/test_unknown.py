"""A name that nobody knows, among pictures of cats and of kettles."""

from __future__ import annotations

import numpy as np
import pytest

from samekind.encoders.rows import unit_rows
from samekind.meaning import MeaningSpace, concept_names
from samekind.query.unknown import LOSES, widened
from samekind.query.wordings.concepts import ConceptWording
from samekind.query.wordings.sparse import SparseConcepts, SparseWording

CATS, KETTLES = ("tabby", "Persian cat", "lion"), ("teapot", "coffeepot")


def pictures_of(*shown: str) -> ConceptWording:
    """One picture of each class, a little of everything in it."""
    concepts = np.full((len(shown), 1_013), 0.05, np.float32)
    for row, name in enumerate(shown):
        concepts[row, concept_names().index(name)] = 4
    looks = unit_rows(np.random.default_rng(0).normal(size=(len(shown), 8)))
    return ConceptWording([str(n) for n in range(len(shown))], np.arange(len(shown)), looks, concepts, space(concepts))


def space(concepts: np.ndarray) -> MeaningSpace:
    return MeaningSpace.of(concepts, np.zeros((len(concepts), 8), np.float32), ())


@pytest.fixture(scope="module")
def wording() -> ConceptWording:
    return pictures_of(*CATS, *KETTLES)


def test_pictures_without_the_wider_kind_go_down_and_the_others_stay(wording: ConceptWording) -> None:
    (scores,) = wording.scores(["abyssinian"])
    found = widened(wording, "abyssinian", scores, 0.1)
    assert found is not None
    assert found.kind == "cat"
    assert found.adds[:3] == pytest.approx(0, abs=1e-6)
    assert found.adds[3:] == pytest.approx(-LOSES * scores.std(), rel=0.1)


@pytest.mark.parametrize(
    ("text", "sure"),
    [("abyssinian", 0.5), ("a grey abyssinian", 0.1), ("tabby", 0.1), ("albatross of the sea", 0.1), ("warbler", 0.1)],
    ids=["a picture stands out", "a colour", "known", "not a name", "no such kind here"],
)
def test_other_texts_are_left_alone(wording: ConceptWording, text: str, sure: float) -> None:
    assert widened(wording, text, wording.scores([text])[0], sure) is None


def test_the_narrowest_kind_that_is_here_is_searched_for() -> None:
    scores = np.arange(2, dtype=np.float32)
    both = widened(pictures_of("hornbill", "tabby"), "pied hornbill", scores, 0.0)
    birds = widened(pictures_of("robin", "tabby"), "pied hornbill", scores, 0.0)
    assert (both.kind if both else "", birds.kind if birds else "") == ("hornbill", "bird")


def test_words_without_the_sentence_encoder_know_no_wider_kinds(wording: ConceptWording) -> None:
    sparse = SparseWording(wording.ids, wording.rows, wording.looks, SparseConcepts.of(wording.concepts))
    assert widened(sparse, "abyssinian", sparse.scores(["abyssinian"])[0], 0.0) is None
