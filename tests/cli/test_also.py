"""Several encoders in one query, as the command asks and tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call, Said


@pytest.fixture(scope="module")
def also(room: Path, call: Call, synced: Said) -> str:
    """A second collection, of the pictures in ``birds/train`` alone, by an encoder of another name."""
    assert call("sync", "birds/train", "--into", "also.samekind", "--encoder", "mock2").code == 0
    return "also.samekind"


def test_the_same_query_is_asked_of_both(call: Call, also: str) -> None:
    said = call("search", "birds.samekind", "--picture", "birds/train/01.png", "--also", also, "-k", "3")
    assert (said.code, said.err) == (0, "")
    assert "train/01.png" in said.out
    shown = " ".join(said.out.split())
    assert "Also asked: ROOM/also.samekind (mock2, plain); it lacks 4 of the 13 pictures here." in shown


@pytest.mark.parametrize("fuse", ["rank", "confidence", None])
def test_json_says_what_each_gave(call: Call, also: str, fuse: str | None) -> None:
    asked = ("search", "birds.samekind", "--like", "train/02.png", "--also", also)
    chosen = ("--fuse", fuse) if fuse else ()
    told = json.loads(call(*asked, "--where", "path~=train/", *chosen, "--json").out)
    by_confidence = max(hit["score"] for hit in told["hits"]) > 2 / 60
    assert by_confidence == (fuse != "rank")
    assert {hit["path"].split("/")[0] for hit in told["hits"]} == {"train"}
    assert all(hit["roles"].keys() == {"mock", "mock2"} for hit in told["hits"])
    assert all(hit["score"] == pytest.approx(sum(hit["roles"].values()), abs=2e-4) for hit in told["hits"])
    (other,) = told["also"]
    assert (other["encoder"], other["lacks"], other["of"]) == ("mock2", 4, 13)


def test_a_stored_picture_that_the_other_lacks_is_refused(call: Call, also: str) -> None:
    said = call("search", "birds.samekind", "--like", "test/00.png", "--also", also)
    assert said.code == 2
    assert "ROOM/also.samekind lacks 'test/00.png', which the query names; sync it there, or leave it out." in said.err
