"""Marks and the parts of liked pictures: without parts, or without likes, nothing is other than the product's."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from feedback import Set
from feedback_parts import PRODUCT, WAYS, Parts, measured, scores_of, with_parts

from samekind.encoders.rows import unit_rows

KINDS, EACH, WIDTH, VECTORS = 5, 6, 8, 4


def drawn(seed: int) -> tuple[Set, Parts]:
    """Pictures around the looks of their kinds, all of them asked with; parts around those of their kinds."""
    rng = np.random.default_rng(seed)
    codes = np.arange(KINDS * EACH) % KINDS
    looks = unit_rows(rng.normal(size=(KINDS, WIDTH))[codes] + 0.6 * rng.normal(size=(len(codes), WIDTH)))
    hubs = -rng.random(len(codes)).astype(np.float32) / 10
    itself = np.eye(len(codes), dtype=bool)
    first = np.where(itself, -np.inf, looks @ looks.T + hubs).astype(np.float32)
    right = (codes[:, None] == codes) & ~itself
    near = rng.normal(size=(KINDS, VECTORS, WIDTH))[codes] + 0.2 * rng.normal(size=(len(codes), VECTORS, WIDTH))
    parts = unit_rows(near) / np.float32(VECTORS**0.5)
    return Set("drawn", looks, looks, hubs, first, right, itself, codes, codes), Parts.of(parts, parts)


def test_a_beta_of_zero_is_the_product_exactly() -> None:
    one, parts = drawn(0)
    found = measured(one, parts, [(way, 0.0) for way in WAYS])
    for way in WAYS:
        for kind, values in found[PRODUCT].items():
            np.testing.assert_array_equal(found[way, 0.0][kind], values)
    scores = np.random.default_rng(1).normal(size=(3, 7)).astype(np.float32)
    assert np.array_equal(with_parts(scores, scores + 1, 0.0), scores)


def test_without_likes_parts_say_nothing() -> None:
    one, parts = drawn(2)
    none = np.zeros(0, np.intp)
    marks = [(none, np.array([1, 2]))] * len(one.queries)
    assert not any(scores.any() for scores in scores_of(parts, marks, list(WAYS)).values())


def test_parts_that_tell_kinds_apart_help() -> None:
    one, parts = drawn(3)
    found = measured(one, parts, [(way, 1.0) for way in WAYS])
    for way in WAYS:
        assert np.nanmean(found[way, 1.0]["whole"]) > np.nanmean(found[PRODUCT]["whole"])
