"""The files for the test servers: what is written, and what is refused."""

import json

import numpy as np
import pytest

from samekind.errors import UsageError
from samekind.evaluation.composed import measures
from samekind.evaluation.composed.circo import read_circo
from samekind.evaluation.composed.cirr import read_cirr
from samekind.evaluation.composed.queries import Benchmark, ComposedQuery
from samekind.evaluation.composed.rankings import Rankings
from samekind.evaluation.composed.submissions import (
    check_circo,
    check_cirr,
    read_circo_file,
    write_circo,
    write_cirr,
)

NAMES = tuple(f"test1-{at}" for at in range(60))
PAIR = ComposedQuery("12", NAMES[3], ("x",), group=(NAMES[40], NAMES[7], NAMES[55], NAMES[1]), drops_reference=True)
CIRR = Benchmark("cirr test1", (PAIR,), NAMES)
IDS = tuple(str(100 + at) for at in range(60))
CIRCO = Benchmark("circo val", (ComposedQuery("0", IDS[0], ("x",), (IDS[1],)),), IDS)


def test_cirr_files(tmp_path):
    recall, subset = tmp_path / "out" / "recall.json", tmp_path / "out" / "subset.json"
    write_cirr(Rankings.from_names(CIRR, [NAMES]), recall, subset)
    found = json.loads(recall.read_text("utf-8"))
    assert found == {"version": "rc2", "metric": "recall", "12": [*NAMES[:3], *NAMES[4:51]]}
    found = json.loads(subset.read_text("utf-8"))
    assert found == {"version": "rc2", "metric": "recall_subset", "12": [NAMES[1], NAMES[7], NAMES[40]]}
    check_cirr(recall, CIRR, "recall")
    check_cirr(subset, CIRR, "recall_subset")
    with pytest.raises(UsageError, match=r"recall.json: metric must be 'recall_subset'"):
        check_cirr(recall, CIRR, "recall_subset")
    with pytest.raises(UsageError, match="no metric of CIRR's server 'map'"):
        check_cirr(recall, CIRR, "map")


def test_short_rankings_write_nothing(tmp_path):
    recall, subset = tmp_path / "recall.json", tmp_path / "subset.json"
    with pytest.raises(UsageError, match="holds 49 pictures other than the reference where 50 are needed"):
        write_cirr(Rankings.from_names(CIRR, [NAMES[:50]]), recall, subset)
    few = [name for name in NAMES if name not in (NAMES[40], NAMES[55])]
    with pytest.raises(UsageError, match="subset holds 2 pictures"):
        write_cirr(Rankings.from_names(CIRR, [few]), recall, subset)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("metric", "change", "message"),
    [
        ("recall", {"version": "rc1"}, "version must be 'rc2'"),
        ("recall", {"12": None}, "query 12 holds no list; the server wants 50"),
        ("recall", {"12": list(NAMES[10:59])}, "query 12 holds 49 names; the server wants 50"),
        ("recall", {"12": [*NAMES[10:59], NAMES[10]]}, "query 12 names test1-10 twice"),
        ("recall", {"12": [*NAMES[10:59], "dev-1"]}, "query 12 may not name dev-1"),
        ("recall", {"12": list(NAMES[:50])}, "query 12 names its own reference"),
        ("recall", {"13": []}, "answers 13, which is no query of cirr test1"),
        ("recall_subset", {"12": [NAMES[1], NAMES[7], NAMES[8]]}, "query 12 may not name test1-8"),
    ],
)
def test_cirr_files_that_are_refused(write, metric, change, message):
    right = {"recall": list(NAMES[10:]), "recall_subset": [NAMES[1], NAMES[7], NAMES[40]]}[metric]
    content = {"version": "rc2", "metric": metric, "12": right}
    check_cirr(write("right.json", content), CIRR, metric)
    with pytest.raises(UsageError, match=message):
        check_cirr(write("wrong.json", content | change), CIRR, metric)


def test_circo_file(tmp_path):
    file = tmp_path / "circo.json"
    rankings = Rankings.from_names(CIRCO, [IDS])
    write_circo(rankings, file)
    assert json.loads(file.read_text("utf-8")) == {"0": list(range(100, 150))}
    check_circo(file, CIRCO)
    again = measures.circo(read_circo_file(file, CIRCO)).values
    for name, value in measures.circo(rankings).values.items():
        np.testing.assert_array_equal(again[name], value)
    write_circo(rankings.excluding_references(), file)
    assert json.loads(file.read_text("utf-8")) == {"0": list(range(101, 151))}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "must hold one object"),
        ({}, "has no answer to query 0 of circo val"),
        ({"0": list(range(100, 149))}, "query 0 holds 49 names"),
        ({"0": [*range(100, 149), 100]}, "query 0 names 100 twice"),
        ({"0": [*range(100, 149), 7]}, "query 0 may not name 7"),
        ({"0": [*range(100, 149), "149"]}, "query 0 names a picture by words"),
    ],
)
def test_circo_files_that_are_refused(write, content, message):
    with pytest.raises(UsageError, match=message):
        check_circo(write("wrong.json", content), CIRCO)


def test_circo_names_must_be_ids(tmp_path):
    odd = Benchmark("circo val", CIRCO.queries, ())
    with pytest.raises(UsageError, match=r"query 0 names dog.jpg, which is not an id of COCO"):
        write_circo(Rankings.from_names(odd, [["dog.jpg", *IDS[:49]]]), tmp_path / "circo.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.shared
def test_files_of_the_real_splits(annotations, tmp_path):
    rng = np.random.default_rng(0)
    cirr = read_cirr(annotations / "cirr", "test1")
    scores = rng.random((len(cirr), len(cirr.gallery)), np.float32)
    recall, subset = tmp_path / "recall.json", tmp_path / "subset.json"
    write_cirr(Rankings.from_scores(cirr, scores), recall, subset)
    assert len(json.loads(recall.read_text("utf-8"))) == 4_148 + 2
    check_cirr(subset, cirr, "recall_subset")
    circo = read_circo(annotations / "circo", "test")
    write_circo(Rankings.from_names(circo, [[str(at) for at in range(1, 51)]] * len(circo)), tmp_path / "circo.json")
    check_circo(tmp_path / "circo.json", circo)
