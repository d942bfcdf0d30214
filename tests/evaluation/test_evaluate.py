"""From labels files to scores, with a mock encoder."""

import json
from pathlib import Path

import numpy as np
import pytest

from samekind.errors import UsageError
from samekind.evaluation.evaluate import evaluate
from samekind.evaluation.metrics import METRICS
from samekind.evaluation.protocols import in_fit_half
from samekind.events import Progress, Skipped


def test_scores_of_two_sets(draw_set, encoder):
    files = [draw_set("left", distractors=4), draw_set("right", seed=1, each=4)]
    found = evaluate(files, encoder).result().to_dict()
    assert set(found["sets"]) == {"left", "right"}
    left = found["sets"]["left"]
    assert left["queries"] == 30
    assert left["gallery"] == 34
    assert left["tuning"] == "it helps"
    assert all(0 <= left[name] <= 1 for name in METRICS)
    assert left["intervals"]["recall@1"][0] <= left["recall@1"] <= left["intervals"]["recall@1"][1]
    assert left["coarse"]["recall@1"] >= left["recall@1"]
    assert found["mean"]["map@r"] == pytest.approx((left["map@r"] + found["sets"]["right"]["map@r"]) / 2)
    assert found["joint"]["queries"] == 50
    assert found["joint"]["gallery"] == 54
    assert found["joint"]["recall@1"] <= found["mean"]["recall@1"]
    assert (found["encoder"], found["tuned"], found["protocol"]) == ("colour", True, "own")
    json.dumps(found)


def test_plain_scores_equal_a_loop(draw_set, encoder):
    file = draw_set("left", each=5, spread=40)
    result = evaluate([file], encoder, tune=False).result()
    asked = result.sets[0].asked
    assert asked is not None
    labels = asked.labelled.labels
    firsts = [
        labels[asked.task.gallery[hits[0]]] == labels[row]
        for row, hits in zip(asked.task.queries, asked.ranking.top, strict=True)
    ]
    assert result.sets[0].to_dict()["recall@1"] == pytest.approx(np.mean(firsts))
    assert result.sets[0].tuning == "off"


@pytest.mark.parametrize("tune", [True, False])
def test_a_granularity_searches_wider(draw_set, encoder, tune):
    file = draw_set("left", each=6, spread=60)
    fine, none, wide = (
        evaluate([file], encoder, tune=tune, granularity=level).result() for level in ("fine", 1e-9, "coarse")
    )
    name = "colour, tuned" if tune else "colour, plain"
    assert (fine.setting, wide.setting) == (name, f"{name}, granularity 1")
    assert [found.details["granularity"] for found in (fine, none, wide)] == [0, 1e-9, 1]
    tops = [found.sets[0].asked.ranking.top for found in (fine, none, wide)]
    np.testing.assert_array_equal(tops[0], tops[1])
    assert (tops[0] != tops[2]).any()
    with pytest.raises(UsageError, match="not 'broad'"):
        evaluate([file], encoder, granularity="broad")


def test_one_set_is_its_own_mean_and_joint_gallery(draw_set, encoder):
    found = evaluate([draw_set("left")], encoder).result().to_dict()
    for name in METRICS:
        assert found["mean"][name] == found["joint"][name] == found["sets"]["left"][name]


def test_new_searches_the_other_half_only(draw_set, encoder):
    result = evaluate([draw_set("left")], encoder, "new", split=1).result()
    assert {in_fit_half(label, 1) for label in result.sets[0].classes} == {False}
    assert result.details["split"] == 1


def test_against_plain(draw_set, encoder):
    result = evaluate([draw_set("left"), draw_set("right", seed=3)], encoder, against="no-tune").result()
    assert result.against is not None
    assert (result.setting, result.against.setting) == ("colour, tuned", "colour, plain")
    differences = result.to_dict()["differences"]
    assert set(differences) == {"left", "right", "mean", "joint"}
    ours, theirs = result.to_dict(), result.against.to_dict()
    change = differences["mean"]["map@r"]
    assert change["difference"] == pytest.approx(ours["mean"]["map@r"] - theirs["mean"]["map@r"])
    assert 0 < change["p"] <= 1


def test_against_another_encoder(draw_set, encoder):
    other = type(encoder)("other", turn=128)
    result = evaluate([draw_set("left")], encoder, against=other).result()
    assert result.against is not None
    assert result.against.setting == "other, tuned"
    assert result.against.sets[0].queries == result.sets[0].queries


def test_a_second_evaluation_encodes_nothing(draw_set, encoder):
    file = draw_set("left")
    first = evaluate([file], encoder).result()
    seen = encoder.seen
    assert seen >= 30
    second = evaluate([file], encoder, tune=False).result()
    assert encoder.seen == seen
    assert first.sets[0].queries == second.sets[0].queries


def test_broken_pictures_are_reported_and_left_out(draw_set, encoder):
    file = draw_set("left")
    (file.parent / "pear 0.png").write_bytes(b"no picture")
    job = evaluate([file], encoder)
    events = list(job)
    assert [event.reason for event in events if isinstance(event, Skipped)] == ["not a picture"]
    assert any(isinstance(event, Progress) for event in events)
    found = job.result().to_dict()
    assert found["skipped"] == [str(file.parent / "pear 0.png")]
    assert found["sets"]["left"]["queries"] == 29


def test_queries_without_a_relevant_picture_are_counted_apart(draw_set, encoder):
    file = draw_set("left")
    file.write_text(file.read_text().replace("apple 0.png,apple", "apple 0.png,lonely"))
    found = evaluate([file], encoder).result().to_dict()["sets"]["left"]
    assert (found["queries"], found["unscored"]) == (29, 1)


def test_impossible_choices(draw_set, encoder):
    file = draw_set("left")
    with pytest.raises(UsageError, match="no protocol"):
        evaluate([file], encoder, "old")
    with pytest.raises(UsageError, match="Plain against plain"):
        evaluate([file], encoder, tune=False, against="no-tune")
    with pytest.raises(UsageError, match="no encoder"):
        evaluate([file], "unheard-of").result()
    lone = file.parent / "lone.csv"
    lone.write_text("path,label,coarse,split\n" + "".join(f"pear {at}.png,{at},,both\n" for at in range(6)))
    with pytest.raises(UsageError, match="no query has a picture of its own class"):
        evaluate([lone], encoder).result()


def test_nothing_is_encoded_before_the_labels_are_right(draw_set, encoder):
    good, bad = draw_set("left"), draw_set("right")
    bad.write_text(bad.read_text() + "none.png,pear,,both,\n")
    with pytest.raises(UsageError, match="line 32: there is no picture none"):
        evaluate([good, bad], encoder).result()
    assert encoder.seen == 0
    assert not Path(str(good.parent.parent / "cache")).exists()
