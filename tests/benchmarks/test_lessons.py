"""Lessons beside the one that stands: each is that one where nothing of its own is left, and each trains a network."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import lessons
from lessons import Averaged, Consistent, EarlyLearning, FinerTopics, Nested, Shallow, Tempered, Topics

from samekind.adapt.fusion import Mean
from samekind.adapt.grappa import Variant, grappa
from samekind.adapt.processes import Share
from samekind.adapt.tokens import Tokens
from samekind.adapt.train import Lesson, embed
from samekind.encoders.rows import unit_rows
from samekind.events import Job
from samekind.tuning.experts import fit_experts

torch = pytest.importorskip("torch", reason="training wants torch: pip install 'samekind[adapt]'")

from tests.adapt.test_training import clumped_tokens, sets_of, upper  # noqa: E402
from tests.encoders.small import WIDTH  # noqa: E402

EVERY = [Averaged, EarlyLearning, Topics, FinerTopics, Tempered, Nested, Consistent]
LABELS = np.array([0] * 6 + [1] * 2 + [2] * 2)


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return replace(clumped_tokens()[0], folder=tmp_path)


def lesson_of(kind: type[Lesson], tokens: Tokens, *labels: Any) -> Any:
    rows = np.arange(len(labels[0]))
    start = np.random.default_rng(0).normal(size=(len(rows), WIDTH)).astype(np.float32)
    return kind(tokens, rows, list(labels), (rows[:, None] + 1) % len(rows), start)


def vectors(seed: int, n: int = len(LABELS)) -> Any:
    return torch.from_numpy(unit_rows(np.random.default_rng(seed).normal(size=(n, WIDTH)).astype(np.float32)))


def test_seeds_that_agree_give_the_usual_grades(tokens: Tokens) -> None:
    rows = np.arange(len(LABELS))
    usual = lesson_of(Lesson, tokens, LABELS, LABELS // 2).grades(rows, rows[::-1])
    soft = [np.stack([one] * 3, axis=1) for one in (LABELS, LABELS // 2)]
    np.testing.assert_allclose(lesson_of(Averaged, tokens, *soft).grades(rows, rows[::-1]), usual)
    apart = [np.stack([LABELS, rows], axis=1)]
    assert lesson_of(Averaged, tokens, *apart).grades(rows[:2], rows[:2]).tolist() == [[2, 0.5], [0.5, 2]]


def test_clusters_are_sought_from_several_seeds() -> None:
    space = vectors(0, 60).numpy()
    found = Averaged.clustered(space, (8, 4), 0)
    assert [one.shape for one in found] == [(60, Averaged.SEEDS)] * len(Lesson.clustered(space, (8, 4), 0))
    np.testing.assert_array_equal(found[0][:, 0], Lesson.clustered(space, (8, 4), 0)[0])


def test_what_was_predicted_before_is_what_is_asked_for(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.arange(len(LABELS))
    usual = lesson_of(Lesson, tokens, LABELS).compared(vectors(1), vectors(2), rows, rows)
    with monkeypatch.context() as without:
        without.setattr(EarlyLearning, "WEIGHT", 0.0)
        without.setattr(EarlyLearning, "MEMORY", 0.0)
        lesson = lesson_of(EarlyLearning, tokens, LABELS)
        assert float(lesson.compared(vectors(1), vectors(2), rows, rows)) == pytest.approx(float(usual))
        np.testing.assert_allclose(lesson.memory, vectors(1).numpy())
    told = [lesson_of(EarlyLearning, tokens, LABELS) for _ in range(2)]
    for seed, lesson in enumerate(told):
        lesson.compared(vectors(3 + seed), vectors(3 + seed), rows, rows)
    same, other = (float(one.compared(vectors(3), vectors(3), rows, rows)) for one in told)
    assert same < other


@pytest.mark.parametrize("kind", [Topics, FinerTopics])
def test_topics_come_in_batches_and_no_picture_twice(
    kind: type[Topics], tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "BATCH", 20)
    labels = np.repeat(np.arange(5), 20)
    lesson = lesson_of(kind, tokens, labels, labels)
    order = lesson.order(np.random.default_rng(0))
    assert sorted(order) == list(range(100))
    mixed = [len(np.unique(labels[one])) for one in order.reshape(-1, 20)]
    monkeypatch.setattr(kind, "BY_CHANCE", 0.0)
    order = lesson.order(np.random.default_rng(0))
    assert [len(np.unique(labels[one])) for one in order.reshape(-1, 20)] == [1] * 5
    assert max(mixed) > 1


def test_large_clusters_are_drawn_less_often(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.array([0] * 80 + [1] * 20)
    lesson = lesson_of(Tempered, tokens, labels)
    order = lesson.order(np.random.default_rng(0))
    assert len(order) == 100
    assert np.count_nonzero(labels[order]) == pytest.approx(100 / 3, abs=1)  # sqrt(20) of sqrt(80) + sqrt(20)
    monkeypatch.setattr(Tempered, "POWER", 1.0)
    assert sorted(lesson.order(np.random.default_rng(0))) == list(range(100))


def test_prefixes_pay_the_mean_of_three(tokens: Tokens) -> None:
    rows = np.arange(len(LABELS))
    few = vectors(1).clone()
    few[:, WIDTH // 4 :] = 0
    few = torch.nn.functional.normalize(few, dim=-1)
    paid = [float(lesson_of(kind, tokens, LABELS).compared(few, few, rows, rows)) for kind in (Lesson, Nested)]
    assert paid[1] == pytest.approx(paid[0], rel=1e-5)


def test_views_that_see_the_same_pay_nothing_more(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Consistent, "SHARPENED", 1.0)
    rows = np.arange(len(LABELS))
    lesson, usual = (lesson_of(kind, tokens, LABELS) for kind in (Consistent, Lesson))
    both = torch.stack([vectors(1), vectors(1)], 1).flatten(0, 1)
    paid = float(usual.compared(vectors(1), vectors(2), rows, rows))
    assert float(lesson.compared(both, vectors(2), rows, rows)) == pytest.approx(paid, abs=1e-5)
    both[1::2] = vectors(4)
    assert float(lesson.compared(both, vectors(2), rows, rows)) > paid
    first, second, partners = lesson.drawn(rows, upper(), np.random.default_rng(0), Share())
    assert len(first) == 2 * len(second) == 2 * len(partners)
    np.testing.assert_array_equal(partners, (rows + 1) % len(rows))


def test_fewer_points_are_the_last_ones(tokens: Tokens) -> None:
    rows, whole = np.arange(6), upper()
    few = Shallow(whole, 2)
    assert list(few.points) == list(whole.points)[-2:]
    plain = embed(sets_of(1), Mean(), whole, tokens, rows, 0)
    np.testing.assert_array_equal(embed(sets_of(1), Mean(), Shallow(whole, len(whole.points)), tokens, rows, 0), plain)


@pytest.mark.parametrize("kind", EVERY)
def test_each_trains_a_network(kind: type[Lesson], tokens: Tokens) -> None:
    rows = np.arange(len(tokens.array))
    plain = embed(sets_of(1), Mean(), upper(), tokens, rows, 0)
    mix = fit_experts(plain, np.zeros((0, 0, WIDTH), np.float32), rows[:0], np.random.default_rng(0))
    variant = Variant(sizes=(32, 8), epochs=(2, 2), lesson=kind)
    found = Job(grappa(upper(), tokens, plain, mix, rows, rows, 0, variant)).result()
    assert np.isfinite(found.look).all()
    assert not np.allclose(found.look, plain)
