"""FashionIQ's files: both galleries, both orders of the captions, the real counts, and complaints."""

import pytest

from samekind.errors import UsageError
from samekind.evaluation.composed.fashion_iq import CATEGORIES, both_orders, read_fashion_iq


@pytest.fixture
def folder(write, tmp_path):
    def of(pairs, names):
        write("captions/cap.dress.val.json", pairs)
        write("image_splits/split.dress.val.json", names)
        return tmp_path

    return of


def pair(candidate="a", target="b", captions=("is red.", "longer ")):
    return {"candidate": candidate, "target": target, "captions": list(captions)}


def test_both_galleries(folder):
    root = folder([pair(), pair("c", "a")], ["d", "b", "c", "a"])
    whole, used = (read_fashion_iq(root, "dress", gallery) for gallery in ("original split", "val split"))
    assert whole.gallery == ("d", "b", "c", "a")
    assert used.gallery == ("b", "c", "a")
    assert (whole.name, used.name) == ("fashion_iq dress, original split", "fashion_iq dress, val split")
    assert whole.queries == used.queries
    assert whole.conventions != used.conventions
    assert [query.id for query in whole.queries] == ["dress-1", "dress-2"]
    assert whole.queries[0].targets == ("b",)
    assert not whole.queries[0].drops_reference


def test_captions_in_both_orders():
    assert both_orders("is red.", " longer?") == ("is red and longer", "longer and is red")
    assert both_orders("is red", " ") == ("is red",)
    assert both_orders("", "longer") == ("longer",)


@pytest.mark.parametrize(
    ("pairs", "names", "message"),
    [
        ([pair(captions=["red"])], ["a", "b"], "entry 1: captions must be a list of two texts"),
        ([pair(captions=["", "."])], ["a", "b"], "entry 1: both captions are empty"),
        ([pair()], ["a"], "entry 1: b is not in the gallery"),
        ([pair(), pair("c")], ["a", "b"], "entry 2: c is not in the gallery"),
        ([pair(target="a")], ["a", "b"], "entry 1: the reference a is among its own targets"),
        ([pair()], ["a", "b", "a"], r"split.dress.val.json lists a twice"),
        ([pair()], {"a": 1}, r"split.dress.val.json must hold a list of picture names"),
    ],
)
def test_complaints(folder, pairs, names, message):
    with pytest.raises(UsageError, match=message):
        read_fashion_iq(folder(pairs, names), "dress")


def test_unknown_names(tmp_path):
    with pytest.raises(UsageError, match=r"no category of FashionIQ 'skirt'.*Did you mean 'shirt'"):
        read_fashion_iq(tmp_path, "skirt")
    with pytest.raises(UsageError, match=r"no gallery of FashionIQ 'val'.*original split"):
        read_fashion_iq(tmp_path, "dress", "val")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("category", "queries", "original", "val", "single"),
    [("dress", 2_017, 3_817, 2_628, 0), ("shirt", 2_038, 6_346, 3_089, 1), ("toptee", 1_961, 5_373, 2_902, 2)],
)
def test_the_real_files(annotations, category, queries, original, val, single):
    whole = read_fashion_iq(annotations / "fashion_iq", category)
    used = read_fashion_iq(annotations / "fashion_iq", category, "val split")
    assert category in CATEGORIES
    assert (len(whole), len(whole.gallery), len(used.gallery)) == (queries, original, val)
    assert set(used.gallery) < set(whole.gallery)
    assert sum(len(query.texts) == 1 for query in whole.queries) == single
    assert all(len(query.targets) == 1 for query in whole.queries)
