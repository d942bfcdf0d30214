"""samekind kinds: what it prints, and that its filter is taken by the other commands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Call, Said
from tests.collection.mock import draw

KINDS = ("kinds", "things.samekind")


@pytest.fixture(scope="module")
def things(call: Call, room: Path) -> Said:
    """What the first call said on a collection of sixty pictures."""
    for n in range(60):
        draw(room / "things" / ("screws" if n % 2 else "nuts") / f"{n:02}.png", n)
    call("sync", "things", "--into", "things.samekind", "--encoder", "mock", "--no-tune")
    return call(*KINDS)


def test_kinds(things: Said, snapshot: Callable[[str], None]) -> None:
    assert (things.code, things.err) == (0, "")
    snapshot(things.out)


def test_kinds_again(call: Call, things: Said) -> None:
    assert call(*KINDS).out == things.out.replace("; found now", "")
    assert call(*KINDS, "--again", "--quiet").out == things.out


def test_kinds_as_json(call: Call, things: Said) -> None:
    told = json.loads(call(*KINDS, "--json").out)
    assert told["levels"] == [8]
    assert [kind["address"] for kind in told["kinds"]] == [str(n) for n in range(1, 9)]


def test_a_name_is_a_filter_and_shown(call: Call, room: Path, things: Said) -> None:
    said = call(*KINDS, "--name", "1", "hex [nuts]", "--page", "kinds.html", "--column", "sort")
    assert said.code == 0
    assert "hex [nuts]" in said.out
    assert said.out.endswith("Page: kinds.html\n")
    assert "hex [nuts]" in (room / "kinds.html").read_text("utf-8")
    by_name = call("list", "things.samekind", "--where", "kind='hex [nuts]'").out
    assert by_name == call("list", "things.samekind", "--where", "kind=1").out
    assert by_name == call("list", "things.samekind", "--where", "sort='hex [nuts]'").out
    listed = call("list", "things.samekind", "--where", "kind=1", "--json").out
    assert listed.count('"kind": "hex [nuts]"') == listed.count('"id"') > 0
    hits = json.loads(call("search", "things.samekind", "--like", "nuts/00.png", "--where", "kind=2", "--json").out)[
        "hits"
    ]
    assert {hit["columns"]["kind"] for hit in hits} == {"2"}
    assert "kinds      8 from coarse to fine, 1 named\n" in call("info", "things.samekind").out
    assert "hex" not in call(*KINDS, "--name", "1", "").out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((*KINDS, "--page", "kinds.png"), "A page of kinds is an .html file, not 'kinds.png'"),
        ((*KINDS, "--page", "nowhere/kinds.html"), "nowhere/kinds.html cannot be written .*check its folder"),
        (
            (*KINDS, "--name", "77", "x"),
            "There is no kind '77' in things.samekind; samekind kinds things.samekind shows",
        ),
        ((*KINDS, "--name", "1", "x", "--again"), "Choose one of --name and --again"),
        ((*KINDS, "--column", "path"), "A column cannot be called 'path'"),
        (("list", "things.samekind", "--where", "kind=77"), "There is no kind '77' in things.samekind"),
        (("search", "birds.samekind", "--like", "train/01.png", "--where", "kind=1"), "No kinds were found in birds"),
        (("list", "birds.samekind", "--where", "kind=1"), "find them with: samekind kinds birds.samekind"),
        (("kinds", "birds.samekind"), "birds.samekind holds 13 pictures, kinds want 24; sync more first"),
        (("kinds", "nowhere.samekind"), "nowhere.samekind"),
    ],
)
def test_refusals(call: Call, synced: Said, things: Said, words: tuple[str, ...], sentence: str) -> None:
    said = call(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert re.search(sentence, said.err), said.err
