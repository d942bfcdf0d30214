"""Who is fitted on, searched and asked about."""

import itertools
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import UsageError
from samekind.evaluation.labels import LabelledSet
from samekind.evaluation.protocols import Task, check_protocol, in_fit_half, joined, task_of


def a_set(labels: list[str], splits: list[str]) -> LabelledSet:
    paths = tuple(f"{at}.jpg" for at in range(len(labels)))
    return LabelledSet("s", Path(), paths, tuple(labels), ("",) * len(labels), tuple(splits))


def test_own_uses_every_picture():
    task = task_of(a_set(["a", "a", "b", "b"], ["both", "gallery", "query", "both"]), "own")
    assert list(task.fit) == list(task.gallery) == [0, 1, 3]
    assert list(task.queries) == [0, 2, 3]
    assert list(task.own) == [0, -1, 2]


def test_new_halves_by_crc32_of_the_label():
    labels = [f"class {at}" for at in range(12) for _ in range(2)]
    task = task_of(a_set(labels, ["both"] * 24), "new")
    even = {label for label in labels if zlib.crc32(label.encode()) % 2 == 0}
    assert {labels[row] for row in task.fit} == even
    assert {labels[row] for row in task.gallery} == set(labels) - even
    assert list(task.queries) == list(task.gallery)


def test_splits_differ():
    labels = [f"class {at}" for at in range(40)]
    halves = [np.array([in_fit_half(label, split) for label in labels]) for split in (0, 1, 2)]
    for one, other in itertools.combinations(halves, 2):
        assert 0.2 < (one == other).mean() < 0.8, "neither the same halving nor its mirror"


@given(
    st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from(["both", "query", "gallery"])), min_size=1),
    st.sampled_from(["own", "new"]),
    st.sampled_from([0, 1, 2]),
)
def test_roles_never_leak(rows, protocol, split):
    labelled = a_set([label for label, _ in rows], [split for _, split in rows])
    try:
        task = task_of(labelled, protocol, split if protocol == "new" else 0)
    except UsageError:
        return
    assert not {rows[row][1] for row in task.gallery} & {"query"}
    assert not {rows[row][1] for row in task.queries} & {"gallery"}
    if protocol == "new":
        assert not {rows[row][0] for row in task.fit} & {rows[row][0] for row in task.gallery}
    for query, own in zip(task.queries, task.own, strict=True):
        assert (task.gallery[own] == query) if own >= 0 else query not in task.gallery


def test_joined_shifts_row_numbers():
    one = Task(np.array([0]), np.array([0, 1]), np.array([1]))
    both = joined([one, one], [2, 5])
    assert list(both.fit) == [0, 2]
    assert list(both.gallery) == [0, 1, 2, 3]
    assert list(both.own) == [1, 3]


@pytest.mark.parametrize(
    ("protocol", "split", "message"),
    [("news", 0, "Did you mean 'new'"), ("new", 3, "no split 3"), ("own", 1, "belongs to protocol new")],
)
def test_impossible_choices(protocol, split, message):
    with pytest.raises(UsageError, match=message):
        check_protocol(protocol, split)


def test_sets_with_an_empty_role():
    with pytest.raises(UsageError, match="no gallery picture"):
        task_of(a_set(["a", "a"], ["query", "query"]), "own")
    with pytest.raises(UsageError, match="no query picture"):
        task_of(a_set(["a", "a"], ["gallery", "gallery"]), "own")
    odd = next(name for name in "abcdefgh" if not in_fit_half(name, 0))
    with pytest.raises(UsageError, match="no class to fit on"):
        task_of(a_set([odd, odd], ["both", "both"]), "new")
