"""The gate: what is as good passes, what is sabotaged does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samekind.adapt.gate import LEAST_MARGIN, Judged, Space, Verdict, judge
from samekind.encoders.rows import Array, unit_rows

DIM, SIGNAL, NOISE, SHAKEN = 48, 8, 0.05, 0.2
NAMES = ("shop", "birds")


def a_space(seed: int, count: int = 300, start: int = 0, shaken: float = NOISE) -> Space:
    """Pictures of thirty kinds in SIGNAL directions from ``start`` on; views are ``shaken`` in all directions."""
    rng = np.random.default_rng(seed)
    pictures = NOISE * rng.normal(size=(count, DIM))
    kinds = rng.normal(size=(30, SIGNAL))[rng.integers(0, 30, count)]
    pictures[:, start : start + SIGNAL] += kinds + 0.3 * rng.normal(size=(count, SIGNAL))
    rows = np.arange(0, count, 2)
    views = pictures[rows][:, None] + shaken * rng.normal(size=(len(rows), 2, DIM))
    return Space(unit_rows(pictures.astype(np.float32)), unit_rows(views.astype(np.float32)), rows)


@pytest.fixture
def two() -> list[Space]:
    return [a_space(0), a_space(1, start=SIGNAL)]


def mapped(space: Space, matrix: Array) -> Space:
    return replace(space, vectors=unit_rows(space.vectors @ matrix), views=unit_rows(space.views @ matrix))


def rotation(rng: np.random.Generator) -> Array:
    return np.linalg.qr(rng.normal(size=(DIM, DIM)))[0].astype(np.float32)


def verdict(before: list[Space], after: list[Space]) -> Verdict:
    return judge(NAMES, [(before, after)])


def test_the_same_space_is_accepted(two: list[Space]) -> None:
    found = verdict(two, two)
    assert found.accepted
    assert list(found.collections) == list(NAMES)
    for judged in (found.overall, *found.collections.values()):
        assert judged.neighbours == judged.neighbours_before > 0.5
        assert judged.found == judged.found_before > 0.9
    assert found.overall.views == 600
    assert "find their picture; collections tuned one by one" in found.why


def test_a_space_turned_as_a_whole_is_the_same(two: list[Space]) -> None:
    turn = rotation(np.random.default_rng(0))
    assert verdict(two, [mapped(space, turn) for space in two]).accepted


def test_a_better_space_is_accepted() -> None:
    """In which views stay nearer to their pictures."""
    two = [a_space(0, shaken=SHAKEN), a_space(1, start=SIGNAL, shaken=SHAKEN)]
    nearer = [replace(one, views=unit_rows(one.views + one.vectors[one.rows][:, None])) for one in two]
    found = verdict(two, nearer)
    assert found.accepted
    assert found.overall.neighbours > found.overall.neighbours_before + 0.03
    assert not verdict(nearer, two).accepted


def test_a_turn_of_its_own_for_each_picture_is_refused(two: list[Space]) -> None:
    """Views stay with their pictures, and neighbours are lost: what the first idea of a check would not see."""
    rng = np.random.default_rng(0)
    after = []
    for space in two:
        vectors, views = space.vectors.copy(), space.views.copy()
        for at, row in enumerate(space.rows):
            turn = rotation(rng)
            vectors[row], views[at] = vectors[row] @ turn, views[at] @ turn
        after.append(replace(space, vectors=vectors, views=views))
    found = verdict(two, after)
    assert not found.accepted
    assert "worse in shop, birds" in found.why


def test_a_collapsed_space_is_refused(two: list[Space]) -> None:
    rng = np.random.default_rng(0)
    towards = np.eye(DIM, dtype=np.float32)[0]

    def collapsed(rows: Array) -> Array:
        return unit_rows(towards + 1e-3 * rng.normal(size=rows.shape).astype(np.float32))

    after = [replace(space, vectors=collapsed(space.vectors), views=collapsed(space.views)) for space in two]
    found = verdict(two, after)
    assert not found.accepted
    assert found.overall.found < 0.1


def test_whitening_to_power_one_is_refused(two: list[Space]) -> None:
    after = []
    for space in two:
        values, axes = np.linalg.eigh(np.cov(space.vectors.T))
        after.append(mapped(space, (axes / values**1.0).astype(np.float32)))
    found = verdict(two, after)
    assert not found.accepted
    assert found.overall.neighbours < found.overall.neighbours_before - 0.1


def a_crowd(seed: int, count: int) -> Space:
    """Pictures everywhere in the first SIGNAL directions."""
    rng = np.random.default_rng(seed)
    pictures = np.pad(rng.normal(size=(count, SIGNAL)), ((0, 0), (0, DIM - SIGNAL)))
    rows = np.arange(count)
    views = pictures[:, None] + 0.3 * np.pad(rng.normal(size=(count, 2, SIGNAL)), ((0, 0), (0, 0), (0, DIM - SIGNAL)))
    return Space(unit_rows(pictures.astype(np.float32)), unit_rows(views.astype(np.float32)), rows)


def test_a_collection_drowned_by_another_is_refused() -> None:
    """Both keep all their neighbours, but a large one now lies where the small one is."""
    small, large = a_crowd(0, 60), a_crowd(1, 3000)
    turned = np.roll(np.eye(DIM, dtype=np.float32), SIGNAL, axis=1)
    assert verdict([large, small], [mapped(large, turned), small]).accepted
    found = verdict([large, small], [large, small])
    judged = found.collections["birds"]
    assert not found.accepted
    assert judged.neighbours == judged.neighbours_before
    assert judged.found < judged.found_before - judged.found_margin


def test_one_collection_that_loses_is_enough(two: list[Space]) -> None:
    spoilt = replace(two[1], views=two[1].views[::-1].copy())
    found = verdict(two, [two[0], spoilt])
    assert not found.accepted
    assert [judged.passed for judged in found.collections.values()] == [True, False]
    assert found.why.endswith("worse in birds")


def test_folds_are_joined(two: list[Space]) -> None:
    found = judge(NAMES, [(two, two), (two, two)])
    assert found.overall.views == 1200
    assert found.overall.neighbours == pytest.approx(verdict(two, two).overall.neighbours, abs=1e-6)


def test_intervals_hold_for_all_collections_together() -> None:
    """The same fall is measured against a wider margin where more collections are looked at."""
    rng = np.random.default_rng(0)
    before = a_space(0)
    noisy = unit_rows((before.views + 0.05 * rng.normal(size=before.views.shape)).astype(np.float32))
    after = replace(before, views=noisy)

    def margin(count: int) -> float:
        names = [str(n) for n in range(count)]
        return judge(names, [([before] * count, [after] * count)]).collections["0"].neighbours_margin

    margins = [margin(count) for count in (1, 2, 6)]
    assert margins == sorted(margins)
    assert margins[1] / margins[0] == pytest.approx(2.2414 / 1.96, abs=1e-3)
    assert margins[2] / margins[0] == pytest.approx(2.6383 / 1.96, abs=1e-3)


def test_chance_falls_within_the_interval() -> None:
    """Six collections whose differences are chance alone are refused in at most about one case of ten."""
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(100):
        judged = [_by_chance(rng) for _ in range(6)]
        refused += not Verdict(judged[0], {str(n): one for n, one in enumerate(judged)}).accepted
    assert refused <= 10


def _by_chance(rng: np.random.Generator) -> Judged:
    from samekind.adapt.gate import _judged

    one, other = rng.normal(0.5, 0.1, (2, 200)).astype(np.float32)
    right = np.ones(200, np.float32)
    return _judged(one, other, right, right, compared=6)


def test_what_passes_and_what_does_not() -> None:
    judged = Judged(100, 0.8, 0.79, 0.02, 0.9, 0.9, LEAST_MARGIN)
    assert judged.passed
    assert not replace(judged, neighbours=0.77).passed
    assert not replace(judged, found=0.8).passed
    assert judged.to_dict()["passed"] is True
    assert not Verdict(replace(judged, neighbours=0.7), {"a": judged}).accepted
    assert "all of them together" in Verdict(replace(judged, neighbours=0.7), {"a": judged}).why


def a_witness(space: Space, seed: int = 5) -> Array:
    """Another network's vectors: the same pictures turned, with noise of its own."""
    rng = np.random.default_rng(seed)
    own = 0.02 * rng.normal(size=space.vectors.shape).astype(np.float32)
    return unit_rows(space.vectors @ rotation(rng) + own)


