"""Training in several processes comes to what one comes to; they end together, however one of them ends."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samekind.adapt import processes, torches, train, watch
from samekind.adapt.checkpoint import SUFFIX
from samekind.adapt.processes import Share
from samekind.adapt.tokens import FILE
from samekind.errors import UsageError
from tests.adapt.pair import found_by
from tests.adapt.test_training import clumped_tokens

torch = pytest.importorskip("torch", reason="training wants torch: pip install 'samekind[adapt]'")


def meeting(count: int) -> tuple[Any, dict[str, str]]:
    """The store where so many processes find each other, as torchrun keeps it while they run; what they are told."""
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
    return store, where | {"WORLD_SIZE": str(count)}


def started(*words: str | Path, count: int = 2) -> list[tuple[int, str]]:
    """Exit code and standard error of each process; this one takes the place of torchrun."""
    _store, where = meeting(count)
    script = Path(__file__).with_name("pair.py")
    runs = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", str(script), *map(str, words)],
            env=os.environ | where | {"RANK": str(rank)},
            stderr=subprocess.PIPE,
        )
        for rank in range(count)
    ]
    try:
        said = [run.communicate(timeout=300)[1].decode() for run in runs]
    finally:
        for run in runs:
            run.kill()
    return [(run.returncode, err) for run, err in zip(runs, said, strict=True)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / FILE, clumped_tokens()[0].array)
    return tmp_path


def test_two_processes_come_to_what_one_comes_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted in between, and gone on with."""
    stopped = started(folder, "stops")
    assert [code for code, _ in stopped] == [130, 130], stopped
    assert len(list(folder.glob(f"*{SUFFIX}"))) == 3
    assert [code for code, _ in started(folder)] == [1, 1]
    found = dict(np.load(folder / "found.npz"))
    monkeypatch.setattr(torches, "machine_precision", torches.machine_precision)  # which the next line changes
    monkeypatch.setattr(watch.Watch, "scores", watch.Watch.scores)  # and this
    alone = found_by(replace(clumped_tokens()[0], folder=folder / "alone"))
    assert list(found) == list(alone)
    for name, one in alone.items():
        np.testing.assert_allclose(found[name], one, atol=2e-3, err_msg=name)
    for look in ("0 look", "1 look"):
        assert (found[look] * alone[look]).sum(axis=1).min() > 0.9999


def test_what_fails_in_one_ends_all_in_one_sentence(folder: Path) -> None:
    (code, said), (other, silent) = started(folder, "fails")
    assert (code, other) == (1, 2)
    assert "0: Training in 2 processes ended early (process 1: no room for this); run the same again" in said
    assert "Traceback" not in silent


def test_shares_are_put_together_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = np.arange(24)
    shares = []
    for rank in range(2):
        monkeypatch.setattr(processes, "_group", processes._Group(rank, 2))
        shares.append(Share(3).of(batch))
    assert shares[0].tolist() == [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19]
    assert sorted(np.concatenate(shares)) == batch.tolist()


def test_too_many_processes_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_group", processes._Group(0, 200))
    with pytest.raises(UsageError, match=r"^200 processes are too many for 1000 pictures in batches of 128"):
        train._batch(1000, 1)
