"""samekind evaluate, as a person calls it."""

import json

import pytest
from typer.testing import CliRunner

from samekind.cli.app import app


@pytest.fixture
def call(monkeypatch, encoder):
    import samekind.encoders.load as load

    def fetch(name, settings):
        return iter(())

    def load_encoder(name, settings=None, on_event=None):
        return type(encoder)(name, turn=0 if name == "dino" else 128)

    monkeypatch.setattr(load, "fetch", fetch)
    monkeypatch.setattr(load, "load_encoder", load_encoder)
    return lambda *words: CliRunner().invoke(app, ["evaluate", *map(str, words)])


def test_the_json_form(call, draw_set):
    left, right = draw_set("left"), draw_set("right", seed=1)
    answer = call(left, right, "--encoder", "dino", "--protocol", "own", "--no-tune", "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert set(found["sets"]) == {"left", "right"}
    for part in (found["sets"]["left"], found["mean"], found["joint"]):
        assert {"recall@1", "recall@5", "map@r", "map", "ndcg@10", "queries", "intervals"} <= set(part)
    assert found["tuned"] is False


def test_new_with_a_split(call, draw_set):
    answer = call(draw_set("left"), "--protocol", "new", "--split", "1", "--json")
    assert json.loads(answer.stdout)["split"] == 1


def test_a_report_compares_with_plain(call, draw_set, tmp_path):
    answer = call(draw_set("left"), "--report", tmp_path / "out")
    assert answer.exit_code == 0, answer.output
    assert "dino, plain" in answer.stdout
    assert "dino, plain" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_against_another_encoder(call, draw_set):
    found = json.loads(call(draw_set("left"), "--against", "tiny", "--json").stdout)
    assert found["against"]["encoder"] == "tiny"
    assert set(found["differences"]) == {"left", "mean", "joint"}


def test_runs_out_and_in(call, draw_set, tmp_path):
    run, qrels = tmp_path / "a.run", tmp_path / "a.qrels"
    first = call(draw_set("left"), "--run-out", run, "--qrels-out", qrels, "--json")
    second = call("--run", run, "--qrels", qrels, "--json")
    assert second.exit_code == 0, second.output
    ours, theirs = json.loads(first.stdout)["sets"]["left"], json.loads(second.stdout)["sets"]["a"]
    assert ours["map"] == pytest.approx(theirs["map"])
    assert call("--run", run, "--qrels", qrels).stdout.startswith("a.run (qrels a.qrels, percent")
    assert call("--run", run, "--qrels", qrels, "--report", tmp_path / "out").exit_code == 0


def test_pictures_left_out_give_exit_code_3(call, draw_set):
    file = draw_set("left")
    (file.parent / "pear 0.png").write_bytes(b"no picture")
    answer = call(file, "--json")
    assert answer.exit_code == 3
    assert len(json.loads(answer.stdout)["skipped"]) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to evaluate"),
        (["none.csv"], "There is no labels file none.csv"),
        (["none.csv", "--protocol", "old"], "There is no protocol 'old'"),
        (["--run", "a"], "--run and --qrels belong together"),
        (["labels.csv", "--run", "a", "--qrels", "b"], "leave out labels files"),
        (["labels.csv", "--no-tune", "--against", "no-tune"], "Plain against plain"),
    ],
)
def test_errors_are_one_sentence(call, words, message):
    answer = call(*words)
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert not answer.stdout
