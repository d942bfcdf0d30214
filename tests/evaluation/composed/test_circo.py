"""CIRCO's files: what is read, the real counts, and complaints."""

from collections import Counter

import pytest

from samekind.errors import UsageError
from samekind.evaluation.composed.circo import ASPECTS, read_circo


def asked(**changes):
    found = {
        "id": 0,
        "reference_img_id": 10,
        "target_img_id": 20,
        "relative_caption": "has two dogs",
        "shared_concept": "a dog",
        "gt_img_ids": [30, 20],
        "semantic_aspects": ["cardinality"],
    }
    return found | changes


def test_the_written_target_comes_first(write, tmp_path):
    write("annotations/val.json", [asked()])
    (query,) = read_circo(tmp_path).queries
    assert (query.id, query.reference, query.texts) == ("0", "10", ("has two dogs",))
    assert query.targets == ("20", "30")
    assert query.aspects == ("cardinality",)
    assert not query.drops_reference
    assert read_circo(tmp_path, gallery=["10", "20", "30"]).gallery == ("10", "20", "30")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target_img_id": 40}, "entry 1: the target 40 is not among gt_img_ids"),
        ({"gt_img_ids": []}, "entry 1: gt_img_ids lists 0"),
        ({"gt_img_ids": [20, 20]}, "entry 1: gt_img_ids lists 20 twice"),
        ({"gt_img_ids": [20, 10]}, "entry 1: the reference 10 is among its own targets"),
        ({"semantic_aspects": ["colour"]}, "entry 1: there is no semantic aspect colour"),
        ({"relative_caption": " "}, "entry 1: relative_caption is empty"),
        ({"gt_img_ids": [20, 2.5]}, "entry 1: gt_img_ids must be a name or a whole number, not 2.5"),
    ],
)
def test_complaints_name_the_entry(write, tmp_path, changes, message):
    write("annotations/val.json", [asked(**changes)])
    with pytest.raises(UsageError, match=message):
        read_circo(tmp_path)


def test_other_complaints(write, tmp_path):
    with pytest.raises(UsageError, match="no split of CIRCO 'train'"):
        read_circo(tmp_path, "train")
    write("annotations/val.json", [asked()])
    with pytest.raises(UsageError, match="entry 1: 30 is not in the gallery that was given"):
        read_circo(tmp_path, gallery=["10", "20"])


@pytest.mark.shared
def test_the_real_validation_file(annotations):
    benchmark = read_circo(annotations / "circo")
    assert len(benchmark) == 220
    counts = Counter(len(query.targets) for query in benchmark.queries)
    assert [counts[many] for many in (1, 2, 3)] == [29, 45, 46]
    assert sum(len(query.targets) for query in benchmark.queries) == 916
    aspects = Counter(aspect for query in benchmark.queries for aspect in query.aspects)
    assert set(aspects) == set(ASPECTS)
    assert (aspects["statement_with_conjunction"], aspects["negation"]) == (164, 21)
    assert all(query.reference not in query.targets for query in benchmark.queries)


@pytest.mark.shared
def test_the_real_test_file_has_no_targets(annotations):
    benchmark = read_circo(annotations / "circo", "test")
    assert len(benchmark) == 800
    assert not any(query.targets or query.aspects for query in benchmark.queries)
    assert [query.id for query in benchmark.queries] == [str(number) for number in range(800)]
