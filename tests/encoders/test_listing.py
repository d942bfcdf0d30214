"""The table of encoders and the rates in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samekind.encoders.listing import list_encoders
from samekind.encoders.rates import known_rates, note_rate


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))


def test_rates_are_remembered_by_name() -> None:
    assert known_rates() == {}
    note_rate("dino", 31.26)
    note_rate("lite", 250)
    note_rate("dino", 29)
    assert known_rates() == {"dino": 29.0, "lite": 250.0}


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_impossible_rates_are_not_kept(rate: float) -> None:
    note_rate("dino", rate)
    assert known_rates() == {}


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"dino": "fast"}', '{"dino": null}'])
def test_a_damaged_file_of_rates_is_empty_and_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "rates.json").write_text(text)
    assert known_rates() == {}
    note_rate("dino", 30)
    assert known_rates() == {"dino": 30.0}


def test_a_place_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    note_rate("dino", 30)
    assert known_rates() == {}


def test_the_table() -> None:
    note_rate("tiny", 101)
    listed = {one.name: one for one in list_encoders()}
    assert list(listed) == ["lite", "tiny", "dino", "best"]
    assert listed["lite"].fetched
    assert not listed["dino"].fetched
    assert listed["best"].licence == "Apache-2.0 and MIT"
    assert listed["best"].megabytes == listed["dino"].megabytes + listed["tiny"].megabytes
    assert (listed["tiny"].rate, listed["dino"].rate) == (101.0, None)
    assert json.loads(json.dumps(listed["best"].to_dict()))["files"] == [None, None]
