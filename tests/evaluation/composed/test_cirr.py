"""CIRR's files: what is read, the real counts, and complaints."""

import pytest

from samekind.errors import UsageError
from samekind.evaluation.composed.cirr import read_cirr

MEMBERS = ["a", "b", "c", "d", "e", "f"]


def pair(**changes):
    found = {
        "pairid": 7,
        "reference": "b",
        "target_hard": "d",
        "caption": " two dogs ",
        "img_set": {"members": MEMBERS},
    }
    return found | changes


@pytest.fixture
def read(write, tmp_path):
    def from_pairs(pairs, split="val", gallery=(*MEMBERS, "g")):
        write(f"captions/cap.rc2.{split}.json", pairs)
        write(f"image_splits/split.rc2.{split}.json", {name: f"./dev/{name}.png" for name in gallery})
        return read_cirr(tmp_path, split)

    return from_pairs


def test_a_pair(read):
    benchmark = read([pair()])
    (query,) = benchmark.queries
    assert (benchmark.name, benchmark.gallery) == ("cirr val", ("a", "b", "c", "d", "e", "f", "g"))
    assert (query.id, query.reference, query.texts, query.targets) == ("7", "b", ("two dogs",), ("d",))
    assert query.group == ("a", "c", "d", "e", "f")
    assert query.drops_reference
    assert benchmark.to_dict() == {
        "name": "cirr val",
        "queries": 1,
        "gallery": 7,
        "conventions": list(benchmark.conventions),
    }


def test_test1_has_no_targets(read):
    (query,) = read([pair(target_hard="d", caption="")], "test1").queries
    assert query.targets == ()
    assert query.texts == ("",)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"pairid": 7}, "must hold a list of queries"),
        ([], "lists no queries"),
        ([7], "entry 1: must be an object, not 7"),
        ([pair(), pair()], "entry 2: the id 7 was used before"),
        ([pair(reference="g")], "entry 1: the reference g is not a member"),
        ([pair(target_hard="g")], "entry 1: the target g is not a member"),
        ([pair(target_hard="b")], "entry 1: the reference b is among its own targets"),
        ([pair(caption=None)], "entry 1: caption must be a text, not null"),
        ([pair(pairid=True)], "entry 1: pairid must be a name or a whole number, not true"),
        ([pair(img_set=MEMBERS)], "entry 1: img_set must be an object"),
        ([pair(img_set={"members": "abc"})], 'entry 1, img_set: members must be a list, not "abc"'),
        ([pair(img_set={"members": ["b", "b", "d"]})], "entry 1, img_set: members lists b twice"),
        ([pair(img_set={"members": ["b"]})], "members lists 1 where at least 2"),
        ([pair(img_set={"members": ["b", "d", "z"]})], "entry 1: z is not in the gallery of .*split.rc2.val.json"),
        ([{"pairid": 7}], "entry 1: there is no field reference"),
        ("[{", "is not JSON"),
    ],
)
def test_complaints_name_file_and_entry(read, pairs, message):
    with pytest.raises(UsageError, match=message):
        read(pairs)


def test_complaints_about_files(read, write, tmp_path):
    with pytest.raises(UsageError, match=r"no split of CIRR 'test'.*Did you mean 'test1'"):
        read_cirr(tmp_path, "test")
    with pytest.raises(UsageError, match=r"split.rc2.val.json cannot be read"):
        read_cirr(tmp_path, "val")
    write("image_splits/split.rc2.val.json", ["a"])
    with pytest.raises(UsageError, match="an object whose keys are the gallery's names"):
        read_cirr(tmp_path, "val")


@pytest.mark.shared
@pytest.mark.parametrize(("split", "queries", "gallery"), [("val", 4_181, 2_297), ("test1", 4_148, 2_315)])
def test_the_real_files(annotations, split, queries, gallery):
    benchmark = read_cirr(annotations / "cirr", split)
    assert (len(benchmark), len(benchmark.gallery)) == (queries, gallery)
    assert benchmark.pictures == benchmark.gallery
    for query in benchmark.queries:
        assert len(query.group) == 5
        assert query.reference not in query.group
        assert query.drops_reference
        assert set(query.targets) <= set(query.group)
        assert len(query.targets) == (split == "val")
    assert sum(query.texts == ("",) for query in benchmark.queries) == (split == "test1")
