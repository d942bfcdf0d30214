"""Kinds kept with a collection: found, placed, named, filtered by, written into a column, undone, cut off."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from samekind.adapt import keeping
from samekind.adapt.keeping import kinds, name_kind, write_column
from samekind.adapt.page import write_page
from samekind.collection import Collection
from samekind.collection import kinds as stored
from samekind.collection.table import Table
from samekind.collection.where import Eq, In, Not
from samekind.errors import CollectionError, SamekindError, UsageError
from samekind.events import Warned
from tests.collection.mock import MockEncoder, age, draw, draw_many

N = 130


@pytest.fixture
def encoder() -> MockEncoder:
    return MockEncoder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw_many(tmp_path / "pictures", N)
    age(tmp_path / "pictures")
    return tmp_path / "pictures"


@pytest.fixture
def held(tmp_path: Path, folder: Path, encoder: MockEncoder) -> Collection:
    collection = Collection.create(tmp_path / "c.samekind", encoder)
    collection.sync([folder], encoder=encoder).result()
    return collection


def addresses(collection: Collection) -> dict[str, str]:
    collection.refresh()
    column = stored.active(collection.table)
    assert column is not None
    rows = collection.table.read(["path", column], "state = 'present'")
    return dict(zip(rows["path"].to_pylist(), rows[column].to_pylist(), strict=True))


def count(collection: Collection, where: object) -> int:
    collection.refresh()
    return sum(1 for _ in collection.pictures(where))  # type: ignore[arg-type]


def test_found_once_and_then_left_alone(held: Collection) -> None:
    report = kinds(held, deep=True).result()
    assert (report.found, report.placed, report.pictures) == (True, 0, N)
    assert sum(kind.pictures for kind in report.inside()) == N
    assert [len([one for one in report.kinds if one.address.count("/") == n]) for n in range(len(report.levels))] == [
        *report.levels
    ]
    assert report.levels == (8, 16)
    version, first = held.table.version, addresses(held)
    again = kinds(held, deep=True).result()
    assert (again.found, again.placed, again.kinds) == (False, 0, report.kinds)
    assert (held.table.version, addresses(held)) == (version, first)
    assert kinds(held).result().kinds == tuple(report.inside())


def test_the_report_as_json(held: Collection) -> None:
    told = json.loads(json.dumps(kinds(held).result().to_dict()))
    first = told["kinds"][0]
    assert {"address": "1", "name": None}.items() <= first.items()
    assert len(first["prototypes"]) == 3
    assert Path(first["prototypes"][0]["file"]).is_file()


def test_a_kind_and_all_inside_it_are_a_filter(held: Collection) -> None:
    report = kinds(held, deep=True).result()
    for kind in report.kinds:
        assert count(held, f"kind={kind.address}") == kind.pictures
    assert count(held, "kind=1 or kind=2") == count(held, "kind in (1, 2)") == count(held, In("kind", ("1", 2)))
    assert count(held, "kind=1") + count(held, "kind!=1") == N
    assert count(held, Not(Eq("kind", 1))) == count(held, "samekind.kind!=1")
    assert count(held, "kind~=1") >= count(held, "kind=1")
    assert count(held, "kind=null") == 0
    found = held.nearest(held.vectors().matrix[:1], N, where="kind=1")
    assert len(found[0][0]) == report.kinds[0].pictures


@pytest.mark.parametrize("where", ["kind=99", "kind=1/", "kind=one", "kind=0", "kind<3", "not (kind in (1, 99))"])
def test_what_is_no_kind_is_refused(held: Collection, where: str) -> None:
    kinds(held).result()
    with pytest.raises(UsageError, match=r"There is no kind|Kinds have no order"):
        count(held, where)


def test_before_kinds_were_found(held: Collection) -> None:
    with pytest.raises(UsageError, match=r"No kinds were found in c.samekind yet; find them with: samekind kinds"):
        count(held, "kind=1")
    with pytest.raises(UsageError, match="No kinds were found"):
        name_kind(held, "1", "red")
    with pytest.raises(UsageError, match="No kinds were found"):
        write_column(held, "sort")


def test_too_few_pictures(tmp_path: Path, encoder: MockEncoder) -> None:
    draw_many(tmp_path / "few", 23)
    few = Collection.create(tmp_path / "few.samekind", encoder)
    with pytest.raises(CollectionError, match="holds 0 pictures, kinds want 24"):
        kinds(few).result()
    few.sync([tmp_path / "few"], encoder=encoder).result()
    with pytest.raises(CollectionError, match="holds 23 pictures, kinds want 24"):
        kinds(few).result()


def test_new_pictures_are_placed_and_the_others_stay(held: Collection, folder: Path, encoder: MockEncoder) -> None:
    kinds(held).result()
    before = addresses(held)
    draw_many(folder, N + 30)
    held.sync([folder], encoder=encoder, tune=False).result()
    assert count(held, "kind=null") == 30
    assert held.info().to_dict()["kinds"] == {"levels": [8, 16], "named": 0, "waiting": 30}
    report = kinds(held).result()
    assert (report.found, report.placed, report.pictures) == (False, 30, N + 30)
    after = addresses(held)
    assert {path: after[path] for path in before} == before
    assert all(after.values())
    assert set(after.values()) <= set(before.values())


def test_a_copy_of_a_known_picture_has_its_kind(held: Collection, folder: Path, encoder: MockEncoder) -> None:
    kinds(held).result()
    before = addresses(held)
    (folder / "copy.png").write_bytes((folder / "1/00001.png").read_bytes())
    (folder / "2/00002.png").rename(folder / "moved.png")
    held.sync([folder], encoder=encoder).result()
    after = addresses(held)
    assert after["copy.png"] == before["1/00001.png"]
    assert after["moved.png"] == before["2/00002.png"]


def test_a_changed_picture_is_placed_anew(held: Collection, folder: Path, encoder: MockEncoder) -> None:
    kinds(held).result()
    draw(folder / "1/00001.png", 999)
    held.sync([folder], encoder=encoder).result()
    assert addresses(held)["1/00001.png"] is None
    assert kinds(held).result().placed == 1


def test_it_holds_after_another_tuning(held: Collection, folder: Path, encoder: MockEncoder) -> None:
    kinds(held).result()
    before = addresses(held)
    draw_many(folder, N + 4)
    held.sync([folder], encoder=encoder, tune=False).result()
    held.tune().result()
    assert kinds(held).result().placed == 4
    assert before.items() <= addresses(held).items()


def test_many_new_pictures_are_warned_about(held: Collection, folder: Path, encoder: MockEncoder) -> None:
    kinds(held).result()
    draw_many(folder, 2 * N + 1)
    held.sync([folder], encoder=encoder).result()
    said = [event.message for event in kinds(held) if isinstance(event, Warned)]
    assert len(said) == 1
    assert "--again" in said[0]


def test_again_finds_them_anew_and_names_go_along(held: Collection, folder: Path, encoder: MockEncoder) -> None:
    report = kinds(held, deep=True).result()
    name_kind(held, "1", "reds")
    deep = next(kind.address for kind in report.kinds if kind.address.startswith("2/") and kind.pictures > 1)
    name_kind(held, deep, "small")
    before = addresses(held)
    report = kinds(held, again=True).result()
    assert report.found
    assert addresses(held) == before, "the same pictures, the same seed"
    assert stored.names(held.table) == {"1": "reds", deep: "small"}
    assert len(held.table.kinds_columns) == 1
    assert report.names_lost == ()
    members = [path for path, address in before.items() if address.startswith("1/")]
    held.remove(ids=[str(folder / path) for path in members])
    assert "reds" in kinds(held, again=True).result().names_lost
    assert "reds" not in stored.names(held.table).values()


def test_names(held: Collection) -> None:
    report = kinds(held, deep=True).result()
    assert name_kind(held, "1", " red kettles ") == "1"
    assert count(held, "kind='red kettles'") == report.kinds[0].pictures
    assert kinds(held).result().kinds[0].title == "red kettles"
    assert name_kind(held, "red kettles", "kettles") == "1"
    for wrong, said in (("kettles", "called 'kettles' already"), ("3/1", "choose words"), ("a\nb", "choose words")):
        with pytest.raises(UsageError, match=said):
            name_kind(held, "2", wrong)
    with pytest.raises(UsageError, match=r"There is no kind 'ketles' in c\.samekind; .* Did you mean 'kettles'"):
        name_kind(held, "ketles", "x")
    name_kind(held, "kettles", "")
    assert stored.names(held.table) == {}


def test_a_column_of_kinds(held: Collection) -> None:
    report = kinds(held, deep=True).result()
    name_kind(held, "1", "it's")
    deep = next(kind for kind in report.kinds if kind.address.startswith("1/"))
    name_kind(held, deep.address, "deeper")
    assert write_column(held, "sort") == N
    assert count(held, "sort=deeper") == deep.pictures
    assert count(held, "sort='it''s'") == report.kinds[0].pictures - deep.pictures
    assert count(held, "sort~=2/") == count(held, "kind=2")
    name_kind(held, "1", "")
    write_column(held, "sort")
    assert count(held, "sort='it''s'") == 0
    assert all(not kind.words for kind in kinds(held).result().kinds), "the kinds' own column says nothing of them"


@pytest.mark.parametrize("name", ["look", "path", "kinds_x", "a.b", "", "kind"])
def test_columns_that_cannot_be(held: Collection, name: str) -> None:
    kinds(held).result()
    with pytest.raises(UsageError, match="choose another name"):
        write_column(held, name)


def test_a_column_of_the_persons_own(tmp_path: Path, folder: Path, encoder: MockEncoder) -> None:
    files = sorted(folder.rglob("*.png"))
    lines = [f"{file.relative_to(folder)},{'cat' if n % 2 else 'dog'}" for n, file in enumerate(files)]
    (folder / "list.csv").write_text("path,kind\n" + "\n".join(lines))
    collection = Collection.create(tmp_path / "own.samekind", encoder)
    collection.sync([folder / "list.csv"], encoder=encoder).result()
    report = kinds(collection).result()
    assert count(collection, "kind=cat") == N // 2
    assert count(collection, "samekind.kind=1") == report.kinds[0].pictures
    with pytest.raises(UsageError, match="choose another name"):
        write_column(collection, "kind")


def test_remove_and_undo(held: Collection, folder: Path, encoder: MockEncoder) -> None:
    report = kinds(held).result()
    before = addresses(held)
    name_kind(held, "2", "two")
    assert held.remove("kind=1") == report.kinds[0].pictures
    with pytest.raises(UsageError, match="There is no kind '1'"):
        count(held, "kind=1")
    assert kinds(held).result().pictures == N - report.kinds[0].pictures
    name_kind(held, "3", "three")
    assert held.undo() == "remove"
    assert addresses(held) == before
    assert stored.names(held.table) == {"2": "two", "3": "three"}, "names are work; undo leaves them"


def test_undo_goes_back_to_before_they_were_found(held: Collection) -> None:
    kinds(held).result()
    assert held.undo() == "sync"
    with pytest.raises(UsageError, match="No kinds were found"):
        count(held, "kind=1")


def test_all_pictures_of_all_kinds_removed(held: Collection, folder: Path, encoder: MockEncoder) -> None:
    kinds(held).result()
    held.remove("kind!=null")
    assert kinds(held).result().to_dict()["kinds"] == []
    held.sync([folder], encoder=encoder).result()
    assert kinds(held).result().found


@pytest.mark.parametrize("step", ["add_texts", "annotate", "drop_columns"])
def test_a_run_that_is_cut_off(held: Collection, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    kinds(held).result()
    before = addresses(held)
    real = getattr(Table, step)

    def cut(self: Table, *words: object) -> None:
        if step == "add_texts":
            real(self, *words)
        raise SamekindError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(Table, step, cut)
        with pytest.raises(SamekindError, match="cut off"):
            kinds(held, again=True).result()
    other = Collection.open(held.path)
    assert addresses(other) == before
    assert kinds(other, again=True).result().found
    assert len(other.table.kinds_columns) == 1


def test_a_large_collection_is_fitted_on_a_sample(held: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "FITTED_ON", 60)
    monkeypatch.setattr(keeping, "CARDS_ON", 30)
    monkeypatch.setattr(keeping, "_EACH", 2)
    report = kinds(held, deep=True).result()
    assert sum(kind.pictures for kind in report.inside()) == report.pictures == N
    assert len(report.kinds) == sum(report.levels)


def test_only_levels_that_can_be_shown(held: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samekind.adapt.keeping.SIZES", (65, 5))
    monkeypatch.setattr(keeping, "SHOWN", 10)
    report = kinds(held, deep=True).result()
    assert report.levels == (8, 26)
    assert len(report.kinds) == 8


def test_kinds_use_the_tuned_vectors_without_the_hub_number(held: Collection) -> None:
    column, _ = held.searched
    rows = held.table.read([column])[column].combine_chunks()
    vectors = keeping._unit(np.asarray(rows.flatten()).reshape(N, -1).astype(np.float32), held.dim)
    assert vectors.shape == (N, held.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_the_page(held: Collection, tmp_path: Path) -> None:
    report = kinds(held, deep=True).result()
    name_kind(held, "1", "<b>&")
    report = kinds(held, deep=True).result()
    write_page(report, tmp_path / "kinds.html").result()
    text = (tmp_path / "kinds.html").read_text("utf-8")
    assert "&lt;b&gt;&amp;" in text
    assert "<b>&</b>" not in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    ids = re.findall(r'<details id="([\d/]+)"', text)
    assert len(ids) == len(set(ids))
    assert {kind.address for kind in report.inside()} <= set(ids)
    assert text.count("<details") == text.count("</details>")
    with pytest.raises(UsageError, match=r"A page of kinds is an .html file, not 'kinds.png'"):
        write_page(report, tmp_path / "kinds.png")
