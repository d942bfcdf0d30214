"""A collection over time: files move, drives go away, people change their minds, runs are broken off."""

from __future__ import annotations

import fcntl
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from samekind import Collection
from tests.e2e.command import COMMAND, Command
from tests.e2e.conftest import KINDS, Ground, draw


def rows(small: Ground) -> dict[str, dict[str, Any]]:
    """Rows by path, read beside the command."""
    return {row["path"]: row for row in Collection.open(small.collection).pictures()}


def sync(small: Ground, *words: str) -> dict[str, Any]:
    answer = small.command("sync", *words, "--into", "small.samekind", "--no-tune", "--json")
    assert "Traceback" not in answer.err
    report: dict[str, Any] = answer.json
    assert answer.code == (3 if report["skipped"] or report["away"] else 0)
    return report


def test_a_renamed_file_keeps_its_row_and_is_not_encoded_again(small: Ground) -> None:
    before = rows(small)["train/red-0.jpg"]
    (small.folder / "train/red-0.jpg").rename(small.folder / "test/crimson.jpg")
    report = sync(small)
    assert (report["moved"], report["encoded"], report["new"], report["missing"]) == (1, 0, 0, 0)
    after = rows(small)
    assert after["test/crimson.jpg"]["id"] == before["id"]
    assert "train/red-0.jpg" not in after


def test_a_broken_file_is_tried_again_only_when_it_changes(small: Ground) -> None:
    assert small.synced.code == 3
    report = sync(small)
    assert (report["same"], report["encoded"], report["skipped"]) == (9, 0, 0)
    shutil.copy(small.folder / "test/red-1.jpg", small.folder / "broken.jpg")
    report = sync(small)
    assert (report["same"], report["changed"], report["skipped"]) == (8, 1, 0)
    assert rows(small)["broken.jpg"]["state"] == "present"


def test_undo_takes_back_one_sync(small: Ground) -> None:
    draw(small.folder / "new.jpg", KINDS["red"], 77)
    before = rows(small)
    assert sync(small)["new"] == 1
    assert set(rows(small)) == {*before, "new.jpg"}
    assert small.command("undo", "small.samekind", "--json").json == {"undone": "sync", "pictures": 8}
    assert rows(small) == before
    refused = small.command("undo", "small.samekind")
    assert refused.code == 2
    assert refused.sentence.startswith("There is nothing to undo in ")


def test_remove_and_undo(small: Ground) -> None:
    assert small.command("remove", "small.samekind", "--where", "path~=train/", "--json").json == {"removed": 4}
    assert len(rows(small)) == 5
    assert (small.folder / "train/red-0.jpg").exists()
    assert small.command("undo", "small.samekind").out == "the last remove is undone: 8 pictures\n"


def test_a_deleted_file_is_missing_until_it_is_purged(small: Ground) -> None:
    (small.folder / "train/red-0.jpg").unlink()
    assert sync(small)["missing"] == 1
    assert rows(small)["train/red-0.jpg"]["state"] == "missing"
    assert small.command("purge", "small.samekind", "--json").json == {"purged": 1}
    assert "train/red-0.jpg" not in rows(small)


def test_a_folder_that_is_away_is_not_a_deletion(small: Ground, tmp_path: Path) -> None:
    small.folder.rename(tmp_path / "elsewhere")
    answer = small.command("sync", "--into", "small.samekind", "--json")
    assert answer.code == 3
    assert answer.json["missing"] == 8 + 1
    assert answer.json["away"] == ["pictures"]
    assert "is away; its pictures are kept" in answer.err
    (tmp_path / "elsewhere").rename(small.folder)
    report = sync(small)
    assert (report["back"], report["encoded"]) == (9, 0)


def test_relocate(small: Ground, tmp_path: Path) -> None:
    small.folder.rename(tmp_path / "elsewhere")
    moved = small.command("relocate", "small.samekind", small.folder, "elsewhere")
    assert moved.out == f"pictures is {tmp_path}/elsewhere now\n"
    report = sync(small)
    assert (report["same"], report["encoded"], report["missing"]) == (9, 0, 0)


def test_a_dry_run_writes_nothing(small: Ground) -> None:
    before = rows(small)
    draw(small.folder / "new.jpg", KINDS["red"], 77)
    answer = small.command("sync", "--into", "small.samekind", "--dry-run")
    assert answer.out == "1 new, 9 same\nNothing was written (--dry-run).\n"
    assert rows(small) == before


def test_one_writer_at_a_time_and_any_number_of_readers(small: Ground) -> None:
    with (small.collection / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = small.command("sync", "--into", "small.samekind")
        assert refused.code == 2
        assert refused.sentence.startswith(f"Another process is writing to {small.collection}; wait until")
        found = small.command("search", "small.samekind", "--like", "train/red-0.jpg", "--paths", "--no-collapse")
    assert found.code == 0
    assert len(found.out.splitlines()) == 7


def test_an_interrupted_sync_says_so_and_is_taken_up_again(tmp_path: Path, home: Path) -> None:
    command = Command(tmp_path, home)
    for n in range(40):
        draw(tmp_path / f"pictures/{n}.jpg", list(KINDS.values())[n % 4], n)
    words = ("sync", "pictures", "--into", "a.samekind", "--encoder", "lite", "--no-tune", "--json")
    running = command.start(*words)
    until = time.monotonic() + 120
    while len(list(tmp_path.glob("a.samekind/pictures.lance/_versions/*"))) < 2:  # the first is the empty table
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert (out, err) == (b"", b"samekind: Interrupted; what was finished is kept.\n")
    taken_up = command(*words)
    assert taken_up.code == 0
    assert taken_up.json["pictures"] == 40
    assert taken_up.json["encoded"] == taken_up.json["new"]
    paths = [row["path"] for row in Collection.open(tmp_path / "a.samekind").pictures()]
    assert sorted(paths) == sorted(f"{n}.jpg" for n in range(40))


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no file system of its own can be mounted here")
def test_no_space_left_and_then_some(small: Ground, tmp_path: Path) -> None:
    """In a file system of its own that is nearly full at first."""
    for n in range(12):
        draw(small.folder / f"more/{n}.jpg", KINDS["blue"], 300 + n)
    (tmp_path / "disk").mkdir()
    script = """
        mount -t tmpfs -o size=4m none disk || exit 77
        cp -r small.samekind disk
        dd if=/dev/zero of=disk/filler 2>/dev/null
        truncate --size=-32K disk/filler
        "$1" sync --into disk/small.samekind --no-tune
        echo $?
        "$1" list disk/small.samekind --jsonl | wc -l
        rm disk/filler
        "$1" sync --into disk/small.samekind --no-tune --quiet
    """
    run = small.command.shell(script, str(COMMAND))
    if run.code == 77 or run.err.startswith("unshare"):
        pytest.skip("no file system of its own can be mounted here")
    code, count, report, *_ = run.out.splitlines()
    assert code == "2"
    assert int(count) == 9
    table = f"{tmp_path}/disk/small.samekind/pictures.lance"
    assert run.err == f"samekind: No space is left for {table}; free some and run the same command again.\n"
    assert report == "12 new, 9 same"
