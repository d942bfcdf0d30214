"""Terms of texts and of names, and BM25 against a plain reading of its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.meaning.terms import singular, terms, terms_of_name
from samekind.meaning.word_index import WordIndex

VOCABULARY = ["tea", "pot", "red", "kettle"]
documents = st.lists(st.lists(st.sampled_from(VOCABULARY), max_size=6), min_size=1, max_size=12)
asked = st.lists(st.sampled_from([*VOCABULARY, "unknown"]), max_size=4)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A photo of the RED kettles", ["red", "kettle"]),
        ("Théières, cookies & glasses", ["theiere", "cooky", "glass"]),
        ("Straße", ["strasse"]),
        ("bus iris 赤い靴 x", ["bus", "iris", "赤い靴"]),
        ("iphone 12", ["iphone", "12"]),
        ("", []),
    ],
)
def test_terms(text: str, found: list[str]) -> None:
    assert terms(text) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("IMG_1234", []),
        ("DSC01234-edited", []),
        ("P1010023", []),
        ("n02504458_7", []),
        ("a3f9c2e1", []),
        ("redKettle_12", ["red", "kettle"]),
        ("kettle12", ["kettle"]),
        ("HTMLPage", ["html", "page"]),
        ("2019 Ämter/tea-pots", ["amter", "tea", "pot"]),
    ],
)
def test_terms_of_names(name: str, found: list[str]) -> None:
    assert terms_of_name(name) == found


@pytest.mark.parametrize("word", ["kettle", "cookie", "city", "dish", "box", "shoe", "pie", "tie", "glass"])
def test_both_numbers_are_one_term(word: str) -> None:
    plural = {"city": "cities", "dish": "dishes", "box": "boxes", "glass": "glasses"}.get(word, word + "s")
    assert singular(word) == singular(plural)


def plain_bm25(found: list[list[str]], query: list[str]) -> list[float]:
    """The formula for each document, straight from its terms."""
    mean = sum(map(len, found)) / max(sum(bool(one) for one in found), 1)  # of those that have any term
    scores = []
    for document in found:
        score = 0.0
        for term in query:
            among, often = sum(term in one for one in found), document.count(term)
            idf = math.log(1 + (len(found) - among + 0.5) / (among + 0.5))
            if often:
                score += idf * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * len(document) / mean))
        scores.append(score)
    return scores


@given(documents, asked)
def test_bm25_is_its_formula(found: list[list[str]], query: list[str]) -> None:
    np.testing.assert_allclose(WordIndex.of(found).bm25(query), plain_bm25(found, query), atol=1e-12)


@given(documents, asked, asked)
def test_bm25_adds_up(found: list[list[str]], left: list[str], right: list[str]) -> None:
    index = WordIndex.of(found)
    np.testing.assert_allclose(index.bm25(left + right), index.bm25(left) + index.bm25(right), atol=1e-12)


@given(documents, asked)
def test_what_is_matched_lies_in_0_to_1_and_is_0_where_nothing_is(found: list[list[str]], query: list[str]) -> None:
    matched = WordIndex.of(found).matched(query)
    assert ((matched >= 0) & (matched <= 1)).all()
    telling = {term for term in query if not all(term in one for one in found)}
    for document, share in zip(found, matched, strict=True):
        assert (share > 0) == bool(telling & set(document))


def test_one_word_once_is_all_that_was_asked() -> None:
    index = WordIndex.of([["kettle"], *[[name] for name in "abcdefghi"]])
    assert index.matched(["kettle"]) == pytest.approx([0.9, *[0] * 9])
    assert index.matched(["kettle", "unknown"])[0] < 0.5
    assert not index.matched([]).any()
