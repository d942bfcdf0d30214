"""A collection changes its encoder, and back."""

from __future__ import annotations

import shutil
from pathlib import Path

import lance
import numpy as np
import pytest

from samekind.collection import Collection, MigrateReport, reencode, shelf
from samekind.encoders import load
from samekind.encoders.base import encode_pictures
from samekind.errors import EncoderMismatch, StorageError, UsageError
from samekind.events import Job, Skipped, Warned
from samekind.pictures.decode import Limits, read_picture
from samekind.query import Picture, Query, search
from tests.collection.mock import MockEncoder, OtherEncoder, age, draw, draw_many
from tests.collection.test_sync import counts, paths, run

ENCODERS = {"mock": MockEncoder, "other": OtherEncoder}


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both encoders can be loaded by name."""
    monkeypatch.setattr(load, "load_encoder", lambda name, *_: ENCODERS[name]())
    monkeypatch.setattr(load, "fetch", lambda *_: Job(iter(())))  # type: ignore[arg-type]


def migrate(collection: Collection, **more: object) -> MigrateReport:
    encoder = more.pop("encoder", None) or OtherEncoder()
    return collection.migrate(encoder, **{"tune": False, **more}).result()  # type: ignore[arg-type]


def whole(collection: Collection) -> Collection:
    """Checked: every present picture has its vector by the encoder that the collection names, and no column is left."""
    encoder = ENCODERS[collection.encoder_name]()
    assert (collection.fingerprint, collection.dim, collection.parts) == (
        encoder.fingerprint,
        encoder.dim,
        encoder.parts,
    )
    loaded = collection.vectors(tuned=False)
    files = [row["file"] for row in collection.rows(loaded.ids)]
    expected = encode_pictures(encoder, [read_picture(file, Limits()).pixels for file in files])
    assert np.allclose(loaded.matrix, expected, atol=2e-3)
    table = collection.table
    assert table.encoded_columns == [collection.made.look, collection.made.views]
    assert table.tuned_columns == ([collection.searched[0]] if collection.tuned else [])
    assert not table.count(f"state = 'skipped' AND {collection.made.look} IS NOT NULL")
    return collection


def test_all_pictures_change_their_vectors_and_nothing_else(synced: Collection) -> None:
    before = {row["id"]: row for row in synced.pictures()}
    with_views = set(synced.views()[0])
    report = migrate(synced)
    assert (report.former, report.encoder, report.switched, report.exit_code) == ("mock", "other", True, 0)
    assert (report.pictures, report.encoded, report.without, report.compatibility) == (40, 40, 0, None)
    assert {row["id"]: row for row in synced.pictures()} == before
    assert set(synced.views()[0]) == with_views
    assert synced.views()[1].shape[1:] == (2, 24)
    whole(synced)
    whole(Collection.open(synced.path))


def test_it_is_tuned_in_the_new_space(synced: Collection, folder: Path) -> None:
    draw_many(folder, 40, 100)
    run(synced, tune=True)
    assert synced.tuned
    report = migrate(synced, tune=True)
    assert report.tuned
    assert report.why == synced.why
    assert synced.tuning is not None
    assert synced.tuning.pictures == 80
    assert report.compatibility is not None
    assert report.compatibility > 0.6  # both encoders see the same eighteen numbers
    assert whole(synced).vectors().matrix.shape == (80, 25)
    assert counts(run(synced, encoder=OtherEncoder(), tune=True)) == {"same": 80}


def test_without_tuning_the_next_sync_tunes(synced: Collection) -> None:
    synced.tune().result()
    migrate(synced)
    assert (synced.tuning, synced.why) == (None, "never tuned")
    assert synced.sync(encoder=OtherEncoder()).result().retuned


def test_the_same_encoder_is_nothing_to_do(synced: Collection) -> None:
    version = synced.table.version
    report = migrate(synced, encoder=MockEncoder())
    assert (report.switched, report.encoded, report.exit_code) == (False, 0, 0)
    assert synced.table.version == version
    assert not (synced.path / shelf.FOLDER).exists()


def test_an_encoder_that_is_called_otherwise_by_now(synced: Collection) -> None:
    """As one in a folder is, after the folder has moved."""
    moved = MockEncoder()
    moved.name = "elsewhere/mock"
    report = migrate(synced, encoder=moved)
    assert (report.switched, synced.encoder_name) == (False, "elsewhere/mock")
    assert len(synced.vectors()) == 40


def test_an_empty_collection_changes_too(collection: Collection, folder: Path) -> None:
    assert migrate(collection, tune=True).pictures == 0
    run(collection, folder, encoder=OtherEncoder())
    assert len(whole(collection).vectors()) == 40


def test_syncs_and_queries_want_the_new_encoder(synced: Collection, folder: Path) -> None:
    asked = Query(Picture(folder / "1" / "00001.png"))
    reader = Collection.open(synced.path)
    assert search(reader, asked, k=3).encoder == "mock"
    migrate(synced)
    with pytest.raises(EncoderMismatch, match=r"use 'other', or run samekind migrate with --encoder mock\."):
        search(reader, asked, k=3, encoder=MockEncoder())
    hits = search(reader, asked, k=3)
    assert (hits.encoder, hits[0].path) == ("other", "1/00001.png")
    draw(folder / "new.png", 900)
    with pytest.raises(EncoderMismatch):
        run(synced)
    assert counts(run(synced, encoder=OtherEncoder())) == {"new": 1, "same": 40}
    assert synced.sync(tune=False).result().counts["same"] == 41
    whole(synced)


def test_a_reader_stays_in_its_version(synced: Collection, folder: Path) -> None:
    reader = Collection.open(synced.path)
    migrate(synced)
    assert (reader.encoder_name, reader.dim) == ("mock", 16)
    assert reader.vectors(tuned=False).matrix.shape == (40, 16)
    reader.refresh()
    assert (reader.encoder_name, reader.dim) == ("other", 24)
    assert reader.vectors(tuned=False).matrix.shape == (40, 24)


def test_half_a_migration_goes_on_after_a_sync(
    synced: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samekind.collection.sync.COMMIT_PICTURES", 8)
    steps = iter(synced.migrate(OtherEncoder(), tune=False))
    with pytest.raises(RuntimeError):
        break_off(steps, monkeypatch, after=3)
    info = Collection.open(synced.path).info()
    assert info.encoder == "mock"
    assert info.migration == {"encoder": "other", "fingerprint": "00000000000other", "done": 24, "contents": 40}
    whole(Collection.open(synced.path))
    files = sorted(folder.rglob("*.png"))
    draw(files[0], 900)  # changed
    files[1].unlink()
    files[2].rename(folder / "renamed.png")
    shutil.copy(files[3], folder / "copy.png")
    draw_many(folder, 5, 910)
    assert counts(run(synced)) == {"new": 5, "changed": 1, "copies": 1, "missing": 1, "moved": 1, "same": 37}
    synced.remove(ids=[files[4]])
    files[4].unlink()
    assert synced.info().migration is not None
    encoder = OtherEncoder()
    report = migrate(synced, encoder=encoder)
    assert report.encoded < 30
    assert (report.pictures, report.without, report.exit_code) == (44, 0, 0)  # the missing one was encoded before
    assert whole(synced).info().migration is None
    assert counts(run(synced, encoder=encoder)) == {"same": 44}


def break_off(steps: object, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Runs a migration until so many commits are done."""
    done = 0
    commit = reencode._commit

    def limited(*arguments: object) -> None:
        nonlocal done
        commit(*arguments)  # type: ignore[arg-type]
        done += 1
        if done == after:
            raise RuntimeError("broken off")

    with monkeypatch.context() as patch:
        patch.setattr(reencode, "_commit", limited)
        for _ in steps:  # type: ignore[attr-defined]
            pass


