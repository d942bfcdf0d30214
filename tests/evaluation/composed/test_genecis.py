"""GeneCIS: the queries' own galleries, the real files, complaints, and the crop with its quirk."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import UsageError
from samekind.evaluation.composed.genecis import crop_name, crop_of, dilated, read_genecis
from samekind.pictures.views import Box


def asked(reference=1, target=5, gallery=(9, 3), condition="sky"):
    one = {"condition": condition, "reference": {"val_image_id": reference}, "target": {"val_image_id": target}}
    return one | {"gallery": [{"val_image_id": name} for name in gallery]}


def test_a_query_brings_its_own_gallery(write):
    benchmark = read_genecis(write("focus_object.first2.json", [asked(), asked(target=3, gallery=(3, 4))]))
    first, second = benchmark.queries
    assert benchmark.name == "genecis focus_object"
    assert (first.id, first.texts, first.targets) == ("focus_object-1", ("sky",), ("5",))
    assert first.gallery == ("3", "5", "9")
    assert second.gallery == ("3", "4")
    assert benchmark.gallery == ("3", "4", "5", "9")
    assert benchmark.pictures == ("3", "4", "5", "9", "1")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (asked(condition=""), "entry 1: condition is empty"),
        (asked(gallery=(5,)), "entry 1: the gallery lists no distractor"),
        (asked(target=1), "entry 1: the reference 1 is among its own targets"),
        (asked() | {"gallery": [3]}, "entry 1: gallery must be an object, not 3"),
        (asked() | {"target": {"image_id": 3}}, "entry 1, target: there is no field val_image_id"),
    ],
)
def test_complaints_name_the_entry(write, entry, message):
    with pytest.raises(UsageError, match=message):
        read_genecis(write("focus_object.json", [entry]))


def test_other_files_are_no_task(tmp_path):
    with pytest.raises(UsageError, match=r"no task of GeneCIS 'focus_colour'.*focus_attribute"):
        read_genecis(tmp_path / "focus_colour.json")


def crop(picture=7, box=(10, 20.5, 30, 40)):
    return {"image_id": picture, "instance_bbox": list(box)}


def test_attribute_tasks_ask_about_crops(write):
    entry = {"condition": "color", "reference": crop(), "target": crop(8), "gallery": [crop(8, (0, 0, 5, 5)), crop()]}
    benchmark = read_genecis(write("change_attribute.json", [entry]))
    (query,) = benchmark.queries
    assert (query.reference, query.targets) == ("7@10,20.5,30,40", ("8@10,20.5,30,40",))
    assert query.gallery == ("7@10,20.5,30,40", "8@0,0,5,5", "8@10,20.5,30,40")
    assert crop_of("7@10,20.5,30,40") == ("7", Box(10, 20.5, 30, 40))
    with pytest.raises(UsageError, match=r"entry 1, target: instance_bbox must be four numbers"):
        read_genecis(write("change_attribute.json", [entry | {"target": crop(box=(1, 2, 3))}]))


@given(st.integers(0, 10**9), *[st.floats(0, 5000, width=32).map(lambda side: round(side, 3))] * 4)
def test_the_name_of_a_crop_says_which(picture, left, top, across, down):
    assert crop_of(crop_name(str(picture), Box(left, top, across, down))) == (
        str(picture),
        Box(left, top, across, down),
    )


@pytest.mark.shared
@pytest.mark.parametrize("task", ["focus_object", "change_object"])
def test_the_real_files(annotations, task):
    benchmark = read_genecis(annotations / "genecis" / f"{task}.first800.json")
    assert len(benchmark) == 800
    sizes = [len(query.gallery) for query in benchmark.queries]
    twin = [query.id for query, size in zip(benchmark.queries, sizes, strict=True) if size == 14]
    assert set(sizes) <= {14, 15}
    assert twin == (["change_object-20"] if task == "change_object" else [])
    assert all(query.reference not in query.gallery for query in benchmark.queries)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        # away from the border: 70 out to the left, 35 up, and the right and bottom edges stay where they were
        (Box(200, 100, 100, 50), Box(130, 65, 170, 85)),
        # 30 of the 70 are left of it, so the other 40 go to the right: 30 + 100 + 40
        (Box(30, 100, 100, 50), Box(0, 65, 170, 85)),
        # in the corner all of it goes to the right and down
        (Box(0, 0, 100, 50), Box(0, 0, 170, 85)),
        # the whole picture stays the whole picture
        (Box(0, 0, 400, 300), Box(0, 0, 400, 300)),
        # at the far border the crop ends where the box did
        (Box(300, 250, 100, 50), Box(230, 215, 170, 85)),
        # a corner outside of the picture moves to its border, too
        (Box(-5, -5, 100, 50), Box(0, 0, 170, 85)),
        # a box that reaches over the far border is cut there
        (Box(350, 250, 100, 50), Box(280, 215, 120, 85)),
    ],
)
def test_the_crop_by_hand(box, expected):
    found = dilated(box, 400, 300)
    assert found.to_dict() == pytest.approx(expected.to_dict())


@given(st.floats(0, 90), st.floats(0, 90), st.floats(1, 200), st.floats(1, 200), st.floats(0, 2))
def test_the_crop_covers_what_of_the_box_is_in_the_picture(left, top, across, down, by):
    found = dilated(Box(left, top, across, down), 100, 95, by)
    near = 1e-9
    assert found.left <= left
    assert found.top <= top
    assert found.left + found.width >= min(100, left + across) - near
    assert found.top + found.height >= min(95, top + down) - near
    assert found.left + found.width <= 100 + near
    assert found.top + found.height <= 95 + near
    if by == 0 and left + across <= 100:
        assert math.isclose(found.width, across)


@pytest.mark.parametrize("box", [Box(0, 0, 0, 5), Box(0, 0, 5, -1), Box(10, 0, 5, 5), Box(0, 8, 5, 5)])
def test_boxes_that_make_no_crop(box):
    with pytest.raises(UsageError, match=r"must be wider|is outside the picture of 10 x 8"):
        dilated(box, 10, 8)
