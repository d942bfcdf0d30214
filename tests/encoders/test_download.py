"""Downloads that are broken off go on where they stopped, and what cannot be had is said in a sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from samekind.encoders import download as module
from samekind.encoders.download import Unreachable, check_sha256, download, file_sha256
from samekind.errors import StorageError, WrongWeights
from samekind.events import Progress
from tests.encoders.server import Served, serve

CONTENT = os.urandom(300_000)


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(CONTENT) as one:
        yield one


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 50_000)


def test_whole_with_progress(served: Served, tmp_path: Path) -> None:
    events = list(download(served.url, tmp_path / "part", "fetch"))
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert events[-1] == Progress("fetch", len(CONTENT), len(CONTENT))
    assert [event.done for event in events if isinstance(event, Progress)] == sorted({*range(50_000, 300_001, 50_000)})


def test_goes_on_where_the_connection_broke(served: Served, tmp_path: Path) -> None:
    served.break_after = [120_000, 70_000]
    list(download(served.url, tmp_path / "part", "fetch"))
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert served.asked == [None, "bytes=120000-", "bytes=190000-"]


def test_goes_on_from_an_earlier_process(served: Served, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(CONTENT[:200_000])
    first = next(iter(download(served.url, tmp_path / "part", "fetch")))
    assert first == Progress("fetch", 250_000, 300_000)
    assert served.asked == ["bytes=200000-"]


def test_a_whole_part_asks_for_nothing_more(served: Served, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(CONTENT)
    assert list(download(served.url, tmp_path / "part", "fetch")) == []


def test_a_server_without_ranges_sends_all_again(served: Served, tmp_path: Path) -> None:
    served.ranges = False
    (tmp_path / "part").write_bytes(b"x" * 400_000)
    list(download(served.url, tmp_path / "part", "fetch"))
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_two_at_once_write_the_same(served: Served, tmp_path: Path) -> None:
    one, other = (download(served.url, tmp_path / "part", "fetch") for _ in range(2))
    for _ in range(2):
        next(one), next(other)
    list(other), list(one)
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_gives_up_where_nothing_comes_and_keeps_what_came(served: Served, tmp_path: Path) -> None:
    served.break_after = [100_000, 0, 0, 0]
    with pytest.raises(Unreachable, match="broke off"):
        list(download(served.url, tmp_path / "part", "fetch"))
    assert (tmp_path / "part").read_bytes() == CONTENT[:100_000]


@pytest.mark.parametrize("status", [404, 403])
def test_an_answer_that_will_not_change_is_not_asked_for_twice(served: Served, tmp_path: Path, status: int) -> None:
    served.status = status
    with pytest.raises(Unreachable, match=str(status)):
        list(download(served.url, tmp_path / "part", "fetch"))
    assert len(served.asked) == 1
    assert not (tmp_path / "part").exists()


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        list(download("http://127.0.0.1:9/file", tmp_path / "part", "fetch"))


def test_a_place_that_cannot_be_written(served: Served, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="SAMEKIND_CACHE"):
        list(download(served.url, tmp_path / "no such folder" / "part", "fetch"))


def test_wrong_bytes_are_taken_away(tmp_path: Path) -> None:
    file = tmp_path / "part"
    file.write_bytes(b"right")
    check_sha256(file, file_sha256(file), "It")
    with pytest.raises(WrongWeights, match="It has sha256"):
        check_sha256(file, "0" * 64, "It")
    assert not file.exists()