def test_killed_between_any_two_commits_it_is_one_or_the_other(
    synced: Collection, folder: Path, tmp_path: Path
) -> None:
    """Every version of the table is a state that a kill leaves: each is whole, is synced, and is migrated in full."""
    draw_many(folder, 20, 100)
    run(synced, tune=True)
    sorted(folder.rglob("*.png"))[0].rename(tmp_path / "away.png")
    first = synced.table.version
    migrate(synced, tune=True)
    versions = range(first, synced.table.version + 1)
    draw(folder / "new.png", 900)
    names = []
    for version in versions:
        copy = Path(shutil.copytree(synced.path, tmp_path / f"{version}.samekind"))
        shutil.rmtree(copy / shelf.FOLDER)  # the worst case: whatever was kept is gone
        lance.dataset(str(copy / "pictures.lance"), version=version).restore()
        opened = Collection.open(copy)
        names.append(opened.encoder_name)
        loaded = opened.vectors(tuned=False)
        assert loaded.matrix.shape[1] == ENCODERS[names[-1]].dim
        assert len(opened.vectors()) == len(loaded)
        assert opened.tuned
        assert opened.sync().result().pictures == 60
        whole(opened)
        report = migrate(opened, tune=True)
        assert report.switched == (names[-1] == "mock")
        assert report.pictures == 60
        whole(opened)
    assert sorted(set(names)) == ["mock", "other"]
    assert names == sorted(names)  # one switch


