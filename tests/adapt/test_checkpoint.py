"""Training that is broken off goes on where it was, to the same bytes; what was kept is whole, or it is not used."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn

from samekind.adapt import train
from samekind.adapt.checkpoint import SUFFIX, Checkpoint, pack, unpack
from samekind.adapt.grappa import Trained, Variant, grappa
from samekind.adapt.tokens import Tokens
from samekind.adapt.watch import Watched
from samekind.events import Job, Progress, Warned
from samekind.tuning.experts import fit_experts
from tests.adapt.test_training import clumped_tokens, upper
from tests.encoders.small import WIDTH

torch = pytest.importorskip("torch", reason="training wants torch: pip install 'samekind[adapt]'")

VARIANT = Variant(sizes=(32, 8), epochs=(2, 2), fusion="attention")
"""Two rounds of sets and one descent of attention."""
DESCENTS = 3


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return replace(clumped_tokens()[0], folder=tmp_path)


def job(tokens: Tokens, seed: int = 0) -> Job[Trained]:
    rows = np.arange(len(tokens.array))
    plain = np.random.default_rng(1).normal(size=(len(rows), WIDTH)).astype(np.float32)
    mix = fit_experts(plain, np.zeros((0, 0, WIDTH), np.float32), rows[:0], np.random.default_rng(0))
    watched = Watched(rows[1::4], np.arange(5, 20), [(np.arange(10), plain[1:40:4])])
    return Job(grappa(upper(), tokens, plain, mix, rows, rows[::2], seed, VARIANT, watched=watched))


def stepped(events: Iterator[Any]) -> Counter[str]:
    """How many steps of each stage were gone."""
    found = Counter({"training": 0, "fusing": 0, "looking again": 0})
    for event in events:
        if isinstance(event, Progress) and event.done != event.total:
            found[event.stage] += 1
    return found


def same(one: Trained, other: Trained) -> bool:
    assert list(one.tensors) == list(other.tensors)
    assert one.losses == other.losses
    pairs = [*zip(one.tensors.values(), other.tensors.values(), strict=True), (one.look, other.look)]
    return all(ours.tobytes() == theirs.tobytes() for ours, theirs in pairs)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return job(replace(clumped_tokens()[0], folder=tmp_path_factory.mktemp("alone"))).result()


def broken_off(tokens: Tokens, stage: str, at: int) -> None:
    """A run that ends before the ``at``-th step of a stage, counted over all of its descents."""
    for event in job(tokens):
        at -= isinstance(event, Progress) and event.stage == stage and event.done != event.total
        if at <= 0:
            return
    raise AssertionError("it came to its end")


@pytest.mark.parametrize(
    ("stage", "at", "left"),
    [
        ("training", 2, {"training": 3, "looking again": 4, "fusing": 2}),
        ("looking again", 1, {"training": 2, "looking again": 4, "fusing": 2}),
        ("training", 3, {"training": 2, "looking again": 2, "fusing": 2}),
        ("training", 4, {"training": 1, "looking again": 2, "fusing": 2}),
        ("fusing", 2, {"training": 0, "looking again": 2, "fusing": 1}),
    ],
)
def test_a_run_goes_on_after_its_last_epoch(
    stage: str, at: int, left: dict[str, int], tokens: Tokens, undisturbed: Trained
) -> None:
    broken_off(tokens, stage, at)
    again = job(tokens)
    assert stepped(iter(again)) == left
    assert same(again.result(), undisturbed)


def test_a_run_may_be_broken_off_at_every_epoch(tokens: Tokens, undisturbed: Trained) -> None:
    for _ in range(4):
        broken_off(tokens, "training", 2)
        if len(list(tokens.folder.glob(f"*{SUFFIX}"))) == DESCENTS:
            break
    assert same(job(tokens).result(), undisturbed)


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: os.truncate(file, file.stat().st_size // 2),
        lambda file: os.truncate(file, 0),
        flipped,
        lambda file: file.write_bytes(b"no checkpoint at all"),
        lambda file: (file.unlink(), file.mkdir()),
    ],
)
def test_what_is_damaged_is_not_gone_on_with(
    damage: Callable[[Path], object], tokens: Tokens, undisturbed: Trained
) -> None:
    broken_off(tokens, "training", 2)
    (kept,) = tokens.folder.glob(f"*{SUFFIX}")
    damage(kept)
    again = job(tokens)
    assert stepped(iter(again))["training"] == 4
    assert same(again.result(), undisturbed)


def test_another_run_begins_at_its_beginning(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_off(tokens, "training", 2)
    assert stepped(iter(job(tokens, seed=1)))["training"] == 4
    monkeypatch.setattr(train, "CLUSTER_WEIGHT", 0.25)
    assert stepped(iter(job(tokens)))["training"] == 4


def test_a_full_disk_does_not_end_training(
    tokens: Tokens, undisturbed: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    run = job(tokens)
    warned = [event for event in run if isinstance(event, Warned)]
    assert len(warned) == DESCENTS + 1
    assert "is the disk full?" in warned[0].message
    assert list(tokens.folder.iterdir()) == []
    assert same(run.result(), undisturbed)


@given(
    st.dictionaries(
        st.text("abc.", min_size=1, max_size=4),
        drawn.arrays(
            st.sampled_from([np.float32, np.uint8, np.int64]), drawn.array_shapes(min_dims=0, max_dims=3, min_side=0)
        ),
        max_size=4,
    ),
    st.dictionaries(st.text(max_size=5), st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)),
)
def test_what_is_packed_comes_back(arrays: dict[str, np.ndarray], state: dict[str, Any]) -> None:
    found, told = unpack(pack(arrays, state))
    assert told == state
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


def test_a_name_follows_from_everything() -> None:
    rows = np.arange(4)
    names = {
        Checkpoint.of(Path(), *given_).file.name
        for given_ in [(rows,), (rows[::-1],), (rows.astype(np.int32),), (rows.reshape(2, 2),), (rows, 1), (1, rows)]
    }
    assert len(names) == 6
    assert Checkpoint.of(Path(), rows[::2]) == Checkpoint.of(Path(), np.array([0, 2]))
