"""A sync of the awkward folder: every file stored or reported, once, and said where it should be said."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from samekind import Collection
from tests.e2e.command import Answer
from tests.e2e.conftest import Ground
from tests.pictures.awkward import LEFT_OUT


@pytest.fixture(scope="module")
def rows(ground: Ground) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = ground.command("list", "awkward.samekind", "--json").json["pictures"]
    return listed


def test_every_file_is_stored_or_has_its_reason(ground: Ground, rows: list[dict[str, Any]]) -> None:
    named = {one.path: one.outcome for one in ground.expected}
    outcomes = {row["path"]: row["reason"] for row in rows if not row["path"].startswith(("train/", "test/"))}
    wanted = {path: outcome for path, outcome in named.items() if outcome not in (LEFT_OUT, "odd name")}
    assert outcomes == wanted
    assert {row["path"]: (row["width"], row["height"]) for row in rows if row["state"] == "present"} | {
        one.path: one.size for one in ground.expected if one.size and one.outcome is None
    } == {row["path"]: (row["width"], row["height"]) for row in rows if row["state"] == "present"}


def test_the_reasons_add_up(ground: Ground, rows: list[dict[str, Any]]) -> None:
    report = ground.synced.json
    files = sum(one.outcome != LEFT_OUT for one in ground.expected) + 12
    assert report["pictures"] + report["skipped"] == files
    assert report["new"] + report["copies"] + report["reasons"].get("odd name", 0) == files
    stored = Counter(row["reason"] for row in rows)
    assert stored.pop(None) == report["pictures"]
    assert stored == Counter({reason: n for reason, n in report["reasons"].items() if reason != "odd name"})


def test_equal_contents_are_encoded_once(ground: Ground) -> None:
    report = ground.synced.json
    assert report["encoded"] == report["new"]
    assert report["copies"] > 10


def test_a_broken_file_is_one_line_with_its_reason_and_nothing_else_is_said(ground: Ground) -> None:
    lines = ground.synced.err.splitlines()
    assert all(re.fullmatch(r"skipped .+: [a-z ]+( \(.+\))?", line) for line in lines)
    assert len(lines) == ground.synced.json["skipped"]
    for one in ground.expected:
        if one.outcome not in (None, LEFT_OUT, "odd name"):
            assert sum(line.startswith(f"skipped {one.path}: {one.outcome}") for line in lines) == 1, one.path


@pytest.fixture(scope="module")
def again(ground: Ground) -> Answer:
    return ground.command("sync", ground.folder, "--into", "awkward.samekind", "--quiet")


def test_a_second_sync_does_nothing_and_says_so_on_standard_output(
    ground: Ground, rows: list[dict[str, Any]], again: Answer
) -> None:
    assert again.out.splitlines()[0] == f"{len(rows)} same"
    assert again.code == (3 if "odd name" in ground.synced.json["reasons"] else 0)
    after = Collection.open(ground.collection).pictures(columns=["id", "path", "state", "reason"])
    assert [(row["id"], row["path"], row["state"], row["reason"]) for row in after] == [
        (row["id"], row["path"], row["state"], row["reason"]) for row in rows
    ]


def test_quiet_says_nothing_beside_the_result(again: Answer) -> None:
    assert again.err == ""
