"""The report in its three forms."""

import json
import re
from dataclasses import replace

import pytest

from samekind.errors import StorageError
from samekind.evaluation import report, words
from samekind.evaluation.compare import Difference
from samekind.evaluation.evaluate import evaluate
from samekind.evaluation.examples import choose


@pytest.fixture
def result(draw_set, encoder):
    files = [draw_set("left", spread=45), draw_set("right <b>", seed=1, each=4, spread=45)]
    return evaluate(files, encoder, against="no-tune").result()


def test_text_shows_every_set_and_the_verdict(result):
    shown = report.text(result)
    lines = shown.splitlines()
    assert lines[0].startswith("colour, tuned (protocol own")
    first_columns = {re.split(r"  +", line)[0] for line in lines}
    assert {"left", "right <b>", "left, parent classes", "mean", "joint gallery"} <= first_columns
    assert "colour, plain" in shown
    assert max(len(line) for line in lines[:10]) < 120


def test_one_set_has_no_mean_row(draw_set, encoder):
    shown = report.text(evaluate([draw_set("left")], encoder).result())
    assert "joint gallery" not in shown
    assert "\nmean" not in shown


def test_markdown_has_all_figures(result):
    shown = report.markdown(result)
    assert shown.startswith("# Evaluation: colour, tuned\n")
    assert "| set | queries | recall@1 |" in shown
    tables = [line for line in shown.splitlines() if line.startswith("| ")]
    assert len({line.count("|") for line in tables}) == 2
    assert "## Against colour, plain" in shown


def test_the_page_is_whole_and_fetches_nothing(result, tmp_path):
    report.write(result, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count("<svg") == page.count("</svg>") == 4
    assert "right &lt;b&gt;" in page
    assert "<b>" not in page.replace('<b class="', "").replace('<b aria-hidden="true">', "").replace("</b>", "")
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "picture right" in page
    assert "✓" in page


def test_report_json_holds_every_class(result, tmp_path):
    report.write(result, tmp_path)
    found = json.loads((tmp_path / "report.json").read_text())
    classes = found["sets"]["left"]["per_class"]
    assert [one["label"] for one in classes] == ["apple", "cherry", "fig", "pear", "plum"]
    mean = sum(one["recall@1"] * one["queries"] for one in classes) / 30
    assert mean == pytest.approx(found["sets"]["left"]["recall@1"])
    assert {"per_class", "intervals"} <= set(found["against"]["sets"]["left"])
    assert sorted(file.name for file in tmp_path.glob("*report*")) == ["report.html", "report.json", "report.md"]


def test_a_folder_that_cannot_be_written(result, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        report.write(result, tmp_path / "file")


def test_examples_show_what_they_say(result):
    ours, theirs = result.sets[0], result.against.sets[0]
    examples = choose(ours, theirs)
    value = dict(zip(ours.queries, ours.values["map@r"], strict=True))
    other = dict(zip(theirs.queries, theirs.values["map@r"], strict=True))
    assert examples
    for one in examples:
        path = one.query.file.name
        assert len(one.hits) == len(one.other_hits) == 6
        assert all(hit.right == (hit.label == one.query.label) for hit in one.hits)
        assert one.query.file not in [hit.file for hit in one.hits]
        if one.kind == "gained":
            assert value[path] > other[path]
        if one.kind == "lost":
            assert value[path] < other[path]
        if one.kind in ("wrong", "right"):
            assert one.hits[0].right == (one.kind == "right")
    labels = [one.query.label for one in examples]
    assert len(set(labels)) == len(labels)


def test_the_verdict_names_what_got_worse(result):
    swapped = replace(result.against, against=replace(result, against=None))
    for one in (result, swapped):
        said = " ".join(words.verdict(one))
        mean = one.differences["mean"]
        clear = [mean[name] for name in words.HEADLINES if mean[name].significant]
        if clear and all(found.mean < 0 for found in clear):
            assert re.search(r"is worse (by \S+ alone )?than", said)
        if clear and all(found.mean > 0 for found in clear):
            assert re.search(r"is better (by \S+ alone )?than", said)
        if not clear:
            assert "does not differ clearly" in said


@pytest.mark.parametrize(("p", "shown"), [(0.0001, "<.0002"), (0.0123, ".0123"), (0.5, ".5"), (1.0, "1")])
def test_p_values(p, shown):
    assert words.p_value(p) == shown
    assert words.with_test(Difference(0.021, 0.01, 0.032, p), " points") == f"+2.1 points (+1.0 to +3.2, p {shown})"
