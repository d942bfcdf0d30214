"""The identities of the method cards, in scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.query.composing import METHODS, Given, composed, mixed, standard
from samekind.query.composing.given import ENOUGH, FULLY

RNG = np.random.default_rng(0)
PICTURE, WORDS, CAPTION, EDITED = (standard(RNG.normal(size=50)) for _ in range(4))
BOTH = Given(picture=PICTURE, words=WORDS)
TOLD = replace(BOTH, caption=CAPTION, edited=EDITED, said_caption=CAPTION, said_words=WORDS)
WEIGHTED = ["sum", "slerp", "weimocir", "roles"]
"""Methods in which ``keep`` is the picture's share."""


ROWS = ("picture", "words", "caption", "edited", "said_caption", "said_words")
GIVENS = st.builds(
    lambda seed, there, keeps, drops: drawn(seed, there, keeps, drops),
    st.integers(0, 999),
    st.sets(st.sampled_from(ROWS)),
    st.integers(0, 2),
    st.integers(0, 2),
)


def drawn(seed: int, there: set[str], keeps: int, drops: int) -> Given:
    """What was asked by chance, a picture or words among it."""
    rng = np.random.default_rng(seed)
    rows = {name: standard(rng.normal(size=20)) for name in (there if there & {"picture", "words"} else {"words"})}
    return Given(**rows, keeps=standard(rng.normal(size=(keeps, 20))), drops=standard(rng.normal(size=(drops, 20))))


def order(scores: np.ndarray) -> list[int]:
    return np.argsort(-scores, kind="stable").tolist()


@pytest.mark.parametrize("method", WEIGHTED)
def test_all_of_the_picture_is_the_search_by_picture(method: str) -> None:
    assert order(composed(BOTH, method, 1, 1)) == order(PICTURE)


@pytest.mark.parametrize("method", ["sum", "slerp", "weimocir"])
def test_nothing_of_the_picture_is_the_search_by_words(method: str) -> None:
    assert order(composed(BOTH, method, 1, 0)) == order(WORDS)


@pytest.mark.parametrize("method", list(METHODS))
def test_no_change_leaves_the_picture_as_it_is(method: str) -> None:
    assert order(composed(BOTH, method, 0, 0.5)) == order(PICTURE)


@pytest.mark.parametrize("method", list(METHODS))
def test_words_alone_and_a_picture_alone_are_themselves(method: str) -> None:
    assert order(composed(Given(words=np.minimum(WORDS, 2.9)), method, 1, 0)) == order(np.minimum(WORDS, 2.9))
    assert order(composed(Given(picture=PICTURE), method, 1, 1)) == order(PICTURE)


@pytest.mark.parametrize("method", list(METHODS))
def test_equal_parts_change_nothing(method: str) -> None:
    same = Given(picture=WORDS, words=np.minimum(WORDS, 2.9))
    assert composed(same, method, 1, 0.5).argmax() == WORDS.argmax()


def test_pdv_by_its_identities() -> None:
    untouched = replace(TOLD, edited=CAPTION)  # empty words: no direction
    assert order(composed(untouched, "pdv", 1.4, 1)) == order(PICTURE)
    assert order(composed(untouched, "pdv", 1.4, 0)) == order(CAPTION)
    strength = 7 / 6  # at which the text side has the strength 1: the base method
    assert composed(TOLD, "pdv", strength, 0) == pytest.approx(EDITED, abs=1e-5)


def test_an_analogy_takes_the_caption_off() -> None:
    assert composed(TOLD, "analogy", 1, 1) == pytest.approx(PICTURE - CAPTION + EDITED, abs=1e-6)
    assert composed(BOTH, "analogy", 1, 1) == pytest.approx(PICTURE + WORDS, abs=1e-6)


def test_weimocir_without_captions_is_the_sum_and_with_them_a_tenth_is_theirs() -> None:
    assert composed(BOTH, "weimocir", 1, 0.2) == pytest.approx(composed(BOTH, "sum", 1, 0.2))
    told = composed(TOLD, "weimocir", 1, 0.2)
    assert told == pytest.approx(0.9 * composed(BOTH, "sum", 1, 0.2) + 0.1 * (0.2 * CAPTION + 0.8 * WORDS), abs=1e-6)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "align"])
@given(st.integers(0, 49))
def test_what_must_vanish_only_costs(method: str, at: int) -> None:
    drops = np.full((1, 50), -1.0, np.float32)
    drops[0, at] = 3
    without, with_penalty = composed(BOTH, method, 1, 0.5), composed(replace(BOTH, drops=drops), method, 1, 0.5)
    assert with_penalty[at] < without[at]
    others = np.arange(50) != at
    assert with_penalty[others] == pytest.approx(without[others])


def test_signed_arithmetic_subtracts() -> None:
    drops = standard(RNG.normal(size=(1, 50)))
    assert composed(replace(BOTH, drops=drops), "align", 1, 1) == pytest.approx(PICTURE + WORDS - drops[0], abs=1e-6)


def test_what_must_stay_counts() -> None:
    keeps = standard(RNG.normal(size=(1, 50)))
    kept = composed(replace(BOTH, keeps=keeps), "sum", 1, 0.5)
    assert kept[keeps[0].argmax()] > composed(BOTH, "sum", 1, 0.5)[keeps[0].argmax()]


@given(st.floats(0.01, 100))
def test_the_measure_of_a_score_means_nothing(scale: float) -> None:
    assert standard(WORDS * scale) == pytest.approx(WORDS, abs=1e-4)


def test_scores_that_say_nothing_are_zero() -> None:
    assert not standard(np.ones((2, 5))).any()


@pytest.mark.parametrize("method", list(METHODS))
@given(GIVENS, st.floats(0, 3), st.floats(0, 1))
def test_every_score_is_the_sum_of_its_terms(method: str, asked: Given, change: float, keep: float) -> None:
    mix = mixed(asked, method, change, keep)
    assert set(mix.terms) <= set(mix.weights)
    total = sum(np.atleast_2d(term).astype(np.float64).sum(axis=0) for term in mix.terms.values())
    assert composed(asked, method, change, keep) == pytest.approx(total, abs=1e-4)
    assert all(term.shape[-1] == 20 for term in mix.terms.values())
    assert ("picture" in mix.terms) == (asked.picture is not None)


def test_what_is_capped_is_a_term_of_its_own() -> None:
    keeps, drops = np.full((2, 50), FULLY + 1, np.float32), np.full((1, 50), -1, np.float32)
    asked = Given(picture=PICTURE, words=np.full(50, ENOUGH + 1, np.float32), keeps=keeps, drops=drops)
    terms = mixed(asked, "roles", 1, 0.5).terms
    assert terms["words"] == pytest.approx(np.full(50, (ENOUGH + 1) / 2))
    assert terms["beyond"] == pytest.approx(np.full(50, -0.5))
    assert terms["staying"] == pytest.approx(np.full((2, 50), FULLY / 2))
    assert not terms["vanishing"].any()
