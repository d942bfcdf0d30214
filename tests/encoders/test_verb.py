"""samekind encoders, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from samekind.cli.app import app


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SAMEKIND_OFFLINE", "1")


def call(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["encoders", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_list() -> None:
    code, out, _ = call()
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:5]] == ["lite", "tiny", "dino", "best"]
    assert "dino@SIDE" in out


def test_list_as_json() -> None:
    code, out, _ = call("--json")
    assert code == 0
    assert {one["name"]: one["fetched"] for one in json.loads(out)["encoders"]} == {
        "lite": True,
        "tiny": False,
        "dino": False,
        "best": False,
    }


def test_fetch_of_what_is_there() -> None:
    code, out, _ = call("fetch", "lite", "--json")
    assert code == 0
    assert json.loads(out)["fetched"]["lite"][0].endswith(".pth")


def test_fetch_without_a_network() -> None:
    code, out, err = call("fetch", "best")
    assert (code, out) == (2, "")
    assert "samekind encoders import FILE" in err
    assert len(err.splitlines()) == 1


def test_unknown_names_are_found_before_anything_is_fetched() -> None:
    code, out, err = call("fetch", "lite", "dinno")
    assert (code, out) == (2, "")
    assert "Did you mean 'dino'?" in err


def test_import_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("something")
    code, _, err = call("import", str(tmp_path / "file"))
    assert code == 2
    assert "none of the files" in err
    assert call("import", str(tmp_path / "nothing"))[0] == 2
    assert not (tmp_path / "cache").exists()
