"""Training is watched: it ends where held-out pictures fare clearly worse, and goes back to where they fared best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samekind.adapt import train
from samekind.adapt.adaptors import Adaptors
from samekind.adapt.fusion import Mean
from samekind.adapt.grappa import Trained, Variant, grappa
from samekind.adapt.train import embed
from samekind.adapt.watch import AMONG_AT_MOST, CLEAR, WATCHED_AT_MOST, Watch, Watched, _Best
from samekind.encoders.rows import unit_rows
from samekind.events import Chosen, Event, Job
from samekind.tuning.experts import fit_experts

torch = pytest.importorskip("torch", reason="training wants torch: pip install 'samekind[adapt]'")

from tests.adapt.test_training import clumped_tokens, upper  # noqa: E402
from tests.encoders.small import WIDTH  # noqa: E402


def trained(folder: Path, epochs: tuple[int, ...] = (3,)) -> tuple[Trained, list[Event]]:
    """The method on a fifth held out, which is watched, and what was said meanwhile."""
    tokens = replace(clumped_tokens()[0], folder=folder)
    everything = np.arange(len(tokens.array))
    held = everything[::5]
    rows = np.setdiff1d(everything, held)
    plain = embed(Adaptors(upper().points, 1, 0), Mean(), upper(), tokens, everything, 0)
    mix = fit_experts(plain[rows], np.zeros((0, 0, WIDTH), np.float32), rows[:0], np.random.default_rng(0))
    job = Job(
        grappa(
            upper(),
            tokens,
            plain,
            mix,
            rows,
            rows,
            0,
            Variant(epochs=epochs),
            watched=Watched(held, np.arange(len(held))),
        )
    )
    events = list(job)
    return job.result(), events


def said(monkeypatch: pytest.MonkeyPatch, scores: Sequence[float]) -> list[list[np.ndarray]]:
    """Lets watched pictures say these scores; notes what the parameters were each time."""
    left, seen = iter(scores), []
    fell = Watch.fell

    def noting(self: Watch, epoch: int, parameters: list[torch.Tensor]) -> str:
        seen.append([one.detach().numpy().copy() for one in parameters])
        return fell(self, epoch, parameters)

    monkeypatch.setattr(Watch, "fell", noting)
    monkeypatch.setattr(Watch, "scores", lambda _: {"views": np.full(8, next(left), np.float32)})
    return seen


def ends(events: list[Event]) -> list[str]:
    return [event.value for event in events if isinstance(event, Chosen) and event.what == "training"]


def test_a_clear_fall_ends_it_and_the_best_epoch_is_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = said(monkeypatch, [0.5, 0.9, 0.8])
    found, events = trained(tmp_path)
    assert ends(events) == ["goes back to epoch 1 of 3"]
    assert len(seen) == 3
    for ours, best in zip(found.sets.tensors.values(), seen[1], strict=True):
        np.testing.assert_array_equal(ours.detach().numpy(), best.astype(np.float16).astype(np.float32))


def test_what_was_ended_stays_so_in_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said(monkeypatch, [0.5, 0.9, 0.8])
    first, _ = trained(tmp_path)
    again, events = trained(tmp_path)  # nobody is asked any more
    assert ends(events) == ["goes back to epoch 1 of 3"]
    assert again.look.tobytes() == first.look.tobytes()


def test_a_second_round_that_is_sent_back_to_its_start_leaves_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = said(monkeypatch, [0.5, 0.6, 0.7, 0.9, 0.1])
    found, events = trained(tmp_path, (2, 3))
    assert ends(events) == ["goes back to epoch 0 of 3"]
    for ours, first in zip(found.sets.tensors.values(), seen[2], strict=True):
        np.testing.assert_array_equal(ours.detach().numpy(), first.astype(np.float16).astype(np.float32))


def test_a_second_round_that_goes_well_is_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = said(monkeypatch, [0.5] * 6)
    found, events = trained(tmp_path, (2, 2))
    assert (len(seen), ends(events)) == (6, [])
    ours = np.concatenate([one.detach().numpy().ravel() for one in found.sets.tensors.values()])
    first, last = (np.concatenate([one.ravel() for one in seen[at]]) for at in (2, 5))
    np.testing.assert_allclose(ours, last, rtol=2e-3, atol=1e-5)
    assert not np.allclose(ours, first, atol=1e-3)


def test_it_goes_on_where_scores_stand_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = said(monkeypatch, [0.5, 0.5, 0.5, 0.6])
    _, events = trained(tmp_path)
    assert (len(seen), ends(events)) == (4, [])


def test_a_fall_within_its_error_ends_nothing() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(64)
    noise, before = noise - noise.mean(), rng.random(64)
    error = noise.std() / 8
    for times, ended in ((0.8 * CLEAR, ""), (1.2 * CLEAR, "views")):
        watch = Watch(lambda *_: np.zeros((0, 2), np.float32), Watched(np.arange(64), np.arange(64)))
        watch.best["views"] = _Best(0, before, [])
        watch.scores = lambda times=times: {"views": before - noise - times * error}  # type: ignore[method-assign]
        assert watch.fell(1, [torch.zeros(1)]) == ended


def test_what_the_witness_sees_falling_ends_it_though_views_rise() -> None:
    watch = Watch(lambda *_: np.zeros((0, 2), np.float32), Watched(np.arange(8), np.arange(8)))
    said = iter([(0.5, 0.6), (0.6, 0.7), (0.7, 0.4)])
    watch.scores = lambda: dict(zip(("views", "witness"), (np.full(8, one) for one in next(said)), strict=True))  # type: ignore[method-assign]
    assert [watch.fell(epoch, [torch.full((1,), float(epoch))]) for epoch in range(3)] == ["", "", "witness"]
    assert (watch.back().epoch, watch.back().tensors[0].tolist()) == (1, [1.0])


def test_who_is_watched() -> None:
    held = [np.array([1, 4, 7, 9, 11]), np.array([0, 2]), np.arange(500)]
    witnesses = [np.eye(12, dtype=np.float32), None, np.random.default_rng(0).normal(size=(900, 3)).astype(np.float32)]
    found = Watched.of([12, 8, 900], held, witnesses, np.random.default_rng(0))
    most = WATCHED_AT_MOST // 3
    assert sorted(found.rows[found.held][:5]) == [1, 4, 7, 9, 11]
    assert sorted(found.rows[:12]) == list(range(12))
    assert sorted(found.rows[12:14]) == [12, 14]
    assert len(found.held) == 5 + 2 + most
    assert set(found.rows[found.held][7:]) <= set(range(20, 520))
    assert len(found.rows) == 14 + AMONG_AT_MOST // 3
    assert len(np.unique(found.rows)) == len(found.rows)
    (first, seen), (last, others) = found.witnesses
    np.testing.assert_array_equal(seen.argmax(axis=1), found.rows[first])
    np.testing.assert_array_equal(others, witnesses[2][found.rows[last] - 20])


def test_training_that_runs_wild_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "RATE", 30.0)
    _, events = trained(tmp_path, (6,))
    (back,) = ends(events)
    assert back.endswith("of 6")


def test_scores_of_crops_that_are_their_pictures_are_the_highest() -> None:
    rng = np.random.default_rng(0)
    look = unit_rows(rng.normal(size=(40, 8))).astype(np.float32)
    watched = Watched(np.arange(40), np.arange(10, 40), [(np.arange(20), look[:20])])
    found = Watch(lambda rows, _: look[rows], watched).scores()
    assert found["views"].tolist() == [1.0] * 30
    assert found["witness"].shape == (20,)
    crops = unit_rows(rng.normal(size=(40, 8))).astype(np.float32)
    others = Watch(lambda rows, view: crops[rows] if view else crops[::-1][rows], watched).scores()
    assert others["views"].mean() < 0.5
    assert others["witness"].mean() < found["witness"].mean()
