"""Real processes: killed at random moments, writing at once, searching while others write."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samekind.collection import Collection
from samekind.collection.lock import writing
from samekind.errors import CollectionBusy
from tests.collection.mock import MockEncoder, age, draw, draw_many

WORKER = Path(__file__).with_name("worker.py")
KILLS = 15


def start(*arguments: object, **more: Any) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, str(WORKER), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )
    assert process.stdout
    if process.stdout.readline() != "ready\n":
        raise AssertionError(process.communicate()[1])
    return process


def change(folder: Path, turn: int = 0) -> None:
    """New files, copies, renamed ones, changed ones, deleted ones and a broken one; other ones in each turn."""
    files = sorted(folder.rglob("*.png"))
    random.Random(turn).shuffle(files)
    for n, file in enumerate(files[:6]):
        file.rename(folder / f"renamed {turn} {n}.png")
    for n, file in enumerate(files[6:10]):
        shutil.copy(file, folder / f"copy {turn} {n}.png")
    for n, file in enumerate(files[10:14]):
        draw(file, 500_000 + 100 * turn + n)
    for file in files[14:17]:
        file.unlink()
    draw_many(folder, 60, 2000 + 100 * turn)
    (folder / f"broken {turn}.png").write_bytes(b"no picture")
    age(folder)


def state(path: Path, settled: bool = True) -> dict[str, tuple[Any, ...]]:
    """All rows by id, checked: no place twice, vectors and tuned vectors where they belong, nothing left over."""
    collection = Collection.open(path)
    table = collection.table
    column = collection.searched[0]
    if settled:
        assert table.tuned_columns == ([] if column == "look" else [column])
    names = ["id", "root", "path", "hash", "size", "state", "reason", "width", "look", column, "views"]
    rows = table.read(list(dict.fromkeys(names)))
    found = rows.to_pylist()
    assert len({(row["root"], row["path"]) for row in found}) == len(found)
    assert len({row["id"] for row in found}) == len(found)
    for row in found:
        assert (row["look"] is None) == (row["state"] == "skipped")
        assert (row[column] is None) == (row["look"] is None)
    return {
        row["id"]: (
            *(row[name] for name in ("root", "path", "hash", "size", "state", "reason", "width")),
            None if row["look"] is None else np.array(row["look"]).tobytes(),
            row["views"] is None,
        )
        for row in found
    }


@pytest.fixture
def begun(tmp_path: Path) -> tuple[Path, Path]:
    """A collection of twenty-five pictures, tuned, and its folder, which has changed since."""
    folder = tmp_path / "pictures"
    draw_many(folder, 25)
    age(folder)
    collection = Collection.create(tmp_path / "c.samekind", MockEncoder())
    collection.sync([folder], encoder=MockEncoder()).result()
    change(folder)
    return collection.path, folder


def test_kills_at_random_moments_change_nothing_about_the_end(begun: tuple[Path, Path], tmp_path: Path) -> None:
    path, folder = begun
    undisturbed = tmp_path / "undisturbed.samekind"
    shutil.copytree(path, undisturbed)
    assert start("write", undisturbed, folder).wait() == 0
    reader = start("read", path, stdin=subprocess.PIPE)
    rng = random.Random(20)
    killed = 0
    for _ in range(KILLS):
        process = start("write", path, folder)
        time.sleep(rng.uniform(0.0, 0.8))
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        state(path, settled=False)
    assert killed > KILLS // 2
    assert start("write", path, folder).wait() == 0
    said, problem = reader.communicate("")
    assert reader.returncode == 0, problem
    assert int(said) > 3
    assert state(path) == state(undisturbed)


def test_a_second_writer_is_told(begun: tuple[Path, Path]) -> None:
    path, folder = begun
    with writing(path):
        process = start("write", path, folder)
        _, problem = process.communicate()
    assert process.returncode
    assert "Another process is writing" in problem
    assert start("write", path, folder).wait() == 0


def test_the_lock_of_a_killed_writer_is_free(begun: tuple[Path, Path]) -> None:
    path, folder = begun
    process = start("write", path, folder)
    while process.poll() is None and _free(path):
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert _free(path)


def _free(path: Path) -> bool:
    try:
        with writing(path):
            return True
    except CollectionBusy:
        return False


def test_a_reader_keeps_its_version_until_it_refreshes(begun: tuple[Path, Path]) -> None:
    path, folder = begun
    reader = Collection.open(path)
    before = reader.vectors(tuned=False).ids
    assert start("write", path, folder).wait() == 0
    assert reader.vectors(tuned=False).ids == before
    assert reader.vectors(tuned=True).ids == before
    assert len(reader.rows(before)) == len(before)
    reader.refresh()
    assert reader.vectors(tuned=False).ids != before
    assert len(reader.vectors(tuned=True)) == len(reader.vectors(tuned=False))
