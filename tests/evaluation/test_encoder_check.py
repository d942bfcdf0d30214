"""Findings about encoders that are fine, and about ones that are each broken in one way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from samekind.encoders import load
from samekind.encoders.base import Part, Pixels, Prepared, Vectors
from samekind.evaluation.encoder_check import CASES, Finding, check_encoder, check_pictures, check_words
from samekind.evaluation.toy.draw import draw
from samekind.evaluation.toy.swaps import swap_cases
from samekind.evaluation.toy.towers import BagOfWordsTower, CompositionalTower, Tower
from samekind.events import Event, Job
from tests.collection.mock import MockEncoder


@dataclass(frozen=True)
class Said:
    vectors: Vectors


class Words:
    """A toy tower's words as a text tower."""

    def __init__(self, tower: Tower) -> None:
        self.tower = tower

    def encode(self, texts: Sequence[str]) -> Said:
        return Said(self.tower.words(texts))


class Drawn:
    """A toy tower's pictures as an encoder: knows a drawn scene by its pixels."""

    name = "drawn"
    fingerprint = "d" * 16
    input_side = 224

    def __init__(self, tower: Tower) -> None:
        self.tower, self.dim, self.parts = tower, tower.dim, (Part("drawn", 0, tower.dim),)
        self.scenes = {draw(case.scene).tobytes(): case.scene for case in swap_cases(0, CASES)}

    def prepare(self, pixels: Pixels) -> Prepared:
        return (pixels,)

    def encode(self, batch: Sequence[Prepared]) -> Vectors:
        return self.tower.pictures([self.scenes[one[0].tobytes()] for one in batch])


class Long(MockEncoder):
    def encode(self, batch: Sequence[Prepared]) -> Vectors:
        return np.float32(1.1) * super().encode(batch)


class Fickle(MockEncoder):
    """Another vector each time."""

    def encode(self, batch: Sequence[Prepared]) -> Vectors:
        rows = np.random.default_rng(self.seen).standard_normal((len(batch), self.dim)).astype(np.float32)
        self.seen += len(batch)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Crowded(MockEncoder):
    """What else is in the batch changes a vector."""

    def encode(self, batch: Sequence[Prepared]) -> Vectors:
        rows = super().encode(batch)
        rows = rows - 0.5 * rows.mean(0)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Dull(MockEncoder):
    """One vector for all pictures."""

    def encode(self, batch: Sequence[Prepared]) -> Vectors:
        return np.tile(np.eye(1, self.dim, dtype=np.float32), (len(batch), 1))


class Broken(MockEncoder):
    def encode(self, batch: Sequence[Prepared]) -> Vectors:
        return np.full((len(batch), self.dim), np.nan, np.float32)


class Wide(MockEncoder):
    def encode(self, batch: Sequence[Prepared]) -> Vectors:
        return super().encode(batch).astype(np.float64)


class Pinned(MockEncoder):
    golden = ((1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),)


def states(findings: Sequence[Finding]) -> dict[str, str]:
    return {one.what: one.state for one in findings}


def test_a_sound_encoder() -> None:
    found = states(check_pictures(MockEncoder()))
    assert found == {
        "golden vector": "not checked",
        "unit length": "fine",
        "the same again": "fine",
        "one by one": "fine",
        "tells apart": "fine",
        "rate": "note",
    }


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (Long, {"unit length"}),
        (Fickle, {"the same again", "one by one"}),
        (Crowded, {"one by one"}),
        (Dull, {"tells apart"}),
        (Broken, {"unit length", "the same again", "one by one", "tells apart"}),
        (Wide, {"unit length"}),
        (Pinned, {"golden vector"}),
    ],
)
def test_what_is_wrong_is_said(kind: type[MockEncoder], wrong: set[str]) -> None:
    found = states(check_pictures(kind()))
    assert {what for what, state in found.items() if state == "wrong"} == wrong


def test_words_that_are_bound() -> None:
    tower = CompositionalTower()
    findings, order = check_words(Drawn(tower), Words(tower))
    assert order is not None
    assert (order.share, order.cases, order.hears_order) == (1.0, CASES, True)
    assert {one.state for one in findings} == {"fine", "note"}


def test_a_bag_of_words_is_told() -> None:
    tower = BagOfWordsTower()
    findings, order = check_words(Drawn(tower), Words(tower))
    assert order is not None
    assert (order.share, order.hears_order) == (0.5, False)
    said = {one.what: one.why for one in findings}
    assert said["word order"] == "this encoder does not hear word order: it scores 50 of 100 where chance is 50"
    assert said["shuffled words"].startswith(f"for 100% of {CASES} captions 9 of the first 10 hits stay")


def test_words_of_another_length() -> None:
    findings, order = check_words(Drawn(BagOfWordsTower()), Words(BagOfWordsTower(dim=64)))
    assert order is None
    assert states(findings)["words and pictures"] == "wrong"


def test_the_whole_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> Job[None]:
        def steps():  # type: ignore[no-untyped-def]
            yield from ()

        return Job(steps())

    monkeypatch.setattr(load, "fetch", lambda *_: nothing())
    monkeypatch.setattr(load, "load_encoder", lambda name, *_: MockEncoder(name))
    monkeypatch.setattr(load, "load_text_tower", lambda *_: None)
    job = check_encoder("mock")
    events: list[Event] = list(job)
    found = job.result()
    assert len(events) == 3
    assert found.fine
    assert states(found.findings)["word order"] == "not checked"
    assert (found.encoder, found.dim, found.order) == ("mock", 16, None)

    bag = BagOfWordsTower(dim=16)
    monkeypatch.setattr(load, "load_text_tower", lambda *_: Words(bag))
    heard = check_encoder("mock").result()
    assert heard.fine
    assert heard.order is not None
    assert (heard.order.share, heard.order.ties) == (0.5, CASES)
    told = json.loads(json.dumps(heard.to_dict()))
    assert told["order"]["sentence"] == heard.order.sentence
    assert told["fine"] is True
