"""What the command prints, word for word."""

from __future__ import annotations

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
        ("sync", "birds", "--into", "birds.samekind", "--encoder", "dino"),
        ("sync", "empty", "--into", "new.samekind", "--encoder", "mock"),
    ],
    ids=["no collection", "torn query", "unknown column", "another encoder", "no pictures"],
)
def test_refusal(call: Call, synced: Said, snapshot: Snapshot, words: tuple[str, ...]) -> None:
    said = call(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    snapshot(said.err)
