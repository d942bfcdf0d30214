"""Run and qrels files out and in."""

import numpy as np
import pytest

from samekind.errors import UsageError
from samekind.evaluation.evaluate import evaluate
from samekind.evaluation.metrics import METRICS
from samekind.evaluation.runs import evaluate_run, read_qrels, read_run, write_qrels, write_run


def test_scores_survive_the_round_trip(draw_set, encoder, tmp_path):
    result = evaluate([draw_set("left", distractors=3)], encoder, depth=1000).result()
    write_run(result, tmp_path / "out" / "a.run")
    write_qrels(result, tmp_path / "out" / "a.qrels")
    again = evaluate_run(tmp_path / "out" / "a.run", tmp_path / "out" / "a.qrels")
    ours, theirs = result.sets[0], again.sets[0]
    assert theirs.name == "a"
    assert len(theirs.queries) == len(ours.queries) == 30
    assert again.joint is None
    for name in METRICS:
        assert theirs.values[name].mean() == pytest.approx(ours.values[name].mean()), name
    assert "left/apple%200.png Q0 left/" in (tmp_path / "out" / "a.run").read_text()


def test_an_independent_library_reads_our_files_alike(draw_set, encoder, tmp_path):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    result = evaluate([draw_set("left", spread=50)], encoder, depth=1000).result()
    write_run(result, tmp_path / "a.run")
    write_qrels(result, tmp_path / "a.qrels")
    with (tmp_path / "a.qrels").open() as qrels, (tmp_path / "a.run").open() as run:
        judge = pytrec_eval.RelevanceEvaluator(pytrec_eval.parse_qrel(qrels), {"map", "success.1", "Rprec"})
        theirs = judge.evaluate(pytrec_eval.parse_run(run))
    ours = result.sets[0].to_dict()
    for mine, name in {"map": "map", "recall@1": "success_1", "r-precision": "Rprec"}.items():
        assert np.mean([one[name] for one in theirs.values()]) == pytest.approx(ours[mine], abs=1e-6)


def test_order_is_by_score_and_ties_by_line(tmp_path):
    run = tmp_path / "a.run"
    run.write_text("q Q0 low 1 0.1 x\nq Q0 tie1 2 0.5 x\nq Q0 tie2 3 0.5 x\n\nq Q0 top 9 1e3 x\n")
    assert read_run(run) == {"q": ["top", "tie1", "tie2", "low"]}


def test_unanswered_queries_score_nothing(tmp_path):
    (tmp_path / "a.run").write_text("q1 Q0 a 1 2 x\nq1 Q0 b 2 1 x\nelse Q0 b 2 1 x\n")
    (tmp_path / "a.qrels").write_text("q1 0 a 1\nq1 0 b 0\nq2 0 c 2\nq3 0 d 0\n")
    found = evaluate_run(tmp_path / "a.run", tmp_path / "a.qrels").to_dict()["sets"]["a"]
    assert (found["recall@1"], found["queries"], found["unanswered"], found["unscored"]) == (0.5, 2, 1, 1)


def test_two_runs_are_compared(tmp_path):
    (tmp_path / "qrels").write_text("".join(f"q{at} 0 a 1\n" for at in range(20)))
    (tmp_path / "good.run").write_text("".join(f"q{at} Q0 a 1 1 x\n" for at in range(20)))
    (tmp_path / "bad.run").write_text("".join(f"q{at} Q0 b 1 2 x\nq{at} Q0 a 1 1 x\n" for at in range(20)))
    result = evaluate_run(tmp_path / "good.run", tmp_path / "qrels", tmp_path / "bad.run")
    found = result.differences["good"]["recall@1"]
    assert (found.mean, found.significant) == (1, True)


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_run, "q Q0 a 1\n", "line 1: 4 fields"),
        (read_run, "q Q0 a 1 0.5 x\nq Q0 a 2 0.4 x\n", "line 2: a is listed twice"),
        (read_run, "q Q0 a 1 high x\n", "line 1: the score 'high' is not a number"),
        (read_run, "q Q0 a 1 nan x\n", "line 1: the score 'nan' is not a number"),
        (read_qrels, "q 0 a\n", "line 1: 3 fields"),
        (read_qrels, "q 0 a yes\n", "line 1: the relevance 'yes'"),
    ],
)
def test_errors_name_the_line(tmp_path, read, text, message):
    (tmp_path / "file").write_text(text)
    with pytest.raises(UsageError, match=message):
        read(tmp_path / "file")


def test_other_errors(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_run(tmp_path / "none")
    (tmp_path / "a.run").write_text("q Q0 a 1 1 x\n")
    (tmp_path / "a.qrels").write_text("q 0 a 0\n")
    with pytest.raises(UsageError, match="names no relevant picture"):
        evaluate_run(tmp_path / "a.run", tmp_path / "a.qrels")
    (tmp_path / "a.qrels").write_text("other 0 a 1\n")
    with pytest.raises(UsageError, match="answers none of the queries"):
        evaluate_run(tmp_path / "a.run", tmp_path / "a.qrels")
