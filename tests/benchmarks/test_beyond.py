"""Everything that `benchmarks/beyond.py` compares runs from end to end, on a small network."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import beyond
from beyond import AS_IT_IS, HALF, LESSONS, NESTED, PROTOCOL, SHALLOW, SPARED, Kept, lessons, teaching
from trained import Bench

from samekind.adapt.fusion import Mean
from samekind.adapt.networks import Trainable
from samekind.adapt.train import embed
from samekind.encoders.base import Part
from samekind.encoders.rows import unit_rows
from samekind.evaluation.labels import LabelledSet
from samekind.evaluation.vectors import SetVectors

pytest.importorskip("torch", reason="training wants torch: pip install 'samekind[adapt]'")

from tests.adapt.test_training import clumped_tokens, sets_of, upper
from tests.encoders.small import WIDTH

NAMES = ("garden", "meadow")
SHORT = replace(LESSONS[AS_IT_IS], sizes=(8, 4), epochs=(1, 1))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Two sets; the witness sees what the network does."""
    tokens, labels = clumped_tokens()
    tokens = replace(tokens, folder=tmp_path)
    plain = embed(sets_of(1), Mean(), upper(), tokens, np.arange(len(labels)), 0)
    sets, vectors, looks = [], [], []
    for name, rows in zip(NAMES, np.array_split(np.arange(len(labels)), len(NAMES)), strict=True):
        kinds = tuple(f"{name} {label}" for label in labels[rows])
        blank = ("",) * len(rows)
        sets.append(LabelledSet(name, Path(), tuple(map(str, rows)), kinds, blank, ("both",) * len(rows)))
        views = plain[rows][:, None].repeat(2, axis=1)
        at = np.arange(len(rows))
        vectors.append(SetVectors(at, plain[rows], views, at))
        looks.append(unit_rows(plain[rows]))
    encoder: Any = SimpleNamespace(parts=[Part("small", 0, WIDTH)], name="small")
    monkeypatch.setattr(beyond, "load_encoder", lambda _: encoder)
    monkeypatch.setattr(beyond, "LESSONS", dict.fromkeys(LESSONS, SHORT))
    monkeypatch.setattr(beyond, "GROUPS", (2,))
    return Bench(encoder, sets, vectors, [Trainable("small", upper(), tokens)], looks)


def test_what_was_found_is_kept_and_compared(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harm = iter([True, False, False, True])
    monkeypatch.setattr(beyond, "less_alike", lambda *_: next(harm))
    kept, run = Kept(tmp_path / "part"), bench.run(*PROTOCOL)
    for label in (AS_IT_IS, NESTED, SHALLOW, HALF, SPARED):
        assert not kept.has(label, 0)
        lessons(bench, run, label, 0, kept)
    again = Kept(tmp_path / "part")
    assert all(again.has(label, 0) for label in (AS_IT_IS, NESTED, SHALLOW, HALF, SPARED))
    by_sets = f"{SPARED} by sets"
    rows = list(again.rows([*NAMES], {AS_IT_IS: "", by_sets: SPARED}))
    assert {row["what"] for row in rows} == {AS_IT_IS, NESTED, SHALLOW, HALF, by_sets, f"{SPARED} by 2 groups"}
    for row in rows:
        assert bool(row[f"against {AS_IT_IS}"]) == (row["what"] != AS_IT_IS)
        assert bool(row[f"against {by_sets}"]) == (row["what"] == f"{SPARED} by 2 groups")
    assert next(harm, None) is None


def test_a_teacher_teaches(bench: Bench) -> None:
    kept = Kept(None)
    teaching(bench, bench, bench.run(*PROTOCOL), 0, kept)
    assert {label for label, _, _ in kept.found} == {"the teacher", beyond.ALONE, beyond.TAUGHT}
