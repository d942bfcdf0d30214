"""What search prints, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.conftest import Ground


def test_the_table_goes_to_standard_output(ground: Ground) -> None:
    answer = ground.command("search", "awkward.samekind", "--picture", "pictures/test/blue-1.jpg", "-k", "2")
    assert answer.code == 0
    assert answer.err == ""
    assert "blue-1.jpg" in answer.out
    assert "the same file" in answer.out
    assert "2 of " in answer.out


def test_a_picture_from_standard_input(ground: Ground) -> None:
    data = (ground.folder / "test/blue-1.jpg").read_bytes()
    words = ("search", "awkward.samekind", "--picture", "-", "-k", "1", "--jsonl")
    (line,) = ground.command(*words, stdin=data).out.splitlines()
    hit = json.loads(line)
    assert hit["path"] == "test/blue-1.jpg"
    assert hit["same_file"] is True


def test_json_lines(ground: Ground) -> None:
    lines = ground.command("search", "awkward.samekind", "--like", "train/red-0.jpg", "--jsonl").out.splitlines()
    assert [json.loads(line)["rank"] for line in lines] == list(range(1, 11))


def test_paths_ended_by_nul_come_through_whole(ground: Ground) -> None:
    answer = ground.command("search", "awkward.samekind", "--like", "plain.jpg", "-k", "100", "--no-collapse", "-0")
    *paths, rest = answer.out.split("\0")
    assert rest == ""
    assert str(ground.folder / "two\nlines.jpg") in paths
    assert len(paths) == ground.synced.json["pictures"] - 1
    assert all(Path(path).is_file() for path in paths)


def test_a_list_of_paths_ended_by_nul(ground: Ground) -> None:
    answer = ground.command("list", "awkward.samekind", "--where", "path~=*lines", "-0")
    assert answer.out == f"{ground.folder}/two\nlines.jpg\0"


def test_contact_sheets(ground: Ground, tmp_path: Path) -> None:
    png, page = tmp_path / "hits.png", tmp_path / "hits.html"
    words = ("search", "awkward.samekind", "--like", "train/red-0.jpg", "--where", "path~=t", "--paths")
    first, second = (ground.command(*words, "--sheet", sheet) for sheet in (png, page))
    assert first.out == second.out
    assert len(first.out.splitlines()) == 10
    assert all(Path(path).is_file() for path in first.out.splitlines())
    with Image.open(png) as sheet:
        assert sheet.format == "PNG"
        assert min(sheet.size) > 100
    text = page.read_text("utf-8")
    assert "red-1.jpg" in text
    assert text.count("data:image/") >= 10
    assert "http://" not in text.replace("http://www.w3.org/", "")
    assert "https://" not in text


def test_nothing_good_enough_is_exit_code_1(ground: Ground) -> None:
    words = ("--like", "train/red-0.jpg", "--min-confidence", "1", "--json")
    answer = ground.command("search", "awkward.samekind", *words)
    assert answer.code == 1
    assert answer.json["hits"] == []
    assert answer.json["nothing_here"] is True
    assert answer.err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_results_that_cannot_be_written(ground: Ground) -> None:
    words = ("search", "awkward.samekind", "--like", "train/red-0.jpg", "--json")
    with Path("/dev/full").open("wb") as full:
        code, err = ground.command.into(full, *words)
    assert code == 2
    assert err == "samekind: Standard output cannot be written (No space left on device).\n"
