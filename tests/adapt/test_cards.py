"""Cards of kinds: prototypes, border, quality, words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samekind.adapt.cards import average_precision, cards
from samekind.adapt.kinds import find_kinds
from samekind.adapt.words import distinguishing, words_in
from samekind.evaluation.metrics import RelevantRanks, score
from tests.adapt.test_kinds import clumps, random_rows


def made(vectors, words=None, sizes=(24, 6), depth=0):
    kinds = find_kinds(vectors, 0, sizes)
    labels = kinds.assign(vectors)[depth]
    return kinds, labels, list(cards(vectors, kinds, labels, depth, words or [frozenset()] * len(vectors)))


@settings(max_examples=20)
@given(st.integers(24, 120), st.integers(0, 3), st.integers(0, 1))
def test_every_kind_has_a_card_that_fits(n, seed, depth):
    vectors = random_rows(n, seed=seed)
    kinds = find_kinds(vectors, 0, (24, 6))
    depth = min(depth, len(kinds.levels) - 1)
    labels = kinds.assign(vectors)[depth]
    found = list(cards(vectors, kinds, labels, depth, [frozenset()] * n))
    assert tuple(card.address for card in found) == kinds.levels[depth].addresses
    for number, card in enumerate(found):
        members = set(np.flatnonzero(labels == number).tolist())
        assert card.size == len(members)
        assert len(set(card.prototypes)) == len(card.prototypes) == min(3, card.size)
        border = {row for row, _ in card.borderline}
        assert set(card.prototypes) | border <= members
        assert not set(card.prototypes) & border
        assert len(border) == max(0, min(3, card.size - 3))
        assert all(other != card.address for _, other in card.borderline)
        assert 0 < card.quality <= 1


def test_plain_groups_are_kinds_of_quality_one():
    vectors, truth = clumps(groups=8, each=12)
    _, labels, found = made(vectors)
    assert all(card.quality == pytest.approx(1) for card in found)
    assert all(card.size == 12 for card in found)
    assert len({(a, b) for a, b in zip(truth.tolist(), labels.tolist(), strict=True)}) == 8


def test_the_medoid_comes_first():
    vectors, _ = clumps()
    _, labels, found = made(vectors)
    for number, card in enumerate(found):
        rows = np.flatnonzero(labels == number)
        assert card.prototypes[0] == rows[(vectors[rows] @ vectors[rows].T).sum(axis=0).argmax()]


def test_a_kind_of_one_picture_has_quality_one():
    vectors = random_rows(20)
    assert average_precision(vectors @ vectors[7], np.array([7])) == 1


def test_the_order_of_equal_pictures_does_not_matter():
    scores = np.array([1, 1, 1, 0.5], np.float32)
    assert average_precision(scores, np.array([0, 1, 2])) == 1
    assert average_precision(scores, np.array([2])) == pytest.approx(1 / 3)


@settings(max_examples=30)
@given(st.integers(2, 40), st.integers(0, 9))
def test_average_precision_is_that_of_the_evaluation(n, seed):
    rng = np.random.default_rng(seed)
    scores = rng.permutation(n).astype(np.float32)
    relevant = rng.choice(n, rng.integers(1, n + 1), replace=False)
    ranks = np.argsort(np.argsort(-scores))[relevant] + 1
    theirs = score(RelevantRanks.of([ranks], np.array([len(ranks)])))["map"][0]
    assert average_precision(scores, relevant) == pytest.approx(theirs)


def test_words_of_texts():
    found = words_in(["train/Royal-Gala_012.jpg", None, "rot und grün, IMG"])
    assert found == {"train", "royal", "gala", "jpg", "rot", "und", "grün", "img"}


def test_words_that_stand_out():
    labels = np.repeat(np.arange(5), 20)
    words = [{"train" if n % 3 else "test", f"bird{n}"} for n in range(100)]
    for n in range(20, 40):
        words[n] |= {"heron", "river"}
    for n in range(3):
        words[n] |= {"odd"}
    found = distinguishing([frozenset(one) for one in words], labels, 5)
    assert found == [(), ("heron", "river"), (), (), ()]


def test_no_words_without_texts():
    assert distinguishing([frozenset()] * 4, np.zeros(4, np.intp), 2) == [(), ()]
    assert distinguishing([], np.zeros(0, np.intp), 1) == [()]


def test_a_small_kind_of_its_own_folder_has_its_word():
    labels = np.array([0] * 3 + [1] * 97)
    words = [frozenset({"kettle"})] * 3 + [frozenset({"pan"})] * 97
    assert distinguishing(words, labels, 2)[0] == ("kettle",)


def test_the_words_of_the_kind_above_are_not_said_again():
    above = np.repeat([0, 1], 40)
    labels = np.repeat(np.arange(4), 20)
    words = [frozenset({"bird", "heron"} if n < 20 else {"bird"} if n < 40 else {"screw"}) for n in range(80)]
    assert distinguishing(words, labels, 4) == [("heron", "bird"), ("bird",), ("screw",), ("screw",)]
    assert distinguishing(words, labels, 4, above) == [("heron",), (), (), ()]