def test_another_migration_gives_half_a_one_up(synced: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError):
        break_off(iter(synced.migrate(OtherEncoder())), monkeypatch, after=1)
    third = MockEncoder("third")
    synced.migrate(third, tune=False).result()
    assert [one.name for one in shelf.shelves(synced.path)] == ["mock"]
    assert synced.encoder_name == "third"


def test_what_a_kill_left_at_the_end_of_a_shelf_is_cut_off(synced: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError):
        break_off(iter(synced.migrate(OtherEncoder())), monkeypatch, after=1)
    for file in (synced.path / shelf.FOLDER).glob("*/*s"):
        with file.open("ab") as stream:
            stream.write(bytes(1000))
    report = migrate(synced)
    assert report.encoded == 0
    whole(synced)


def test_files_that_are_away_or_broken_are_missing_until_a_sync_finds_them(
    synced: Collection, folder: Path, tmp_path: Path
) -> None:
    away, broken, changed, copied, *_ = sorted(folder.rglob("*.png"))
    shutil.copy(copied, folder / "copy.png")
    age(folder)
    run(synced)
    away.rename(tmp_path / "away.png")
    content = broken.read_bytes()
    broken.write_bytes(b"torn" * 10)
    draw(changed, 900)
    copied.unlink()
    job = synced.migrate(OtherEncoder(), tune=False)
    skipped = {event.path: event.reason for event in job if isinstance(event, Skipped)}
    report = job.result()
    names = {file: file.relative_to(folder).as_posix() for file in (away, broken, changed, copied)}
    assert skipped == {names[away]: "unreadable", names[broken]: "not a picture", names[changed]: "changed"}
    assert dict(report.left_out) == {"unreadable": 1, "not a picture": 1, "changed": 1}
    assert (report.pictures, report.without, report.exit_code) == (38, 3, 3)
    assert paths(synced, "missing") == {names[away], names[broken], names[changed]}
    assert synced.info().reasons == {}
    broken.write_bytes(content)
    report_of_sync = run(synced, encoder=OtherEncoder())
    assert report_of_sync.encoded == 2
    assert paths(synced, "missing") == {names[away], names[copied]}
    (tmp_path / "away.png").rename(away)
    assert run(synced, encoder=OtherEncoder()).encoded == 1
    assert paths(synced, "missing") == {names[copied]}
    copied.write_bytes((folder / "copy.png").read_bytes())
    assert run(synced, encoder=OtherEncoder()).encoded == 0
    whole(synced)


def test_a_broken_file_that_did_not_change_is_skipped_by_the_next_sync(synced: Collection, folder: Path) -> None:
    import os

    file = sorted(folder.rglob("*.png"))[0]
    stat = file.stat()
    file.write_bytes(bytes(stat.st_size))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert dict(migrate(synced).left_out) == {"not a picture": 1}
    report = run(synced, encoder=OtherEncoder())
    assert (counts(report), dict(report.skipped)) == ({"retried": 1, "same": 39}, {"not a picture": 1})


def test_a_folder_that_is_away_comes_back(synced: Collection, folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "unplugged")
    job = synced.migrate(OtherEncoder(), tune=False)
    assert any(isinstance(event, Warned) and str(folder) in event.message for event in job)
    assert (job.result().pictures, job.result().without) == (0, 40)
    (tmp_path / "unplugged").rename(folder)
    report = run(synced, encoder=OtherEncoder())
    assert (report.pictures, report.encoded) == (40, 40)
    whole(synced)


