"""Words from the command: learned by a sync, looked up in names, and as a filter."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from samekind.encoders import load
from samekind.encoders.load import fetch as real_fetch
from samekind.query import unknown
from tests.cli.conftest import Call


@pytest.fixture(scope="module")
def coloured(call: Call, room: Path) -> Iterator[None]:
    (room / "coloured").mkdir()
    for n, colour in enumerate(["red", "green", "blue"]):
        Image.new("RGB", (40 + n, 40), colour).save(room / "coloured" / (f"zarpel_{n}.png" if n else "x.png"))
    sync = ("sync", "coloured", "--into", "coloured.samekind", "--quiet")
    assert call(*sync, "--encoder", "mock", "--no-tune").code == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "fetch", real_fetch)  # the network that knows concepts is real
        said = call(*sync, "--no-tune", "--words")
        assert (said.code, said.err) == (0, "")
        yield


@pytest.mark.usefixtures("coloured")
def test_a_sync_learns_words_for_the_filter(call: Call) -> None:
    said = call("list", "coloured.samekind", "--where", "concept=red", "--json")
    assert said.code == 0
    assert "x.png" in said.out
    assert "zarpel" not in said.out


@pytest.mark.usefixtures("coloured")
def test_names_are_looked_up_unless_told_otherwise(call: Call) -> None:
    asked = ("search", "coloured.samekind", "--words", "zarpel", "--json")
    found = json.loads(call(*asked).out)
    assert found["understood"]["weak_captions"] == ["folders", "files", "captions", "columns"]
    assert {hit["path"]: "named zarpel (file)" in hit["roles"] for hit in found["hits"]} == {
        "x.png": False,
        "zarpel_1.png": True,
        "zarpel_2.png": True,
    }
    plain = json.loads(call(*asked, "--weak-captions", "none").out)
    assert all(set(hit["roles"]) == {"words"} for hit in plain["hits"])
    assert "source of weak captions" in call(*asked, "--weak-captions", "names").err


@pytest.mark.usefixtures("coloured")
def test_a_wider_kind_is_said_by_command_json_and_page(call: Call, room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown, "THERE", 0.0)  # nothing here is a cat
    asked = ("search", "coloured.samekind", "--words", "abyssinian")
    said = "o idea what 'abyssinian' looks like; searched for 'cat' as well"
    found = json.loads(call(*asked, "--json").out)["understood"]
    assert (found["wider"], found["notice"]) == ("cat", f"n{said}")
    assert f"N{said}." in " ".join(call(*asked, "--sheet", "sheet.html").out.split())
    assert html.escape(f"n{said}") in (room / "sheet.html").read_text("utf-8")
    monkeypatch.setattr(unknown, "THERE", 0.9)
    found = json.loads(call(*asked, "--json").out)["understood"]
    assert found["wider"] is None
    assert found["notice"].startswith("no picture stands out for 'abyssinian'")
