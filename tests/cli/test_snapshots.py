"""What the command prints, word for word."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Call, Said
from tests.e2e.command import Command

Snapshot = Callable[[str], None]


def test_overview(tmp_path: Path, snapshot: Snapshot) -> None:
    answer = Command(tmp_path, tmp_path)("--help", TYPER_USE_RICH="0")
    assert answer.code == 0
    assert answer.err == ""
    snapshot("".join(f"{line.rstrip()}\n" for line in answer.out.splitlines()))


def test_sync(synced: Said, snapshot: Snapshot) -> None:
    assert synced.code == 3
    snapshot(f"{synced.out}---\n{synced.err}")


def test_sync_again(call: Call, synced: Said, snapshot: Snapshot) -> None:
    said = call("sync", "--into", "birds.samekind")
    assert (said.code, said.err) == (0, "")
    snapshot(said.out)


def test_search(call: Call, synced: Said, snapshot: Snapshot) -> None:
    said = call("search", "birds.samekind", "--picture", "birds/train/01.png", "-k", "4", "--no-tune")
    assert (said.code, said.err) == (0, "")
    snapshot(said.out)


@pytest.mark.parametrize("level", ["coarse", "0.001"])
def test_search_wider(call: Call, synced: Said, snapshot: Snapshot, level: str) -> None:
    asked = ("search", "birds.samekind", "--picture", "birds/train/05.png", "-k", "12", "--no-tune")
    said = call(*asked, "--granularity", level)
    assert (said.code, said.err) == (0, "")
    snapshot(said.out)


def test_search_in_vain(call: Call, synced: Said, snapshot: Snapshot) -> None:
    said = call("search", "birds.samekind", "--like", "train/01.png", "--where", "path~=none/")
    assert (said.code, said.err) == (1, "")
    snapshot(said.out)


@pytest.mark.parametrize(
    "words",
    [("info", "birds.samekind"), ("list", "birds.samekind", "--where", "path~=t"), ("encoders",), ("config",)],
    ids=["info", "list", "encoders", "config"],
)
def test_shows(call: Call, synced: Said, snapshot: Snapshot, words: tuple[str, ...]) -> None:
    said = call(*words)
    assert (said.code, said.err) == (0, "")
    snapshot(said.out)


@pytest.mark.parametrize(
    "words",
    [
        ("search", "nowhere.samekind", "--picture", "birds/train/01.png"),
        ("search", "birds.samekind", "--picture", "birds/torn.jpg"),
        ("list", "birds.samekind", "--where", "pth~=train/"),
        ("search", "birds.samekind", "--picture", "birds/train/01.png", "--granularity", "broad"),
        ("sync", "birds", "--into", "birds.samekind", "--encoder", "dino"),
        ("sync", "empty", "--into", "new.samekind", "--encoder", "mock"),
    ],
    ids=["no collection", "torn query", "unknown column", "no granularity", "another encoder", "no pictures"],
)
def test_refusal(call: Call, synced: Said, snapshot: Snapshot, words: tuple[str, ...]) -> None:
    said = call(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    snapshot(said.err)


def test_migrate(call: Call, synced: Said, room: Path, snapshot: Snapshot) -> None:
    """There, again, what info says, on with a file away, and what the next sync and a purge say."""
    call("sync", "birds", "--into", "moving.samekind", "--encoder", "mock")
    said = [call("migrate", "moving.samekind", "--encoder", "tiny")]
    said += [call("migrate", "moving.samekind", "--encoder", "tiny"), call("info", "moving.samekind")]
    (room / "birds/train/04.png").rename(room / "away.png")
    said += [call("migrate", "moving.samekind", "--encoder", "lite")]
    (room / "away.png").rename(room / "birds/train/04.png")
    said += [call("sync", "--into", "moving.samekind"), call("purge", "moving.samekind")]
    assert [one.code for one in said] == [0, 0, 0, 3, 0, 0]
    snapshot("---\n".join(one.out + one.err for one in said))


def test_migrate_in_json(call: Call, synced: Said) -> None:
    call("sync", "birds", "--into", "json.samekind", "--encoder", "mock")
    said = call("migrate", "json.samekind", "--encoder", "tiny", "--json", "--quiet")
    found = json.loads(said.out)
    assert (said.code, said.err) == (0, "")
    assert (found["former"], found["encoder"], found["pictures"], found["without"]) == ("mock", "tiny", 13, 0)
    assert json.loads(call("migrate", "json.samekind", "--back", "--json").out)["encoder"] == "mock"