def test_pictures_that_were_missing_get_their_vectors_when_they_are_back(
    synced: Collection, folder: Path, tmp_path: Path
) -> None:
    file = sorted(folder.rglob("*.png"))[0]
    file.rename(tmp_path / "kept.png")
    run(synced)
    assert migrate(synced).without == 1
    (row,) = synced.pictures("state=missing")
    assert row["reason"] == "not encoded"
    (tmp_path / "kept.png").rename(folder / "elsewhere.png")
    report = run(synced, encoder=OtherEncoder())
    assert (counts(report), report.encoded, report.pictures) == ({"moved": 1, "same": 39}, 1, 40)
    assert synced.find(["elsewhere.png"]) == [row["id"]]
    whole(synced)


def test_back_needs_no_encoder_where_nothing_came(synced: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    before = synced.vectors(tuned=False)
    assert synced.info().former is None
    migrate(synced)
    info = synced.info()
    assert info.former is not None
    assert (info.former["encoder"], info.migration) == ("mock", None)
    with monkeypatch.context() as patch:
        patch.delitem(ENCODERS, "mock")
        report = synced.back(tune=False).result()
    assert (report.former, report.encoder, report.encoded, report.pictures) == ("other", "mock", 0, 40)
    after = whole(synced).vectors(tuned=False)
    order = [after.ids.index(id_) for id_ in before.ids]
    assert np.array_equal(after.matrix[order], before.matrix)
    assert synced.back(tune=False).result().encoder == "other"
    whole(synced)


def test_back_encodes_what_came_since(synced: Collection, folder: Path) -> None:
    migrate(synced)
    draw_many(folder, 3, 900)
    run(synced, encoder=OtherEncoder())
    report = synced.back(tune=False).result()
    assert (report.encoded, report.pictures) == (3, 43)
    whole(synced)


def test_back_wants_the_very_encoder(synced: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(synced)
    draw(folder / "new.png", 900)
    run(synced, encoder=OtherEncoder())

    class Newer(MockEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.fingerprint = "f" * 16

    with monkeypatch.context() as patch:
        patch.setitem(ENCODERS, "mock", Newer)
        with pytest.raises(EncoderMismatch, match="another version of encoder 'mock'"):
            synced.back().result()
    whole(synced)


def test_what_was_missing_all_the_time_is_whole_again_after_back(
    synced: Collection, folder: Path, tmp_path: Path
) -> None:
    file = sorted(folder.rglob("*.png"))[0]
    file.rename(tmp_path / "kept.png")
    run(synced)
    migrate(synced)
    assert synced.back(tune=False).result().exit_code == 0
    (tmp_path / "kept.png").rename(file)
    report = run(synced)
    assert (counts(report), report.encoded) == ({"back": 1, "same": 39}, 0)
    whole(synced)


def test_purge_drops_the_former_encoder(synced: Collection) -> None:
    with pytest.raises(UsageError, match="no former encoder to go back to"):
        synced.back().result()
    migrate(synced)
    assert synced.purge() == 0
    assert synced.info().former is None
    with pytest.raises(UsageError, match="no former encoder to go back to"):
        synced.back().result()
    whole(synced)


def test_undo_does_not_cross_the_switch(synced: Collection, folder: Path) -> None:
    draw(folder / "new.png", 900)
    run(synced)
    migrate(synced)
    with pytest.raises(UsageError, match="changed since, and samekind migrate with --back returns to 'mock'"):
        synced.undo()
    draw(folder / "newer.png", 901)
    run(synced, encoder=OtherEncoder())
    assert len(whole(synced).vectors()) == 42
    assert synced.undo() == "sync"
    assert len(whole(synced).vectors()) == 41
    assert synced.back(tune=False).result().pictures == 41
    whole(synced)


def test_undo_of_a_sync_in_the_middle_of_half_a_migration(
    synced: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuntimeError):
        break_off(iter(synced.migrate(OtherEncoder())), monkeypatch, after=1)
    draw(folder / "new.png", 900)
    run(synced)
    assert synced.undo() == "sync"
    assert migrate(synced).pictures == 40
    whole(synced)


def test_a_new_version_of_the_same_encoder(synced: Collection) -> None:
    newer = MockEncoder()
    newer.fingerprint = "e" * 16
    with pytest.raises(EncoderMismatch, match="or run samekind migrate with --encoder mock"):
        synced.check(newer)
    assert migrate(synced, encoder=newer).switched
    assert (synced.encoder_name, synced.fingerprint) == ("mock", "e" * 16)


def test_no_space_left_for_vectors(synced: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(StorageError, match="No space left"):
            migrate(synced)
    whole(Collection.open(synced.path))
    migrate(synced)
    whole(synced)