def asked(before: list[Space], after: list[Space]) -> Verdict:
    """The verdict with a witness."""
    return judge(NAMES, [(before, after)], [a_witness(space) for space in before])


def with_kinds_mixed(space: Space) -> Space:
    """Each picture in the place of another one, and its views with it: no view loses its picture or its neighbours."""
    vectors = space.vectors[np.random.default_rng(3).permutation(len(space.vectors))]
    moved = vectors[space.rows][:, None] + space.views - space.vectors[space.rows][:, None]
    return replace(space, vectors=vectors, views=unit_rows(moved))


def test_a_witness_accepts_the_same_space(two: list[Space]) -> None:
    turn = rotation(np.random.default_rng(0))
    assert asked(two, two).accepted
    found = asked(two, [mapped(space, turn) for space in two])
    assert found.accepted
    assert found.overall.alike == pytest.approx(found.overall.alike_before, abs=1e-6)
    assert "to a second network neighbours are alike by" in found.why
    assert found.collections["shop"].to_dict()["alike"] is not None


def test_a_witness_sees_kinds_that_come_apart(two: list[Space]) -> None:
    """Views stay with their pictures, so that views alone accept it."""
    after = [with_kinds_mixed(space) for space in two]
    assert verdict(two, after).accepted
    found = asked(two, after)
    assert not any(one.passed for one in found.collections.values())
    assert found.why.endswith("worse in shop, birds")


def test_a_witness_refuses_a_collapsed_space(two: list[Space]) -> None:
    rng = np.random.default_rng(0)
    towards = np.eye(DIM, dtype=np.float32)[0]

    def collapsed(rows: Array) -> Array:
        return unit_rows(towards + 1e-3 * rng.normal(size=rows.shape).astype(np.float32))

    found = asked(two, [replace(one, vectors=collapsed(one.vectors), views=collapsed(one.views)) for one in two])
    assert not any(judged.passed for judged in found.collections.values())


def test_the_order_of_collections_does_not_matter(two: list[Space]) -> None:
    after = [with_kinds_mixed(two[0]), two[1]]
    witnesses = [a_witness(space) for space in two]
    one = judge(NAMES, [(two, after)], witnesses)
    other = judge(NAMES[::-1], [(two[::-1], after[::-1])], witnesses[::-1])
    assert one.collections == other.collections
    assert one.accepted is other.accepted is False
    assert other.overall.alike == pytest.approx(one.overall.alike, abs=1e-6)


def test_a_picture_counts_once_for_the_witness_however_many_folds(two: list[Space]) -> None:
    after = [with_kinds_mixed(space) for space in two]
    witnesses = [a_witness(space) for space in two]
    one, twice = (judge(NAMES, [(two, after)] * folds, witnesses).overall for folds in (1, 2))
    assert twice.alike_margin == pytest.approx(one.alike_margin)
