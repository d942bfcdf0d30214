"""One clear sentence for each thing that can be wrong, and nothing half-written."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from samekind.collection import Collection, lock, manifest
from samekind.errors import (
    CollectionBusy,
    DamagedCollection,
    EncoderMismatch,
    NewerFormat,
    NotACollection,
    SamekindError,
    StorageError,
    UsageError,
)
from tests.collection.mock import MockEncoder, draw


def sentence(error: pytest.ExceptionInfo[SamekindError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith((".", "samekind"))
    return text


@pytest.fixture
def plain_user() -> None:
    if os.geteuid() == 0:
        pytest.skip("permissions do not bind root")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(NotACollection) as error:
        Collection.open(tmp_path / "nix.samekind")
    assert "nothing at" in str(error.value)


def test_a_foreign_folder_and_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(NotACollection, match=r"no samekind\.toml"):
        Collection.open(tmp_path)
    with pytest.raises(NotACollection, match="is a file"):
        Collection.open(tmp_path / "mine.txt")
    with pytest.raises(NotACollection, match="no collection"):
        Collection.create(tmp_path, MockEncoder())
    with pytest.raises(NotACollection, match="no collection"):
        Collection.create(tmp_path / "mine.txt", MockEncoder())
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_a_collection_is_not_made_twice(collection: Collection) -> None:
    with pytest.raises(UsageError, match="collection already"):
        Collection.create(collection.path, MockEncoder())


def test_a_folder_above_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        Collection.create(tmp_path / "no" / "c.samekind", MockEncoder())
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_may_become_one(tmp_path: Path) -> None:
    (tmp_path / "c.samekind").mkdir()
    assert Collection.create(tmp_path / "c.samekind", MockEncoder()).info().pictures == 0


def test_a_newer_format(synced: Collection) -> None:
    file = synced.path / manifest.FILE
    file.write_text(file.read_text().replace("format = 1", "format = 99"))
    with pytest.raises(NewerFormat, match="update samekind"):
        Collection.open(synced.path)


@pytest.mark.parametrize("text", ["", "format = 1", "not toml [", 'format = "x"\n[encoder]', "format = 1\nencoder = 3"])
def test_a_manifest_that_makes_no_sense(synced: Collection, text: str) -> None:
    (synced.path / manifest.FILE).write_text(text)
    with pytest.raises(DamagedCollection, match="cannot be understood"):
        Collection.open(synced.path)


def test_a_manifest_reads_back(synced: Collection, tmp_path: Path) -> None:
    awkward = manifest.read(synced.path).with_root(tmp_path / "o'\"k \\ é\n\x7f")
    manifest.write(synced.path, awkward)
    assert manifest.read(synced.path) == awkward


def test_a_table_that_is_gone(synced: Collection) -> None:
    shutil.rmtree(synced.path / "pictures.lance")
    with pytest.raises(DamagedCollection, match="is gone"):
        Collection.open(synced.path)


@pytest.mark.parametrize("part", ["data", "_versions"])
@pytest.mark.parametrize("how", ["removed", "emptied", "garbled"])
def test_a_damaged_table(synced: Collection, part: str, how: str) -> None:
    for file in (synced.path / "pictures.lance" / part).iterdir():
        if how == "removed":
            file.unlink()
        else:
            file.write_bytes(b"" if how == "emptied" else b"garbage" * 100)
    with pytest.raises(DamagedCollection) as error:
        Collection.open(synced.path).nearest(np.ones((1, 16), np.float32), 3)
    assert "restore it from a copy" in sentence(error)


def test_a_table_of_another_collection(synced: Collection, tmp_path: Path) -> None:
    class Other(MockEncoder):
        dim = 24

    other = Collection.create(tmp_path / "other.samekind", Other())
    shutil.rmtree(synced.path / "pictures.lance")
    shutil.copytree(other.path / "pictures.lance", synced.path / "pictures.lance")
    with pytest.raises(DamagedCollection, match="does not fit"):
        Collection.open(synced.path)


def test_two_writers(synced: Collection, folder: Path) -> None:
    with lock.writing(synced.path):
        for write in (
            lambda: synced.sync([folder], encoder=MockEncoder()).result(),
            lambda: synced.tune().result(),
            lambda: synced.migrate(MockEncoder("other")).result(),
            lambda: synced.back().result(),
            lambda: synced.remove("path~=0/"),
            synced.purge,
            synced.undo,
        ):
            with pytest.raises(CollectionBusy, match="Another process is writing"):
                write()
        assert synced.sync([folder], dry_run=True).result().counts["same"] == 40
        assert len(synced.nearest(np.ones((1, 16), np.float32), 3)[0][0]) == 3


def test_no_permission(synced: Collection, folder: Path, plain_user: None) -> None:
    draw(folder / "new.png", 900)
    places = [synced.path, *(place for place in synced.path.rglob("*") if place.is_dir())]
    for place in places:
        place.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="permission"):
            synced.sync(encoder=MockEncoder()).result()
    finally:
        for place in places:
            place.chmod(0o700)
    assert synced.info().pictures == 40


def full(*_: object, **__: object) -> None:
    raise OSError("LanceError(IO): Generic LocalFileSystem error: No space left on device (os error 28), /rust/x.rs:1")


def test_no_space_left(synced: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(folder / "new.png", 900)
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["lance.dataset"].MergeInsertBuilder, "execute", full)
        with pytest.raises(StorageError) as error:
            synced.sync(encoder=MockEncoder(), tune=False).result()
    assert "No space is left" in sentence(error)
    assert synced.info().pictures == 40
    assert synced.sync(encoder=MockEncoder(), tune=False).result().counts["new"] == 1


def test_no_space_left_for_the_manifest(
    synced: Collection, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "other" / "new.png", 900)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(StorageError, match="No space left"):
            synced.sync([tmp_path / "other"], encoder=MockEncoder(), tune=False).result()
    assert set(manifest.read(synced.path).roots) == {"pictures"}
    assert synced.sync([tmp_path / "other"], encoder=MockEncoder(), tune=False).result().pictures == 41


def test_a_tuning_that_is_gone(synced: Collection) -> None:
    synced.tune().result()
    for file in (synced.path / "tunings").iterdir():
        file.unlink()
    again = Collection.open(synced.path)
    with pytest.raises(DamagedCollection, match="samekind tune"):
        _ = again.tuning
    again.tune().result()
    assert again.tuning is not None


@pytest.mark.parametrize("name", ["new\nline", "bell\x07", "bytes\udcff"])
def test_places_that_the_engine_cannot_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot lie at"):
        Collection.create(tmp_path / name, MockEncoder())
    with pytest.raises(UsageError, match="cannot lie at"):
        Collection.open(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_open_or_create(collection: Collection) -> None:
    assert Collection.open_or_create(collection.path, MockEncoder()).path == collection.path
    with pytest.raises(EncoderMismatch, match="'other'"):
        Collection.open_or_create(collection.path, MockEncoder("other"))


def test_queries_of_a_wrong_form(synced: Collection) -> None:
    with pytest.raises(UsageError, match="must have 16 numbers"):
        synced.nearest(np.ones((1, 4), np.float32), 3, tuned=False)
    with pytest.raises(UsageError, match="at least 1"):
        synced.nearest(np.ones((1, 16), np.float32), 0)
    with pytest.raises(UsageError, match="Did you mean 'path'"):
        synced.nearest(np.ones((1, 16), np.float32), 3, where="pth~=a")
    with pytest.raises(UsageError, match="no column 'nix'"):
        synced.rows([], ["nix"])
    with pytest.raises(UsageError, match="has no vector"):
        synced.stored(["nix"])


def test_an_empty_collection_answers(collection: Collection) -> None:
    ((ids, scores),) = collection.nearest(np.ones((1, 16), np.float32), 3)
    assert (ids, len(scores)) == ([], 0)
    assert len(collection.vectors()) == 0
    assert collection.info().pictures == 0
    with pytest.raises(SamekindError, match="no pictures yet"):
        collection.tune().result()
