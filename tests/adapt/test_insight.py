"""What is told of an adaptation: clusters, losses, attention, examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samekind.adapt.gate import Space
from samekind.adapt.insight import Insight, attention_of, clusters_of, examples_of, losses_of
from samekind.encoders.base import Part
from samekind.encoders.experts import Experts
from samekind.encoders.rows import unit_rows


def test_clusters_and_their_purity() -> None:
    found = clusters_of(np.array([0, 0, 0, 2, 2, 2, 2]), np.array([0, 0, 1, 1, 1, 1, 1]))
    assert found.sizes == (4, 3)  # the empty one does not count
    assert found.purity == pytest.approx(6 / 7)
    assert found.chance == pytest.approx(5 / 7)


def test_losses_become_short_curves() -> None:
    assert losses_of([]) is None
    few = losses_of([[3.0, 6.0], [1.0, 2.0]])
    assert few is not None
    assert (few.steps, few.sets) == ((1, 2), ((3.0, 1.0), (6.0, 2.0)))
    many = losses_of([[float(step)] for step in range(1000)])
    assert many is not None
    assert (len(many.steps), many.steps[-1], len(many.sets[0])) == (60, 1000, 60)
    assert many.sets[0] == tuple(sorted(many.sets[0]))


def test_attention_by_collection() -> None:
    """Two groups along two axes, and one group for all: pictures of each collection are near to one of the two."""
    nothing, same = np.zeros((3, 4), np.float32), np.eye(4, dtype=np.float32)
    centroids = np.stack([same[0], same[1], unit_rows(same[0] + same[1])])
    mix = Experts((2, 1), nothing[0], same, centroids, nothing, np.stack([same] * 3))
    left, both = np.tile(same[0], (6, 1)), np.repeat(same[:2], 3, axis=0)
    (found,), groups = attention_of([mix], [Part("one", 0, 4)], {"left": left, "both": both})
    assert (found.part, found.levels) == ("one", (2, 1))
    assert found.shares["left"] == pytest.approx((1, 0, 1), abs=1e-3)
    assert found.shares["both"] == pytest.approx((0.5, 0.5, 1), abs=1e-3)
    assert found.used["left"] == pytest.approx((1, 1), abs=0.01)
    assert found.used["both"] == pytest.approx((2, 1), abs=0.01)
    assert found.used_by_one["both"] == pytest.approx((1, 1), abs=0.01)
    assert [one.sizes for one in groups] == [(12,), (9, 3)]


def test_examples_show_what_changed_most() -> None:
    rng = np.random.default_rng(0)
    some, other = (unit_rows(rng.normal(size=(30, 8)).astype(np.float32)) for _ in range(2))
    views, rows = np.zeros((4, 0, 8), np.float32), np.array([3, 7, 11, 20])
    turned = some.copy()
    turned[7] = some[20]  # now another picture's double
    before = [Space(some, views, rows), Space(other, views, rows)]
    after = [Space(turned, views, rows), Space(other, views, rows)]
    files = [[Path(f"{name}{n}") for n in range(30)] for name in ("s", "o")]
    found = examples_of(["some", "other"], files, (before, after), seed=0)
    first = found[0]
    assert (first.query.file, first.after[0].file) == (Path("s7"), Path("s20"))
    assert first.query not in (*first.before, *first.after)
    assert {hit.collection for hit in first.before} == {"some"}
    assert len(first.before) == len(first.after) == 5
    alone = examples_of(["some"], files[:1], (before[:1], before[:1]), seed=0)
    assert alone == ()  # nothing changed, nothing to show


def test_nothing_to_tell_is_told() -> None:
    told = Insight().to_dict()
    assert told["losses"] is None
    assert told["trained_on"] == told["examples"] == told["skipped"] == []
