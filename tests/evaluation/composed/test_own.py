"""Ruled queries of our own: the lines, complaints, and the real file."""

import csv
from collections import Counter

import pytest

from samekind.errors import UsageError
from samekind.evaluation.composed.own import read_own

LINE = '{"reference": "a.jpg", "text": "the same in red", "rule": "colour", "targets": ["b.jpg", "c.jpg"]}\n'
GALLERY = ("a.jpg", "b.jpg", "c.jpg")


def test_a_line(write):
    benchmark = read_own(write("shop.jsonl", "\n" + LINE), GALLERY)
    (query,) = benchmark.queries
    assert (benchmark.name, benchmark.gallery) == ("shop", GALLERY)
    assert (query.id, query.reference, query.texts) == ("shop-2", "a.jpg", ("the same in red",))
    assert (query.targets, query.aspects, query.drops_reference) == (("b.jpg", "c.jpg"), ("colour",), True)


@pytest.mark.parametrize(
    ("text", "gallery", "message"),
    [
        (LINE + "{", GALLERY, "line 2: not JSON"),
        (LINE + "[]", GALLERY, "line 2: must be an object"),
        (LINE.replace("text", "words"), GALLERY, "line 1: there is no field text"),
        (LINE.replace("the same in red", ""), GALLERY, "line 1: text is empty"),
        (LINE.replace('["b.jpg", "c.jpg"]', "[]"), GALLERY, "line 1: targets lists 0"),
        (LINE.replace("c.jpg", "a.jpg"), GALLERY, "line 1: the reference a.jpg is among its own targets"),
        (LINE, GALLERY[:2], "line 1: c.jpg is not in the gallery that was given"),
        ("\n", GALLERY, "lists no queries"),
        (LINE, (), "is empty; name the pictures"),
        (LINE, (*GALLERY, "b.jpg"), "names b.jpg twice"),
    ],
)
def test_complaints_name_the_line(write, text, gallery, message):
    with pytest.raises(UsageError, match=message):
        read_own(write("shop.jsonl", text), gallery)


def test_files_that_are_no_text(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_own(tmp_path / "none.jsonl", GALLERY)
    (tmp_path / "shop.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_own(tmp_path / "shop.jsonl", GALLERY)


@pytest.mark.shared
def test_the_real_file(shared):
    with (shared / "ikea" / "labels.csv").open(encoding="utf-8", newline="") as lines:
        gallery = [f"ikea/{row['path']}" for row in csv.DictReader(lines)]
    benchmark = read_own(shared / "composed" / "ikea.jsonl", gallery)
    assert (len(benchmark), len(benchmark.gallery)) == (600, 838)
    assert Counter(query.aspects for query in benchmark.queries) == {("colour",): 200, ("size",): 200, ("series",): 200}
