"""Training on a GPU comes to what the processor comes to. Skipped where torch finds none."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samekind.adapt import torches
from samekind.adapt.grappa import Trained, Variant, grappa, spare
from samekind.adapt.tokens import Tokens
from samekind.adapt.trunk import UpperNetwork
from samekind.encoders.points import points_of
from samekind.encoders.rows import unit_rows
from samekind.events import Job, Progress
from samekind.settings import Settings
from samekind.tuning.experts import fit_experts
from tests.adapt.test_processes import meeting
from tests.adapt.test_training import clumped_tokens, network
from tests.encoders.small import WIDTH

torch = pytest.importorskip("torch", reason="training wants torch: pip install 'samekind[adapt]'")
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a GPU that torch finds by CUDA")

GPU = "cuda:0"
VARIANTS = [
    Variant(sizes=(32, 8), epochs=(2, 2)),
    Variant(sizes=(32, 8), epochs=(2, 2), pair_loss="contrast"),
    Variant(sizes=(32, 8), epochs=(2,), fusion="attention", consistency=1.0, pair_loss="contrast"),
    Variant(sizes=(32, 8), epochs=(2,), fusion="attention", query="token", pair_loss="redundancy"),
    Variant(sizes=(32, 8), epochs=(2,), fusion="slerp", pairs="views", pair_loss="contrast"),
    Variant(sizes=(32, 8), epochs=(2,), fusion="apart", routed=False, pair_loss="contrast"),
]

NCCL = """
import torch
from samekind.adapt import processes

def lead():
    assert torch.distributed.get_backend() == "nccl" or "nccl" in str(torch.distributed.get_backend_config())
    one = torch.nn.Parameter(torch.ones(3, device="cuda:0"))
    one.grad = torch.full((3,), 4.0, device="cuda:0")
    processes._group.count = 2  # as if another had nothing to add
    processes.average_gradients([one])
    assert one.grad.tolist() == [2.0] * 3, one.grad
    processes._broadcast(torch.arange(3))
    return 0

raise SystemExit(processes.together(lead, lambda: 0, "cuda:0"))
"""


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return replace(clumped_tokens()[0], folder=tmp_path)


@pytest.fixture
def exactly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No roundings to bfloat16, nor to the GPU's shorter floats."""
    for module in ("train", "descent"):
        monkeypatch.setattr(f"samekind.adapt.{module}.autocast", lambda _: contextlib.nullcontext())
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


def started(tokens: Tokens, device: str, variant: Variant) -> Job[Trained]:
    trunk = UpperNetwork(network(), points_of(network()), "small vit", device)
    rows = np.arange(len(tokens.array))
    plain = np.random.default_rng(1).normal(size=(len(rows), WIDTH)).astype(np.float32)
    mix = fit_experts(plain, np.zeros((0, 0, WIDTH), np.float32), rows[:0], np.random.default_rng(0))

    def steps() -> Any:
        found = yield from grappa(trunk, tokens, plain, mix, rows, rows[::2], 0, variant)
        if variant.fusion != "mean":
            return found
        return (yield from spare(found, trunk, tokens, rows, rows[::2], rows < 48))

    return Job(steps())


def test_it_is_found() -> None:
    assert torches.device(Settings()) == GPU


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: f"{one.fusion} {one.query} {one.pairs} {one.pair_loss}")
def test_the_same_comes_of_it(variant: Variant, tokens: Tokens, exactly: None) -> None:
    alone, ours = (
        started(replace(tokens, folder=tokens.folder / device[:4]), device, variant).result() for device in ("cpu", GPU)
    )
    assert list(alone.tensors) == list(ours.tensors)
    for name, one in alone.tensors.items():
        np.testing.assert_allclose(ours.tensors[name], one, atol=5e-3, err_msg=name)
    assert (alone.look * ours.look).sum(axis=1).min() > 0.9999 * (alone.look * alone.look).sum(axis=1).max()


def test_bfloat16_comes_near(tokens: Tokens) -> None:
    alone, ours = (
        started(replace(tokens, folder=tokens.folder / device[:4]), device, VARIANTS[0]).result()
        for device in ("cpu", GPU)
    )
    cosines = (unit_rows(alone.look) * unit_rows(ours.look)).sum(axis=1)
    assert cosines.mean() > 0.99


def test_a_killed_run_goes_on(tokens: Tokens, exactly: None) -> None:
    whole = started(replace(tokens, folder=tokens.folder / "whole"), GPU, VARIANTS[2]).result()
    broken = 0
    for event in started(replace(tokens, folder=tokens.folder / "broken"), GPU, VARIANTS[2]):
        broken += isinstance(event, Progress) and event.stage == "training"
        if broken > 2:
            break
    again = started(replace(tokens, folder=tokens.folder / "broken"), GPU, VARIANTS[2]).result()
    for name, one in whole.tensors.items():
        np.testing.assert_allclose(again.tensors[name], one, atol=5e-3, err_msg=name)


def test_processes_speak_by_nccl() -> None:
    _store, where = meeting(1)
    run = subprocess.run(
        [sys.executable, "-c", NCCL],
        env=os.environ | where | {"RANK": "0"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
