"""samekind check-encoder: what it prints, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from samekind.encoders import load
from samekind.evaluation.toy.towers import BagOfWordsTower
from tests.cli.conftest import Call
from tests.evaluation.test_encoder_check import Long, Words


@pytest.fixture
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "load_text_tower", lambda *_: Words(BagOfWordsTower(dim=16)))


def test_check_encoder(call: Call, snapshot: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "load_text_tower", lambda *_: None)
    said = call("check-encoder", "mock")
    assert (said.code, said.err) == (0, "")
    snapshot(said.out)


@pytest.mark.usefixtures("_words")
def test_an_encoder_that_hears_no_order_is_told_and_no_fault(call: Call) -> None:
    said = call("check-encoder", "mock")
    assert (said.code, said.err) == (0, "")
    assert "this encoder does not hear word order: it scores 50 of 100 where chance is 50" in said.out


@pytest.mark.usefixtures("_words")
def test_in_json(call: Call) -> None:
    said = call("check-encoder", "mock", "--json")
    found = json.loads(said.out)
    assert (said.code, found["encoder"], found["fine"], found["order"]["share"]) == (0, "mock", True, 0.5)


def test_what_is_wrong_gives_exit_code_1(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "load_encoder", lambda name, *_: Long(name))
    monkeypatch.setattr(load, "load_text_tower", lambda *_: None)
    said = call("check-encoder", "mock")
    assert said.code == 1
    assert "wrong        unit length" in said.out
    assert said.out.endswith("wrong: 1 of 7\n")
