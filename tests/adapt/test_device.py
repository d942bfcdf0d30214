"""Training somewhere else than on the processor: every tensor is where it is asked for. No GPU is needed to see that.

torch's "meta" device takes its place: a device without numbers, on which everything but looking at them can be done.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samekind.adapt import torches, train
from samekind.adapt.adaptors import Adaptors
from samekind.adapt.descent import Descent
from samekind.adapt.fusion import Attention, Mean
from samekind.adapt.processes import average_gradients
from samekind.adapt.torches import device
from samekind.adapt.train import Lesson, PairLoss, asked_of, embed, shares_of, train_fusion, train_sets
from samekind.adapt.trunk import UpperNetwork
from samekind.encoders.load import blueprints
from samekind.encoders.points import points_of
from samekind.errors import UsageError
from samekind.events import Event, Job
from samekind.settings import Settings
from tests.adapt.networks import write_conv, write_vit
from tests.adapt.test_training import clumped_tokens, network
from tests.encoders.small import WIDTH

torch = pytest.importorskip("torch", reason="training wants torch: pip install 'samekind[adapt]'")

ELSEWHERE = "meta"
BRIDGES = {"aten._to_copy", "aten.copy_", "aten.index"}
"""What may have tensors of two places: copies, and an index that is kept on the processor."""


class Places(torch.utils._python_dispatch.TorchDispatchMode):
    """Holds every operator to tensors of one place; a single number may come from the processor."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere = 0

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [one for one in torch.utils._pytree.tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
        places = {one.device.type for one in given if one.ndim}
        self.elsewhere += ELSEWHERE in places
        assert len(places) < 2 or str(op).rpartition(".")[0] in BRIDGES, f"{op}: {places}"
        return op(*args, **(kwargs or {}))


@pytest.fixture
def lesson() -> Lesson:
    tokens, labels = clumped_tokens()
    rng = np.random.default_rng(0)
    start = rng.normal(size=(len(labels), WIDTH)).astype(np.float32)
    neighbours = rng.integers(0, len(labels), (len(labels), 3))
    return Lesson(tokens, np.arange(len(labels)), [labels, labels // 2], neighbours, start)


@pytest.fixture
def one_step(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Descents of one step, whose loss nobody looks at; the parameters of each."""
    seen: list[Any] = []

    def run(self: Descent, parameters: Any, loss: Any, *_: Any) -> Generator[Event, None, list[list[float]]]:
        yield from ()
        with torches.autocast(ELSEWHERE):
            sum(loss(np.arange(self.batch), np.random.default_rng(0))).backward()
        average_gradients(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, self.norm)
        torch.optim.AdamW(parameters).step()
        seen.extend(parameters)
        return [[1.0, 1.0]]

    monkeypatch.setattr(Descent, "run", run)
    monkeypatch.setattr(Lesson, "checkpoint", lambda *_: None)
    monkeypatch.setattr(torches, "autocast", lambda _: torch.autocast("cpu", torch.bfloat16, enabled=False))
    monkeypatch.setattr(train, "autocast", torches.autocast)
    return seen


@pytest.mark.parametrize("pair_loss", ["graded", "contrast"])
@pytest.mark.parametrize("routed", [True, False])
def test_training_happens_where_it_is_asked_to(
    routed: bool, pair_loss: PairLoss, lesson: Lesson, one_step: list[Any]
) -> None:
    lesson = replace(lesson, pair_loss=pair_loss)
    trunk = UpperNetwork(network(), points_of(network()), "small vit", ELSEWHERE)
    sets = Adaptors(trunk.points, 2, 0, trunk.device)
    with Places() as places:
        Job(train_sets(sets, trunk, lesson, 0, routed)).result()
        fusion = Attention(sets, 0)
        if routed:
            Job(train_fusion(fusion, trunk, lesson, 0, consistency=1.0)).result()
    everything = [*sets.tensors.values(), *fusion.tensors.values(), *one_step]
    assert {one.device.type for one in everything} == {ELSEWHERE}
    assert {one.grad.device.type for one in one_step} == {ELSEWHERE}
    assert places.elsewhere > 500


def test_vectors_are_made_there_and_come_back(lesson: Lesson, one_step: list[Any]) -> None:
    """They would: what has no numbers cannot."""
    trunk = UpperNetwork(network(), points_of(network()), "small vit", ELSEWHERE)
    sets = Adaptors(trunk.points, 2, 0, trunk.device)
    given = (trunk, lesson.tokens, lesson.rows)
    spared = np.zeros(len(lesson.rows), bool)
    for look in (
        lambda: embed(sets, Mean(), *given, 0),
        lambda: embed(sets, Attention(sets, 0, "token"), *given, 1),
        lambda: shares_of(Attention(sets, 0), *given),
        lambda: asked_of(sets, *given, spared),
    ):
        with Places() as places, pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
            look()
        assert places.elsewhere > 30


@pytest.mark.parametrize("write", [write_vit, write_conv])
def test_a_network_of_any_file_runs_there(write: Any, tmp_path: Path) -> None:
    """Its lengths are worked out on the processor, where Python reads them."""
    model = blueprints(f"onnx:{write(tmp_path / 'network.onnx')}", Settings())[0].build()
    trunk = UpperNetwork(model, points_of(model), "this", ELSEWHERE)
    assert {one.device.type for one in trunk.frozen.values() if one.is_floating_point()} == {ELSEWHERE}
    sets = Adaptors(trunk.points, 2, 0, ELSEWHERE)
    with Places():
        found = sets.fused(trunk, torch.zeros(3, *trunk.shape, device=ELSEWHERE), Mean())
    assert found.device.type == ELSEWHERE


def test_the_device_is_what_is_there_or_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device(settings) == device(replace(settings, device="cpu")) == "cpu"
    with pytest.raises(UsageError, match=r"^Training is to use 1 GPU and torch finds none; .*SAMEKIND_DEVICE=cpu"):
        device(replace(settings, device="cuda"))
    with pytest.raises(UsageError, match="Did you mean 'cuda'"):
        device(replace(settings, device="cude"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device(settings) == "cuda:0"
    assert device(replace(settings, device="cpu")) == "cpu"
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert device(settings) == "cuda:1"
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(UsageError, match="is to use 3 GPUs and torch finds 2; start fewer"):
        device(settings)
