"""The forms that outside checks use: each must hold as it is written down."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from tests.e2e.command import Answer, Command
from tests.e2e.conftest import KINDS, Ground, draw


def is_share(value: Any) -> bool:
    return isinstance(value, float) and 0 <= value <= 1


def test_sync_into_as_json(ground: Ground) -> None:
    report = ground.synced.json
    assert ground.synced.code == 3  # some files are broken
    assert set(report) >= {"new", "changed", "moved", "missing", "same", "skipped", "pictures", "reasons", "encoded"}
    assert set(report) >= {"away", "seconds", "tuned", "why", "dry_run", "chosen"}
    assert report["new"] > 50
    assert report["tuned"] in (True, False)
    assert report["why"]
    assert ground.collection.is_dir()


def test_search_as_json(ground: Ground) -> None:
    picture = ground.folder / "train/red-0.jpg"
    words = ("search", "awkward.samekind", "--picture", picture, "-k", "3", "--where", "path~=train/", "--json")
    answer = ground.command(*words)
    assert answer.code == 0
    found = answer.json
    assert found["encoder"] == "lite"
    assert found["k"] == 3
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    for hit in found["hits"]:
        assert hit["path"].startswith("train/")
        assert isinstance(hit["id"], str)
        assert isinstance(hit["score"], float)
        assert is_share(hit["confidence"])
        assert Path(hit["file"]) == ground.folder / hit["path"]
    assert found["hits"][0]["path"] == "train/red-0.jpg"
    assert found["hits"][0]["same_file"] is True
    assert [hit["score"] for hit in found["hits"]] == sorted((hit["score"] for hit in found["hits"]), reverse=True)


def test_search_without_tuning_as_json(ground: Ground) -> None:
    words = ("search", "awkward.samekind", "--picture", ground.folder / "train/red-0.jpg", "--no-tune", "--json")
    found = ground.command(*words).json
    assert found["tuned"] is False
    assert len(found["hits"]) == 10


def test_info_as_json(ground: Ground) -> None:
    answer = ground.command("info", "awkward.samekind", "--json")
    assert answer.code == 0
    found = answer.json
    assert found["path"] == str(ground.collection)
    assert found["encoder"] == "lite"
    assert found["pictures"] == found["states"]["present"] == ground.synced.json["pictures"]
    assert found["tuned"] == ground.synced.json["tuned"]
    assert found["roots"]["pictures"]["folder"] == str(ground.folder)
    assert found["roots"]["pictures"]["there"] is True
    assert {"format", "fingerprint", "dim", "reasons", "columns", "why", "tuning", "bytes", "synced", "undo"} <= set(
        found
    )


def test_list_as_json(ground: Ground) -> None:
    answer = ground.command("list", "awkward.samekind", "--where", "path~=train/", "--json")
    assert answer.code == 0
    rows = answer.json["pictures"]
    assert sorted(row["path"] for row in rows) == sorted(f"train/{kind}-0.jpg" for kind in KINDS)
    for row in rows:
        assert row["state"] == "present"
        assert row["file"] == str(ground.folder / row["path"])
        assert {"id", "root", "hash", "size", "width", "height", "reason", "added"} <= set(row)


def labelled(folder: Path, seed: int) -> Path:
    """A labelled set of four pictures of each kind."""
    rows = []
    for n, (kind, colour) in enumerate(KINDS.items()):
        for take in range(4):
            path = f"{kind}-{take}.jpg"
            draw(folder / path, colour, seed + 10 * n + take)
            rows.append([path, kind, "colours" if kind != "grey" else "none", "both", ""])
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["path", "label", "coarse", "split", "subset"], *rows])
    return folder / "labels.csv"


def check_evaluation(answer: Answer, names: set[str]) -> dict[str, Any]:
    assert answer.code == 0, answer.err
    found: dict[str, Any] = answer.json
    assert set(found["sets"]) == names
    for scores in (*found["sets"].values(), found["mean"], found["joint"]):
        assert is_share(scores["recall@1"])
        assert is_share(scores["map@r"])
        assert isinstance(scores["queries"], int)
    return found


def test_evaluate_as_json(tmp_path: Path, home: Path) -> None:
    command = Command(tmp_path, home)
    left, right = labelled(tmp_path / "left", 500), labelled(tmp_path / "right", 900)
    plain = ("evaluate", left, right, "--encoder", "lite", "--protocol", "own", "--no-tune", "--json")
    own = check_evaluation(command(*plain), {"left", "right"})
    assert own["sets"]["left"]["queries"] == 16
    new = check_evaluation(command("evaluate", left, "--encoder", "lite", "--protocol", "new", "--json"), {"left"})
    assert new["sets"]["left"]["queries"] == 8  # half of the classes were for fitting
