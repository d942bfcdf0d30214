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
from samekind.adapt.watch import CLEAR, Watch
from samekind.encoders.rows import unit_rows
from samekind.events import Chosen, Event, Job
from samekind.tuning.experts import fit_experts
from tests.adapt.test_training import clumped_tokens, upper
from tests.encoders.small import WIDTH

torch = pytest.importorskip("torch", reason="training wants torch: pip install 'samekind[adapt]'")


def trained(folder: Path, epochs: tuple[int, ...] = (3,)) -> tuple[Trained, list[Event]]:
    """The method on a fifth held out, which is watched, and what was said meanwhile."""
    tokens = replace(clumped_tokens()[0], folder=folder)
    everything = np.arange(len(tokens.array))
    held = everything[::5]
    rows = np.setdiff1d(everything, held)
    plain = embed(Adaptors(upper().points, 1, 0), Mean(), upper(), tokens, everything, 0)
    mix = fit_experts(plain[rows], np.zeros((0, 0, WIDTH), np.float32), rows[:0], np.random.default_rng(0))
    job = Job(grappa(upper(), tokens, plain, mix, rows, rows, 0, Variant(epochs=epochs), watched=held))
    events = list(job)
    return job.result(), events


def said(monkeypatch: pytest.MonkeyPatch, scores: Sequence[float]) -> list[list[np.ndarray]]:
    """Lets watched pictures say these scores; notes what the parameters were each time."""
    left, seen = iter(scores), []
    fell = Watch.fell

    def noting(self: Watch, epoch: int, parameters: list[torch.Tensor]) -> bool:
        seen.append([one.detach().numpy().copy() for one in parameters])
        return fell(self, epoch, parameters)

    monkeypatch.setattr(Watch, "fell", noting)
    monkeypatch.setattr(Watch, "scores", lambda _: np.full(8, next(left), np.float32))
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


def test_it_goes_on_where_scores_stand_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = said(monkeypatch, [0.5, 0.5, 0.5, 0.6])
    _, events = trained(tmp_path)
    assert (len(seen), ends(events)) == (4, [])


def test_a_fall_within_its_error_ends_nothing() -> None:
    watch, rng = Watch(lambda _: np.zeros((0, 2), np.float32)), np.random.default_rng(0)
    parameters = [torch.zeros(1)]
    watch.best, noise = rng.random(64).astype(np.float32), rng.standard_normal(64).astype(np.float32)
    noise -= noise.mean()
    error = noise.std() / 8
    for times, ended in ((0.8 * CLEAR, False), (1.2 * CLEAR, True)):
        watch.scores = lambda times=times: watch.best - noise - times * error  # type: ignore[method-assign]
        assert watch.fell(1, parameters) is ended


def test_training_that_runs_wild_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "RATE", 30.0)
    _, events = trained(tmp_path, (6,))
    (back,) = ends(events)
    assert back.endswith("of 6")


def test_scores_of_crops_that_are_their_pictures_are_the_highest() -> None:
    rng = np.random.default_rng(0)
    look = unit_rows(rng.normal(size=(40, 8))).astype(np.float32)
    assert Watch(lambda _: look).scores().tolist() == [1.0] * 40
    crops = unit_rows(rng.normal(size=(40, 8))).astype(np.float32)
    assert Watch(lambda view: crops if view else look).scores().mean() < 0.5
