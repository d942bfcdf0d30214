from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from samekind.collection import Collection
from samekind.encoders import load
from samekind.encoders.base import Encoder
from samekind.errors import UsageError
from samekind.query import (
    Drop,
    Hit,
    Hits,
    Keep,
    Like,
    Picture,
    Query,
    Unlike,
    Vector,
    Where,
    Words,
    search,
    search_several,
)
from samekind.query.elsewhere import Elsewhere
from tests.collection.mock import MockEncoder, OtherEncoder, draw, draw_many

COUNT = 40


def synced(place: Path, encoder: Encoder, folder: Path) -> Collection:
    held = Collection.create(place, encoder)
    held.sync([folder], encoder=encoder, tune=False).result()
    return held


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``first/`` with a copy of one picture; ``second/`` by other names, without ten of them, with some of its own."""
    place = tmp_path_factory.mktemp("elsewhere")
    files = draw_many(place / "first", COUNT)
    shutil.copy(files[5], place / "first" / "copy.png")
    (place / "second").mkdir()
    for n, file in enumerate(files[:-10]):
        shutil.copy(file, place / "second" / f"other-{COUNT - n}.png")
    for n in range(100, 120):
        draw(place / "second" / f"own-{n}.png", n)
    return place


@pytest.fixture(scope="module")
def first(place: Path) -> Collection:
    return synced(place / "first.samekind", MockEncoder(), place / "first")


@pytest.fixture(scope="module")
def second(place: Path) -> Collection:
    return synced(place / "second.samekind", OtherEncoder(), place / "second")


@pytest.fixture(autouse=True)
def _by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "load_encoder", lambda name, *_: {"mock": MockEncoder, "other": OtherEncoder}[name]())


def paths(hits: Hits) -> list[str]:
    return [hit.path for hit in hits]


def contents(hits: Iterable[Hit], held: Collection) -> list[str | None]:
    return held.hashes([hit.id for hit in hits])


@pytest.mark.parametrize("fuse", ["rank", "confidence"])
def test_scores_are_sums_over_the_encoders_by_content(
    first: Collection, second: Collection, place: Path, fuse: str
) -> None:
    query = Query(Picture(place / "first/3/00010.png"))
    found = search_several(first, [query], also=[second], k=100, fuse=fuse, collapse=None)
    here = search(first, query, k=100, collapse=None)
    there = search(second, query, k=100, collapse=None)
    known = set(first.contents().values())
    of_both = [one for one in contents(there, second) if one in known]
    sure = dict(zip(contents(there, second), [hit.confidence for hit in there], strict=True))
    assert {hit.id for hit in found} == set(first.contents())
    singles = [hit for hit in found if hit.path not in ("copy.png", "5/00005.png")]
    place_of = {hit.id: hit for hit in here}
    copied = of_both.index(first.contents()[first.find(["copy.png"])[0]])
    for hit, content in zip(singles, contents(singles, first), strict=True):
        mine = place_of[hit.id]
        wanted = {"mock": 1 / (60 + mine.rank) if fuse == "rank" else mine.confidence / 2}
        if content in of_both:
            at = of_both.index(content)
            late = 1 / (61 + at + (at > copied))  # the copy takes a place of its own
            wanted["other"] = late if fuse == "rank" else sure[content] / 2
            assert hit.confidence == max(mine.confidence, sure[content])
        assert hit.roles == pytest.approx(wanted)
        assert hit.score == pytest.approx(sum(wanted.values()))
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert found[0].same_file


@pytest.mark.parametrize(
    "more",
    [(Like("5/00005.png"), Unlike("6/00006.png")), (Words("red"), Drop("blue")), (Words("red"), Keep("the sky"))],
)
def test_marks_and_words_are_fused_by_rank(first: Collection, second: Collection, place: Path, more: tuple) -> None:
    asked = Picture(place / "first/3/00010.png")
    found = search_several(first, [Query(asked, *more)], also=[second], k=20)
    assert found[0].score <= 2 / 61
    assert paths(found) != paths(search_several(first, [Query(asked)], also=[second], k=20, fuse="rank"))
    with pytest.raises(UsageError, match="know nothing of marks"):
        search_several(first, [Query(asked, *more)], also=[second], fuse="confidence")


def test_copies_elsewhere_take_no_places(place: Path, first: Collection, tmp_path: Path) -> None:
    for n in range(4):
        shutil.copytree(place / "first", tmp_path / "often" / str(n))
    often = synced(tmp_path / "often.samekind", OtherEncoder(), tmp_path / "often")
    how = {"collapse": None, "encoder": OtherEncoder()}
    for where in (None, "path~=3/"):
        k = len(first.contents(where))
        (found,) = Elsewhere(first, often).search_each(
            [Query(Picture(place / "second/other-40.png"))], k=k, where=where, **how
        )
        assert {hit.id for hit in found.candidates} == set(first.contents(where))


def test_what_the_other_lacks_is_said(first: Collection, second: Collection, place: Path) -> None:
    found = search_several(first, [Query(Like("3/00010.png"))], also=[second], k=100, collapse=None)
    (also,) = found.also
    assert (also.lacks, also.of, also.encoder, also.tuned) == (10, COUNT + 1, "other", False)
    assert also.sentence == f"Also asked: {second.path} (other, plain); it lacks 10 of the 41 pictures here."
    assert found.to_dict()["also"] == [also.to_dict()]
    assert found.encoder == "mock"
    assert {hit.path for hit in found if list(hit.roles) == ["mock"]} == {f"{n % 7}/{n:05}.png" for n in range(30, 40)}
    assert np.array_equal(found.vectors, first.stored([hit.id for hit in found], tuned=False))


def test_copies_share_what_the_other_says(first: Collection, second: Collection) -> None:
    found = search_several(first, [Query(Like("3/00010.png"))], also=[second], k=100, fuse="confidence", collapse=None)
    roles = {hit.path: hit.roles for hit in found}
    assert roles["copy.png"] == roles["5/00005.png"]
    assert set(roles["copy.png"]) == {"mock", "other"}
    held = search_several(first, [Query(Like("copy.png"))], also=[second], k=100, collapse=None)
    assert "copy.png" not in paths(held)
    assert "5/00005.png" in paths(held)


def test_filters_are_of_the_first_collection(first: Collection, second: Collection) -> None:
    query = Query(Like("3/00010.png"), Where("path~=4/"))
    for asked, where in ((query, None), (Query(Like("3/00010.png")), "path~=4/")):
        found = search_several(first, [asked], also=[second], where=where, fuse="rank", collapse=None)
        assert set(paths(found)) == {path for path in held_paths(first) if path.startswith("4/")}
        ranks = sorted(1 / hit.roles["other"] - 60 for hit in found if "other" in hit.roles)
        assert ranks == pytest.approx(range(1, len(ranks) + 1))
    assert not search_several(first, [query], also=[second], where="path~=nothing/")


def test_a_long_list_of_others_is_left_out_by_a_filter(first: Collection, second: Collection) -> None:
    there = Elsewhere(first, second)
    asked = [Query(Like("3/00010.png"))]
    ((few,), (all_of_them,)) = (there.search_each(asked, k=k, collapse=None) for k in (3, 100))
    assert [hit.id for hit in few] == [hit.id for hit in all_of_them][:3]
    assert [hit.confidence for hit in few] == pytest.approx([hit.confidence for hit in all_of_them][:3])
    assert not there.search_each(asked, k=3, where="path~=nothing/", collapse=None)[0]


def held_paths(held: Collection) -> list[str]:
    return [one["path"] for one in held.pictures(columns=["path"])]


def test_stored_pictures_are_named_by_the_first_collection(first: Collection, second: Collection, place: Path) -> None:
    asked = Query(Picture(place / "first/3/00010.png"), Like("3/00003.png"), Unlike("1/00001.png"))
    found = search_several(first, [asked], also=[second], k=100, collapse=None)
    assert not {"3/00003.png", "1/00001.png"} & set(paths(found))
    marked = [second.find([f"other-{COUNT - n}.png"])[0] for n in (3, 1)]
    alone = search(second, Query(asked.parts[0], Like(marked[0]), Unlike(marked[1])), k=100, encoder=OtherEncoder())
    best = next(one for one in contents(alone, second) if one in set(first.contents().values()))
    (top,) = [hit for hit in found if hit.roles.get("other") == pytest.approx(1 / 61)]
    assert first.hashes([top.id]) == [best]
    with pytest.raises(UsageError, match=r"second.samekind lacks '4/00039.png', which the query names"):
        search_several(first, [Query(Like("4/00039.png"))], also=[second])


def test_words_and_several_queries(first: Collection, second: Collection) -> None:
    found = search_several(first, [Query(Words("red"))], also=[second], k=100, collapse=None)
    assert set(found[0].roles) == {"mock", "other"}
    assert found.understood
    both = search_several(first, [Query(Words("red")), Query(Like("3/00010.png"))], also=[second], collapse=None)
    assert {role for hit in both for role in hit.roles} == {
        f"query {way}, {name}" for way in (1, 2) for name in ("mock", "other")
    }


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"granularity": 0.5}, "A granularity is for one collection"),
        ({"parts": "mine"}, "A search by parts is for one collection"),
        ({"eye": "mine"}, "An eye is for one collection"),
        ({"fuse": "sum"}, "There is no way to fuse 'sum'"),
    ],
)
def test_contradictions_are_refused(first: Collection, second: Collection, how: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        search_several(first, [Query(Like("3/00010.png"))], also=[second], **how)  # type: ignore[arg-type]


def test_what_cannot_be_asked_too_is_refused(first: Collection, second: Collection, place: Path) -> None:
    query = Query(Like("3/00010.png"))
    with pytest.raises(UsageError, match="given twice"):
        search_several(first, [query], also=[first])
    with pytest.raises(UsageError, match="given twice"):
        search_several(first, [query], also=[second, Collection.open(second.path)])
    with pytest.raises(UsageError, match="A vector is of one encoder"):
        search_several(first, [Query(Vector(np.ones(first.dim)))], also=[second])
    same = synced(place / "same.samekind", MockEncoder(), place / "second")
    with pytest.raises(UsageError, match=r"same.samekind has the same encoder as .*first.samekind \(mock\)"):
        search_several(first, [query], also=[same])
    draw(place / "strange" / "one.png", 999)
    strange = synced(place / "strange.samekind", OtherEncoder(), place / "strange")
    with pytest.raises(UsageError, match="holds none of the pictures"):
        search_several(first, [query], also=[strange])
