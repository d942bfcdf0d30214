"""A composition that a collection learns on itself: identity at start, an honest gate, one file, when it is used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from samekind.cli.app import app
from samekind.collection import Collection
from samekind.errors import DamagedCollection, UsageError
from samekind.meaning.sentences import WIDTH
from samekind.query import Hits, Like, Query, Words, search
from samekind.query.composing import METHODS, composed
from samekind.query.learned import Head, accepted_head, learn_composition
from samekind.query.learned.descent import Lesson, trained
from samekind.query.learned.evidence import PARTS, Bank, parts
from samekind.query.learned.fitting import bank_of, fitted
from samekind.query.learned.gate import LearnedComposition, compared, judged
from samekind.query.learned.head import FEATURES, meant
from samekind.query.learned.saved import FOLDER, latest, made_for, save
from samekind.query.learned.triplets import self_made
from tests.collection.mock import MockEncoder

ENCODER = MockEncoder()
COLOURS = {"red": (200, 25, 35), "green": (40, 140, 50), "blue": (30, 70, 185), "yellow": (250, 215, 40)}
DIM = 6


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    folder = tmp_path_factory.mktemp("drawn")
    for name, colour in COLOURS.items():
        (folder / name).mkdir()
        for n in range(6):
            pixels = np.full((96, 96, 3), 255, np.uint8)
            pixels[10 + 8 * n : 50 + 8 * n, 20:76] = colour
            Image.fromarray(pixels).save(folder / name / f"{n}.png")
    held = Collection.create(folder.parent / f"{folder.name}.samekind", ENCODER)
    held.sync([folder], encoder=ENCODER, tune=False).result()
    held.learn_words().result()
    return held


@pytest.fixture(scope="module")
def bank(collection: Collection) -> Bank:
    return bank_of(collection)


@pytest.fixture(scope="module")
def learned(collection: Collection) -> tuple[Head, LearnedComposition]:
    return fitted(collection)


def a_head(seed: int, move: float = 1.0) -> Head:
    rng = np.random.default_rng(seed)
    reading = rng.standard_normal((3, FEATURES)).astype(np.float32)
    weights = np.abs(rng.standard_normal(len(PARTS))).astype(np.float32)
    return Head(reading, move * rng.standard_normal((3, DIM)).astype(np.float32), weights, 0.1)


def unit(seed: int, rows: int) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((rows, DIM)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@given(st.integers(0, 99), st.text(" \t\n", max_size=3))
@settings(deadline=None, max_examples=20)
def test_an_empty_text_gives_exactly_the_pictures_vector(seed: int, text: str) -> None:
    picture = unit(seed, 1)[0]
    assert np.array_equal(a_head(seed).vector(picture, text), picture)
    assert not a_head(seed).moves([text]).any()


@given(st.integers(0, 99))
@settings(deadline=None, max_examples=10)
def test_a_head_without_moves_is_the_identity_and_any_head_gives_unit_vectors(seed: int) -> None:
    picture = unit(seed, 1)[0]
    assert np.array_equal(a_head(seed, move=0).vector(picture, "in red"), picture)
    assert np.linalg.norm(a_head(seed).vector(picture, "in red")) == pytest.approx(1, abs=1e-5)


@given(st.integers(0, 99))
@settings(deadline=None, max_examples=10)
def test_no_change_and_all_of_the_picture_are_the_pictures_order(seed: int) -> None:
    head, stored = a_head(seed), unit(seed, 20)
    given_parts = np.random.default_rng(seed).standard_normal((len(PARTS), 20)).astype(np.float32)
    order = np.argsort(-given_parts[0])
    for sliders in ((0, 0.5), (1, 1)):
        assert np.array_equal(np.argsort(-head.scores(given_parts, stored, "in red", *sliders)), order)
    plain = head.scores(given_parts, stored, "", 1, 0.5)
    assert plain == pytest.approx(head.weights @ given_parts, abs=1e-4)


def test_what_a_text_means_has_its_colours() -> None:
    found = meant(["in red", "", "a kettle"])
    assert found.shape == (3, FEATURES)
    assert found[0, WIDTH:].sum() == 1
    assert not found[1].any()
    assert not found[2, WIDTH:].any()


def test_training_puts_targets_first_and_is_the_same_each_time() -> None:
    stored = unit(3, 30)
    noise = np.random.default_rng(3).standard_normal((40, len(PARTS), 30)).astype(np.float32)
    targets = np.arange(40) % 30
    noise[np.arange(40), 1, targets] += 6
    lesson = Lesson(noise, ["in red", "a kettle"] * 20, (targets + 1) % 30, targets, 0.1)
    head, again = trained(lesson, stored), trained(lesson, stored)
    assert np.array_equal(head.matrix, again.matrix)
    assert np.array_equal(head.weights, again.weights)
    assert head.weights[1] == head.weights.max()
    mix = np.einsum("p,qpn->qn", head.weights, noise)
    assert (mix.argmax(axis=1) == targets).mean() > 0.9


def test_triplets_are_pairs_of_pictures_and_words_that_differ(bank: Bank) -> None:
    made = self_made(bank, 30, np.random.default_rng(0))
    assert made == self_made(bank, 30, np.random.default_rng(0))
    assert made != self_made(bank, 30, np.random.default_rng(1))
    assert 0 < len(made) <= 30
    assert all(one.reference != one.target for one in made)
    colours = [one for one in made if one.kind == "colour"]
    shown = bank.wording.concepts[:, 1000:] ** 2
    for one in colours:
        named = meant([one.text])[0, WIDTH:] > 0
        assert (shown[one.target, named] > shown[one.reference, named]).all()


def test_columns_are_words_too(bank: Bank) -> None:
    columns = {"maker": ["Ada", "Bo", None] * 8, "note": [str(n) for n in range(24)]}
    said = {one.text for one in self_made(bank, 60, np.random.default_rng(0), columns) if one.kind == "column"}
    assert said
    assert said <= {"Ada", "Bo", "the same, Ada", "the same, Bo"}


def test_every_training_free_method_is_a_mix_of_the_parts(bank: Bank) -> None:
    one = bank.given([0], ["in blue"])[0]
    rows = parts(one).astype(np.float64)
    for name, how in METHODS.items():
        scores = composed(one, name, *how.sliders)
        mixed = rows.T @ np.linalg.lstsq(rows.T, scores, rcond=None)[0]
        assert scores == pytest.approx(mixed, abs=1e-3), name


def test_the_gate_wants_more_in_all_and_less_nowhere() -> None:
    windows = ["near", "far"] * 100
    before = np.tile([1, 2, 2, 2], 50)
    better = np.ones(200, np.int64)
    assert judged(before, before, windows, "sum")[0] is False
    accepted, why, found = judged(before, better, windows, "sum")
    assert accepted
    assert "100.0% find their picture first, with sum 25.0%" in why
    assert set(found) == {"all", "near", "far"}
    far_only = np.where(np.array(windows) == "far", 1, 2)
    accepted, why, _ = judged(before, far_only, windows, "sum")
    assert not accepted
    assert why.endswith("but 0.0% instead of 50.0% have it first where it is near")
    deeper = np.where(before == 1, 1, np.where(np.array(windows) == "near", 11, 1))
    accepted, why, _ = judged(before, deeper, windows, "sum")
    assert not accepted
    assert why.endswith("but 50.0% instead of 100.0% have it among the first 10 where it is near")
    accepted, why, found = judged(before[:20], better[:20], windows[:20], "sum")
    assert not accepted
    assert not found
    assert "fewer than 60" in why


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=5, max_size=40))
@settings(deadline=None, max_examples=20)
def test_comparing_the_other_way_round_turns_signs(pairs: list[tuple[int, int]]) -> None:
    before, after = np.array(pairs).T
    one, other = compared(before, after), compared(after, before)
    assert one.low == pytest.approx([-high for high in other.high])
    assert one.before == other.after
    assert not (one.better and other.better)


def test_few_pictures_are_refused_and_searches_say_so(collection: Collection) -> None:
    with pytest.raises(UsageError, match="has learned no composition; run samekind tune with --composition"):
        ask(collection)
    before = collection.vectors().matrix.copy()
    verdict = learn_composition(collection).result()
    assert not verdict.accepted
    assert verdict.to_dict()["why"] == verdict.why
    assert latest(collection)[1] == verdict  # type: ignore[index]
    assert np.array_equal(collection.vectors().matrix, before)
    with pytest.raises(UsageError, match="was refused"):
        ask(collection)


def test_what_was_accepted_is_used_for_its_own_space_alone(
    collection: Collection, learned: tuple[Head, LearnedComposition]
) -> None:
    head, verdict = learned
    accepted = replace(verdict, accepted=True)
    save(collection, head, accepted)
    assert len(list((collection.path / FOLDER).iterdir())) == 1
    found = accepted_head(collection)
    assert np.array_equal(found.matrix, head.matrix)
    assert found.spread == pytest.approx(head.spread)
    hits = ask(collection)
    assert hits.understood is not None
    assert hits.understood.method == "learned"
    by_picture = [hit.id for hit in ask(collection, method="sum", change=0.0)]
    assert [hit.id for hit in ask(collection, change=0.0)] == by_picture
    save(collection, head, replace(accepted, tuning="another"))
    with pytest.raises(UsageError, match="for another encoder or tuning"):
        ask(collection)
    assert made_for(collection) == (ENCODER.fingerprint, None)


def test_a_damaged_file_is_told(collection: Collection, learned: tuple[Head, LearnedComposition]) -> None:
    file = save(collection, *learned)
    file.write_bytes(b"no")
    with pytest.raises(DamagedCollection, match="cannot be read"):
        ask(collection)
    file.unlink()


def test_the_command_learns_and_says_the_verdict(collection: Collection) -> None:
    said = CliRunner().invoke(app, ["tune", str(collection.path), "--composition", "--quiet"])
    assert said.exit_code == 0, said.output
    assert said.output.startswith("refused: ")
    assert "(24 pictures, " in said.output


def ask(collection: Collection, method: str = "learned", change: float | None = None) -> Hits:
    query = Query(Like("red/1.png"), Words("blue"))
    return search(collection, query, method=method, change=change, collapse=None, k=30, encoder=ENCODER)


def test_a_folder_of_one_kind_of_picture_makes_no_queries(tmp_path: Path) -> None:
    for n in range(3):
        Image.fromarray(np.full((32, 32, 3), 255 - n, np.uint8)).save(tmp_path / f"{n}.png")
    held = Collection.create(tmp_path / "white.samekind", ENCODER)
    held.sync([tmp_path], encoder=ENCODER, tune=False).result()
    with pytest.raises(UsageError, match="too few pictures that are alike and differ in words"):
        learn_composition(held).result()
