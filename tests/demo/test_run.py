import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from samekind.cli.app import app
from samekind.collection import Collection
from samekind.demo import run, world
from samekind.demo.ground import FOLDER
from samekind.demo.run import demo, demo_on
from samekind.demo.world import THEMES, Theme
from samekind.encoders import load
from samekind.errors import UsageError
from samekind.events import Job, Progress
from samekind.settings import Settings
from tests.collection.mock import MockEncoder, draw_many


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A world of 13 kinds a theme, seen by an encoder without weights."""

    def nothing(*_: object) -> Job[None]:
        return Job(iter(()))  # type: ignore[arg-type]

    small = tuple(Theme(theme.name, theme.levels, theme.kinds[:13], theme.photo) for theme in THEMES)
    monkeypatch.setattr(world, "THEMES", small)
    monkeypatch.setattr(run, "THEMES", small)
    monkeypatch.setattr(run, "_ASKED_KINDS", (1, 2, 3))
    monkeypatch.setattr(load, "fetch", nothing)
    monkeypatch.setattr(load, "load_encoder", lambda *_: MockEncoder())
    monkeypatch.chdir(tmp_path)


def test_the_demo_draws_syncs_searches_and_scores_and_goes_on_from_there() -> None:
    job = demo(Settings())
    stages = {event.stage for event in job if isinstance(event, Progress)}
    report = job.result()
    assert {"drawing", "tiles: encoding", "shields: encoding"} <= stages
    assert [theme.name for theme in report.themes] == ["tiles", "flowers", "shields"]
    for theme, drawn in zip(report.themes, THEMES, strict=True):
        assert theme.pictures == 52
        assert [level.name for level in theme.levels] == list(drawn.levels)
        for level in theme.levels:
            for quality in (level.plain, level.tuned):
                assert 0 <= quality.map_at_r <= 1
                assert 0 <= quality.recall_at_1 <= 1
        firsts = [level.plain.recall_at_1 for level in theme.levels]
        assert firsts == sorted(firsts, reverse=True)
        assert theme.example.picture.is_file()
        assert len(theme.example.right) == 6
        assert Collection.open(theme.collection).table.person_columns.keys() >= {"label", "middle", "coarse"}
    page = report.sheet.read_text("utf-8")
    assert "tiles, plain" in page
    assert page.count("✓") + page.count("✗") >= 18
    assert json.loads(json.dumps(report.to_dict()))["encoder"] == "mock"

    drawn_at = (FOLDER / "world" / "tiles" / "labels.csv").stat().st_mtime_ns
    result = CliRunner().invoke(app, ["demo", "--quiet"])
    assert result.exit_code == 0, result.output
    assert "colourway" in result.stdout
    assert "samekind demo ~/Pictures/SOME-FOLDER" in result.stdout
    assert (FOLDER / "world" / "tiles" / "labels.csv").stat().st_mtime_ns == drawn_at


def test_on_ones_own_folder(tmp_path: Path) -> None:
    draw_many(tmp_path / "my pictures", 30)
    (tmp_path / "my pictures" / "broken.jpg").write_bytes(b"no")
    report = demo_on(tmp_path / "my pictures", Settings(), tmp_path / "demo").result()
    assert report.pictures == 30
    assert report.skipped == 1
    assert report.collection == tmp_path / "demo" / "my pictures.samekind"
    assert len(report.asked) == len(set(report.asked)) == 6
    assert report.sheet.is_file()
    assert "'" in report.next_commands[0]
    assert json.loads(json.dumps(report.to_dict()))["pictures"] == 30


def test_bad_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        demo_on(tmp_path / "nowhere", Settings(), tmp_path / "demo").result()
    assert not (tmp_path / "demo").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="pictures"):
        demo_on(tmp_path / "empty", Settings(), tmp_path / "demo").result()


def test_the_verb(tmp_path: Path) -> None:
    draw_many(tmp_path / "birds", 20)
    result = CliRunner().invoke(app, ["demo", "birds", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["pictures"] == 20
    result = CliRunner().invoke(app, ["demo", "birds"])
    assert "20 pictures" in result.stdout
    assert "samekind search samekind-demo/birds.samekind" in result.stdout


def test_something_else_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "samekind-demo").mkdir()
    (tmp_path / "samekind-demo" / "thesis.txt").write_text("x")
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 2
    assert "not from a demo" in result.stderr
