import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from samekind.errors import UsageError
from samekind.query.hits import Hit, Hits, group_copies


def hit(n: int, confidence: float, **more: object) -> Hit:
    path = f"a/{n}.jpg"
    return Hit(n, f"id{n}", "a", path, Path("/root") / path, confidence * 2 - 1, confidence, **more)  # type: ignore[arg-type]


def hits(*confidences: float, vectors: object = None, **more: object) -> Hits:
    rows = np.eye(len(confidences), dtype=np.float32) if vectors is None else np.asarray(vectors, np.float32)
    found = tuple(hit(n, confidence) for n, confidence in enumerate(confidences, 1))
    return Hits(found, rows, "birds.samekind", "mock", True, **{"k": 10, **more})  # type: ignore[arg-type]


def test_k_is_an_upper_bound_and_ranks_count_from_one() -> None:
    found = hits(0.9, 0.8, 0.7, k=2)
    assert [(one.rank, one.id) for one in found] == [(1, "id1"), (2, "id2")]
    assert len(found[:1]) == 1
    assert found[-1].id == "id2"


def test_thresholds_act_afterwards() -> None:
    found = hits(0.9, 0.6, 0.2)
    assert len(found.at_least(0.5)) == 2
    assert len(found.above(0.7)) == 1
    assert len(found.at_least(0.5).at_least(0)) == 3
    assert not found.nothing_here
    assert found.at_least(0.95).nothing_here
    assert hits(0.4).nothing_here


def test_near_duplicates_stand_behind_the_best_with_a_count() -> None:
    near = [[1, 0], [0.999, 0.0447], [0, 1], [0.6, 0.8]]
    found = hits(0.9, 0.8, 0.7, 0.6, vectors=near, collapse=0.97)
    assert [(one.id, one.copies) for one in found] == [("id1", ("id2",)), ("id3", ()), ("id4", ())]
    assert [one.copies for one in found.collapsed(0.75)] == [("id2",), ("id4",)]
    assert len(found.collapsed(None)) == 4
    assert found.to_dict()["collapsed"] == 1
    assert found.to_dict()["hits"][0]["copies"] == 1


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(st.just(n), st.integers(0, 10_000), st.floats(0.1, 1), st.integers(1, 12))
    )
)
def test_groups_take_every_row_once_and_keep_the_order(drawn: tuple[int, int, float, int]) -> None:
    n, seed, threshold, k = drawn
    rows = np.abs(np.random.default_rng(seed).normal(size=(n, 3))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    groups = group_copies(rows, threshold, n)
    assert sorted(row for group in groups for row in group) == list(range(n))
    assert all(group == sorted(group) for group in groups)
    leaders = [group[0] for group in groups]
    assert leaders == sorted(leaders)
    for place, leader in enumerate(leaders):
        assert all(rows[leader] @ rows[other] < threshold for other in leaders[:place])
    for group in groups:
        assert all(rows[group[0]] @ rows[other] >= threshold - 1e-6 for other in group)
    assert group_copies(rows, threshold, k) == groups[:k]


def test_what_is_printed() -> None:
    found = Hits(
        (hit(1, 0.9, same_file=True, columns={"year": 1990}), hit(2, 0.3)),
        np.eye(2, dtype=np.float32),
        "birds.samekind",
        "mock",
        False,
        10,
    )
    assert json.loads(found.to_json())["hits"][0] == {
        "rank": 1,
        "path": "a/1.jpg",
        "id": "id1",
        "score": 0.8,
        "confidence": 0.9,
        "root": "a",
        "file": "/root/a/1.jpg",
        "same_file": True,
        "copies": 0,
        "copy_ids": [],
        "columns": {"year": 1990},
        "roles": {},
    }
    assert [json.loads(line)["rank"] for line in found.to_jsonl().splitlines()] == [1, 2]
    assert found.paths("\0") == "/root/a/1.jpg\0/root/a/2.jpg\0"
    out = StringIO()
    Console(file=out, width=100).print(found.to_table())
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert "the same file" in lines[1]
    assert "weak from here" in lines[2]
    assert "a/2.jpg" in lines[3]
    assert repr(found) == "<Hits: 2 in birds.samekind, best a/1.jpg at 90%>"


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_impossible_thresholds_are_refused(value: float) -> None:
    with pytest.raises(UsageError):
        hits(0.9).at_least(value)
    with pytest.raises(UsageError):
        hits(0.9).collapsed(value)
