"""Approximate search, at sizes that tests can afford."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samekind.collection import Collection, index
from tests.collection.mock import MockEncoder, OtherEncoder, age, draw_many


@pytest.fixture
def large(collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collection:
    """Four hundred pictures, which counts as many here."""
    monkeypatch.setattr(index, "FROM_PICTURES", 300)
    monkeypatch.setattr(index, "IDS_FROM_PICTURES", 100)
    draw_many(tmp_path / "pictures", 400)
    age(tmp_path / "pictures")
    collection.sync([tmp_path / "pictures"], encoder=MockEncoder(), tune=False).result()
    return collection


def queries(collection: Collection) -> np.ndarray:
    ids = [row["id"] for row in collection.pictures("state=present", ["id"])]
    return collection.stored(ids[::40], tuned=False)


def agreement(collection: Collection, where: str | None = None, tuned: bool = False) -> float:
    asked = queries(collection)
    if tuned and collection.tuning is not None:
        asked = collection.tuning.asked(asked)
    found = collection.nearest(asked, 10, where, tuned)
    exact = collection.nearest(asked, 10, where, tuned, exact=True)
    for (ids, scores), (_, wanted) in zip(found, exact, strict=True):
        assert len(ids) == len(set(ids)) == 10
        assert (np.diff(scores) <= 1e-6).all()
        assert scores[0] == pytest.approx(wanted[0], abs=1e-3)
    return float(np.mean([len(set(a) & set(b)) / 10 for (a, _), (b, _) in zip(found, exact, strict=True)]))


def test_a_large_collection_is_searched_by_an_index_that_was_measured(large: Collection) -> None:
    about = large.info().index
    assert about is not None
    assert about["recall@10"] >= 0.99
    assert about["pictures"] == 400
    assert agreement(large) >= 0.95
    assert agreement(large, "path~=3/") >= 0.95
    assert agreement(large, "path~=3/000") >= 0.95


def test_a_small_one_has_none(synced: Collection) -> None:
    assert synced.info().index is None


def test_what_came_went_and_moved_since_is_right(large: Collection, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    files = sorted(folder.rglob("*.png"))
    gone = large.find(files[:20])
    for file in files[:20]:
        file.unlink()
    for file in files[20:40]:
        file.rename(folder / f"moved {file.name}")
    draw_many(folder, 50, 5000)
    large.sync(encoder=MockEncoder(), tune=False).result()
    assert large.table.has_index("look")
    every = {id_ for ids, _ in large.nearest(queries(large), 400) for id_ in ids}
    assert not every & set(gone)
    assert every <= set(large.vectors(tuned=False).ids)
    assert agreement(large) >= 0.95
    large.undo()
    assert agreement(large) >= 0.95
    assert len(large.nearest(queries(large)[:1], 400)[0][0]) > 350


def test_the_index_follows_the_tuning(large: Collection) -> None:
    report = large.tune().result()
    assert report.helps, report.why
    column, _ = large.searched
    assert large.table.has_index(column)
    assert agreement(large, tuned=True) >= 0.95
    before = column
    large.tune().result()
    assert large.searched[0] != before
    assert large.table.tuned_columns == [large.searched[0]]
    assert agreement(large, tuned=True) >= 0.95
    assert agreement(large) >= 0.95


def test_rows_are_found_and_written_over_through_the_index_of_ids(large: Collection, tmp_path: Path) -> None:
    assert large.table.has_id_index
    ids = large.vectors(tuned=False).ids
    assert [row["id"] for row in large.rows(ids[::-7])] == ids[::-7]
    files = sorted((tmp_path / "pictures").rglob("*.png"))
    for file in files[:100]:
        file.touch()
    report = large.sync(encoder=MockEncoder(), tune=False).result()
    assert report.counts["touched"] == 100
    assert large.table.count() == 400
    assert sorted(large.vectors(tuned=False).ids) == sorted(ids)
    assert len(large.rows(ids)) == 400


@pytest.mark.parametrize("tune", [False, True])
def test_another_encoder_has_its_index_from_the_switch_on(large: Collection, tune: bool) -> None:
    assert large.table.has_index("look")
    large.migrate(OtherEncoder(), tune=tune).result()
    column, _ = large.searched
    assert column != large.made.look if tune else column == large.made.look
    assert large.table.has_index(column)
    about = large.info().index
    assert about is not None
    assert about["column"] == column
    assert agreement(large, tuned=tune) >= 0.9
    large.back(tune=False).result()
    assert agreement(large) >= 0.95
