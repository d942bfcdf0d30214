from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from samekind.collection import Collection, retune
from samekind.collection.table import superseded
from tests.collection.mock import MockEncoder, draw

NOON = datetime(2024, 1, 1, 12)


def test_a_version_goes_when_its_successor_is_old_not_when_it_is() -> None:
    hours = [NOON - timedelta(hours=n) for n in (50, 40, 3, 0)]
    assert superseded([1, 2, 3, 4], hours, NOON - timedelta(hours=1)) == [1, 2]
    assert superseded([7], [NOON], NOON) == []
    assert superseded([], [], NOON) == []


def test_a_reader_outlives_the_dropping_of_old_versions(synced: Collection, folder: Path) -> None:
    reader = Collection.open(synced.path)
    for n in range(3):
        draw(folder / f"more {n}.png", 800 + n)
        synced.sync(encoder=MockEncoder(), tune=False).result()
    before = synced.table._dataset.versions()
    assert len(reader.vectors(tuned=False)) == 40
    synced.table.drop_old_versions(timedelta(0))
    assert len(synced.table._dataset.versions()) < len(before)
    assert synced.undo() == "sync"
    assert synced.info().pictures == 42


def test_the_file_of_a_tuning_stays_for_readers_that_may_open_it(synced: Collection) -> None:
    synced.tune().result()
    reader = Collection.open(synced.path)
    (file,) = (synced.path / "tunings").iterdir()
    os.utime(file, (0, 0))
    synced.tune().result()
    assert reader.tuning is not None
    os.utime(file, (0, 0))
    retune.sweep(synced.path, synced.table)
    assert [one.stem for one in (synced.path / "tunings").iterdir()] == [retune.active(synced.table)[0]]


def test_a_tuning_that_undo_goes_back_to_is_kept(synced: Collection, folder: Path) -> None:
    synced.tune().result()
    stamp = retune.active(synced.table)[0]
    loaded = synced.vectors().matrix
    draw(folder / "more.png", 800)
    synced.sync(encoder=MockEncoder(), tune=False).result()
    synced.tune().result()
    for file in (synced.path / "tunings").iterdir():
        os.utime(file, (0, 0))
    retune.sweep(synced.path, synced.table)
    synced.undo()
    assert retune.active(synced.table)[0] == stamp
    assert synced.tuning is not None
    assert np.array_equal(synced.vectors().matrix, loaded)


def test_what_a_killed_tune_left_is_swept(synced: Collection) -> None:
    synced.table.add_vectors("tuned_1", 16, "look", lambda vectors: vectors)
    assert not synced.tuned
    synced.tune().result()
    assert "tuned_1" not in synced.table.schema.names


def test_a_table_opens_elsewhere(synced: Collection) -> None:
    import lance

    table = lance.dataset(str(synced.path / "pictures.lance")).to_table(columns=["path", "state", "look"])
    assert table.num_rows == 40
    assert set(table["state"].to_pylist()) == {"present"}


@pytest.mark.parametrize("name", ["a b", "100%20", "é ü", "hash#tag?x=1", "quote'\"", "-dash", "a\\b", "s3:x", "[*]"])
def test_a_collection_may_be_called_anything(tmp_path: Path, folder: Path, name: str) -> None:
    collection = Collection.create(tmp_path / name, MockEncoder())
    assert collection.sync([folder], encoder=MockEncoder(), tune=False).result().pictures == 40
    again = Collection.open(tmp_path / name)
    assert len(again.vectors(tuned=False)) == 40
    draw(folder / "more.png", 800)
    assert again.sync(encoder=MockEncoder()).result().pictures == 41
    assert again.undo() == "sync"
    assert Collection.open(tmp_path / name).info().pictures == 40
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([name, "pictures"])
