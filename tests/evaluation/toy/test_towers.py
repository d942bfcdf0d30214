"""Vectors made from attributes, and the swap test on them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samekind.errors import UsageError
from samekind.evaluation.toy.edits import EDITS
from samekind.evaluation.toy.language import caption
from samekind.evaluation.toy.swaps import (
    SWAPS,
    SwapCase,
    SwapScore,
    same_hits,
    shuffled,
    swap_cases,
    swap_score,
)
from samekind.evaluation.toy.towers import BagOfWordsTower, CompositionalTower, Tower
from samekind.evaluation.toy.world import Scene
from tests.evaluation.toy.conftest import scenes

TOWERS: dict[str, type[Tower]] = {"compositional": CompositionalTower, "bag of words": BagOfWordsTower}


@pytest.fixture(scope="module", params=list(TOWERS))
def tower(request: pytest.FixtureRequest) -> Tower:
    return TOWERS[request.param]()


def scored(tower: Tower, cases: tuple[SwapCase, ...]) -> SwapScore:
    seen = tower.pictures([case.scene for case in cases])
    return swap_score(
        cases, seen, tower.words([case.right for case in cases]), tower.words([case.wrong for case in cases])
    )


def test_unit_rows_that_do_not_depend_on_the_batch(tower: Tower, world: tuple[Scene, ...]) -> None:
    texts = [caption(scene) for scene in world[:20]] + ["red", "", "people"]
    for rows, alone in (
        (tower.pictures(world[:20]), [tower.pictures([scene])[0] for scene in world[:20]]),
        (tower.words(texts), [type(tower)().words([text])[0] for text in texts]),
    ):
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
        np.testing.assert_array_equal(rows, np.stack(alone))
    assert tower.words([]).shape == tower.pictures([]).shape == (0, tower.dim)


def test_there_is_a_gap_between_pictures_and_words(tower: Tower, world: tuple[Scene, ...]) -> None:
    seen, said = tower.pictures(world[:100]), tower.words([caption(scene) for scene in world[:100]])
    between = np.einsum("nd,nd->n", seen, said)
    assert 0.4 < between.min() <= between.max() < 0.7
    assert np.linalg.norm(seen.mean(0) - said.mean(0)) > 0.8


def test_without_gap_and_noise_a_picture_and_its_caption_are_one(world: tuple[Scene, ...]) -> None:
    for kind in TOWERS.values():
        plain = kind(gap=0, noise=0)
        np.testing.assert_array_equal(plain.pictures(world[:50]), plain.words([caption(scene) for scene in world[:50]]))


def test_a_caption_finds_its_scene_among_all(world: tuple[Scene, ...]) -> None:
    tower = CompositionalTower()
    scores = tower.words([caption(scene) for scene in world]) @ tower.pictures(world).T
    assert np.array_equal(scores.argmax(axis=1), np.arange(len(world)))


@pytest.mark.parametrize(
    ("text", "there", "absent"),
    [
        ("red", "a small red star on a blue background", "a small blue star on a red background"),
        ("red star", "a red star left of a blue circle", "a blue star left of a red circle"),
        ("green background", "a red star on a green background", "a green star on a red background"),
        ("three stars", "three red stars", "two red stars"),
        ("star above circle", "a red star above a blue circle", "a blue circle above a red star"),
    ],
)
def test_a_phrase_is_nearer_to_what_shows_it(text: str, there: str, absent: str) -> None:
    tower = CompositionalTower(noise=0)
    one, right, wrong = tower.words([text, there, absent])
    assert one @ right > one @ wrong + 0.02


def test_an_unknown_word_tells_no_picture_from_another(tower: Tower, world: tuple[Scene, ...]) -> None:
    pictures = tower.pictures(world)
    known, unknown = tower.words(["red", "people"]) @ pictures.T
    assert unknown.std() < known.std() / 2


def test_negation_is_not_heard() -> None:
    tower = CompositionalTower()
    one, other = tower.words(["remove the red circle", "red circle"])
    np.testing.assert_array_equal(one, other)


@given(scenes)
@settings(max_examples=50)
def test_a_bag_of_words_has_one_vector_for_both_captions(scene: Scene) -> None:
    for edit in (edit for kind in SWAPS for edit in EDITS[kind](scene)):
        one, other = BagOfWordsTower(dim=64).words([caption(scene), caption(edit.results[0])])
        np.testing.assert_array_equal(one, other)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
@settings(max_examples=20)
def test_a_bag_of_words_scores_exactly_chance(seed: int, count: int) -> None:
    score = scored(BagOfWordsTower(seed=seed % 7, dim=64), swap_cases(seed, count))
    assert (score.share, score.ties, score.hears_order) == (0.5, count, False)
    assert set(score.by_kind.values()) == {0.5}


def test_binding_scores_everything() -> None:
    score = scored(CompositionalTower(), swap_cases(0, 200))
    assert (score.share, score.ties, score.by_kind) == (1.0, 0, {"attributes": 1.0, "relation": 1.0})
    assert score.sentence == "this encoder hears word order: it scores 100 of 100 where chance is 50"


def test_a_score_by_hand() -> None:
    """One right, one wrong, one tie; the tie is less than float32 tells apart."""
    cases = tuple(SwapCase(case.scene, "", "", kind) for case, kind in zip(swap_cases(0, 3), "aab", strict=True))
    seen = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    right = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    wrong = np.array([[0, 1], [1, 0], [0.6, 0.8 + 1e-7]], np.float32)
    score = swap_score(cases, seen, right, wrong)
    assert (score.share, score.cases, score.ties, score.by_kind) == (0.5, 3, 1, {"a": 0.5, "b": 0.5})
    assert score.to_dict()["sentence"] == (
        "this encoder does not hear word order: it scores 50 of 100 where chance is 50"
    )


def test_shapes_that_disagree() -> None:
    cases, rows = swap_cases(0, 2), np.eye(2, dtype=np.float32)
    with pytest.raises(UsageError, match="wants one picture and two captions a case, not 2, 1 and 2 for 2"):
        swap_score(cases, rows, rows[:1], rows)
    with pytest.raises(UsageError, match="cannot be compared"):
        swap_score(cases, rows, np.eye(2, 3, dtype=np.float32), np.eye(2, 3, dtype=np.float32))


def test_swap_cases_are_by_turns_and_different() -> None:
    cases = swap_cases(5, 11)
    assert [case.kind for case in cases] == [SWAPS[n % 2] for n in range(11)]
    assert len({case.scene for case in cases}) == 11
    assert all(sorted(case.right.split()) == sorted(case.wrong.split()) for case in cases)


def test_shuffled_words() -> None:
    rng = np.random.default_rng(0)
    for text in ("red circle", "a b c", "a a b"):
        mixed = shuffled(text, rng)
        assert mixed != text
        assert sorted(mixed.split()) == sorted(text.split())
    assert [shuffled(text, rng) for text in ("", "red", "red red")] == ["", "red", "red red"]


def test_same_hits_by_hand() -> None:
    one = np.array([[3.0, 2, 1, 0], [3, 2, 1, 0]])
    other = np.array([[2.0, 3, 0, 1], [0, 1, 2, 3]])
    assert same_hits(one, other, 2).tolist() == [2, 0]
    assert same_hits(one, other, 3).tolist() == [2, 2]


def test_shuffling_tells_a_bag_of_words(world: tuple[Scene, ...]) -> None:
    rng = np.random.default_rng(0)
    texts = [caption(scene) for scene in world[:50]]
    mixed = [shuffled(text, rng) for text in texts]
    blind = {}
    for name, kind in TOWERS.items():
        tower = kind()
        seen = tower.pictures(world).T
        blind[name] = same_hits(tower.words(texts) @ seen, tower.words(mixed) @ seen)
    assert blind["bag of words"].min() == 10
    assert blind["compositional"].mean() < 5
