from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from samekind.collection import Collection, SyncReport
from samekind.encoders.base import Vectors, encode_pictures
from samekind.errors import EncoderError, EncoderMismatch, UsageError
from samekind.events import Progress, Skipped, Warned
from samekind.pictures.decode import Limits, read_picture
from tests.collection.mock import DIM, MockEncoder, age, draw, draw_many


def run(collection: Collection, *sources: Path | str, **more: object) -> SyncReport:
    encoder = more.pop("encoder", None) or MockEncoder()
    return collection.sync(list(sources), encoder=encoder, **{"tune": False, **more}).result()  # type: ignore[arg-type]


def counts(report: SyncReport) -> dict[str, int]:
    return {name: count for name, count in report.counts.items() if count}


def paths(collection: Collection, state: str = "present") -> set[str]:
    return {row["path"] for row in collection.pictures(f"state={state}")}


def content(collection: Collection) -> dict[str, bytes]:
    """Path -> vector, of all present pictures, checked to be there once."""
    loaded = collection.vectors(tuned=False)
    rows = collection.rows(loaded.ids)
    found = {row["path"]: vector.tobytes() for row, vector in zip(rows, loaded.matrix, strict=True)}
    assert len(found) == len(rows)
    return found


def test_every_picture_is_stored_with_its_vector(collection: Collection, folder: Path, encoder: MockEncoder) -> None:
    report = run(collection, folder, encoder=encoder)
    assert counts(report) == {"new": 40}
    assert (report.exit_code, report.pictures, report.encoded) == (0, 40, 40)
    files = sorted(folder.rglob("*.png"))
    expected = encode_pictures(encoder, [read_picture(file, Limits()).pixels for file in files])
    ids = collection.find(files)
    assert np.allclose(collection.stored(ids, tuned=False), expected, atol=1e-3)
    (row,) = collection.pictures(f"id={ids[0]}")
    assert (row["width"], row["height"], row["state"], row["root"]) == (24, 24, "present", "pictures")
    assert row["file"] == files[0]


def test_nothing_new_writes_nothing_and_needs_no_encoder(synced: Collection) -> None:
    version = synced.table.version
    report = synced.sync(tune=False).result()
    assert counts(report) == {"same": 40}
    assert synced.table.version == version


def test_a_renamed_moved_copied_changed_and_deleted_file(synced: Collection, folder: Path) -> None:
    files = sorted(folder.rglob("*.png"))
    ids = dict(zip(files, synced.find(files), strict=True))
    files[0].rename(files[0].with_name("renamed.png"))
    (folder / "new").mkdir()
    files[1].rename(folder / "new" / files[1].name)
    shutil.copy(files[2], folder / "new" / "copy.png")
    draw(files[3], 1000)
    files[4].unlink()
    encoder = MockEncoder()
    report = run(synced, folder, encoder=encoder)
    assert counts(report) == {"changed": 1, "moved": 2, "copies": 1, "missing": 1, "same": 36}
    assert report.encoded == 1
    assert synced.find([files[0].with_name("renamed.png")]) == [ids[files[0]]]
    assert synced.find([folder / "new" / files[1].name]) == [ids[files[1]]]
    assert paths(synced, "missing") == {files[4].relative_to(folder).as_posix()}
    found = content(synced)
    assert found["new/copy.png"] == found[files[2].relative_to(folder).as_posix()]
    assert counts(run(synced, folder)) == {"same": 40}


def test_files_that_were_renumbered_are_not_encoded_again(synced: Collection, folder: Path) -> None:
    files = sorted((folder / "0").glob("*.png"))
    before = content(synced)
    for file, after in reversed(list(zip(files, [*files[1:], folder / "0" / "99999.png"], strict=True))):
        file.rename(after)
    report = run(synced)
    assert report.encoded == 0
    found = content(synced)
    for file, after in zip(files, [*files[1:], folder / "0" / "99999.png"], strict=True):
        assert found[after.relative_to(folder).as_posix()] == before[file.relative_to(folder).as_posix()]


def test_copies_among_new_files_are_encoded_once(collection: Collection, tmp_path: Path) -> None:
    file = draw(tmp_path / "p" / "a.png", 1)
    for name in ("b.png", "c.png"):
        shutil.copy(file, tmp_path / "p" / name)
    encoder = MockEncoder()
    report = run(collection, tmp_path / "p", encoder=encoder)
    assert counts(report) == {"new": 1, "copies": 2}
    assert report.encoded == 1
    assert len(set(content(collection).values())) == 1


def test_a_file_that_was_only_touched_is_not_encoded(synced: Collection, folder: Path) -> None:
    file = next(folder.rglob("*.png"))
    os.utime(file)
    report = run(synced)
    assert counts(report) == {"touched": 1, "same": 39}
    assert report.encoded == 0
    assert counts(run(synced)) == {"same": 40}


def test_a_broken_file_is_one_row_and_tried_again_when_it_changes(collection: Collection, tmp_path: Path) -> None:
    draw(tmp_path / "p" / "good.png", 1)
    (tmp_path / "p" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    (tmp_path / "p" / "empty.jpg").touch()
    age(tmp_path / "p")
    job = collection.sync([tmp_path / "p"], encoder=MockEncoder(), tune=False)
    skipped = {event.path: event.reason for event in job if isinstance(event, Skipped)}
    report = job.result()
    assert set(skipped) == {"bad.png", "empty.jpg"}
    assert (report.exit_code, report.pictures, sum(report.skipped.values())) == (3, 1, 2)
    assert {row["path"]: row["reason"] for row in collection.pictures("state=skipped")} == skipped
    again = run(collection)
    assert (counts(again), again.exit_code, again.encoded) == ({"same": 3}, 0, 0)
    draw(tmp_path / "p" / "bad.png", 2)
    assert counts(run(collection)) == {"changed": 1, "same": 2}
    assert paths(collection) == {"good.png", "bad.png"}


def test_a_picture_beyond_a_limit_is_tried_again_under_another(collection: Collection, folder: Path) -> None:
    from samekind.settings import Settings

    report = run(collection, folder, settings=Settings(max_pixels=100))
    assert (report.skipped, report.pictures) == ({"too many pixels": 40}, 0)
    report = run(collection)
    assert (counts(report), report.pictures) == ({"retried": 40}, 40)


def test_a_drive_that_is_away_is_missing_not_lost(synced: Collection, folder: Path, tmp_path: Path) -> None:
    draw_many(tmp_path / "other", 5, 500)
    before = content(synced)
    folder.rename(tmp_path / "unplugged")
    job = synced.sync([folder, tmp_path / "other"], encoder=MockEncoder(), tune=False)
    assert any(isinstance(event, Warned) and str(folder) in event.message for event in job)
    report = job.result()
    assert (counts(report), report.exit_code, report.away) == ({"new": 5, "missing": 40}, 3, ("pictures",))
    assert len(paths(synced, "missing")) == 40
    assert counts(run(synced)) == {"same": 5}
    (tmp_path / "unplugged").rename(folder)
    report = run(synced)
    assert counts(report) == {"back": 40, "same": 5}
    assert report.encoded == 0
    assert {path: vector for path, vector in content(synced).items() if path in before} == before


def test_a_part_of_a_root_covers_only_itself(synced: Collection, folder: Path) -> None:
    (folder / "0").rename(folder / "8")
    gone = len(list((folder / "8").iterdir()))
    shutil.rmtree(folder / "1")
    report = run(synced, folder / "8")
    assert counts(report) == {"copies": gone}
    report = run(synced, folder / "0", folder / "1")
    assert set(counts(report)) == {"missing"}
    assert synced.manifest.roots["pictures"].folder == folder
    assert len(synced.manifest.roots) == 1


def test_single_files_globs_and_lists_make_nothing_missing(collection: Collection, folder: Path) -> None:
    files = sorted(folder.rglob("*.png"))
    assert counts(run(collection, files[0])) == {"new": 1}
    assert counts(run(collection, str(folder / "*" / "0000*.png"))) == {"new": 9, "same": 1}
    assert counts(run(collection, files[20])) == {"new": 1}
    assert len(paths(collection)) == 11


def test_a_root_of_single_files_does_not_grow_by_itself(collection: Collection, folder: Path) -> None:
    files = sorted((folder / "0").glob("*.png"))
    run(collection, *files[:3])
    files[0].unlink()
    report = run(collection)
    assert counts(report) == {"missing": 1, "same": 2}
    assert counts(run(collection, folder)) == {"new": 37, "same": 2}
    draw(folder / "0" / "late.png", 900)
    assert counts(run(collection))["new"] == 1


def test_a_folder_around_a_root_takes_it_in(synced: Collection, folder: Path, tmp_path: Path) -> None:
    ids = set(synced.vectors(tuned=False).ids)
    draw(tmp_path / "beside.png", 700)
    encoder = MockEncoder()
    report = run(synced, tmp_path, encoder=encoder)
    assert counts(report) == {"new": 1, "same": 40}
    assert report.encoded == 1
    assert ids < set(synced.vectors(tuned=False).ids)
    assert {row["root"] for row in synced.pictures()} == {tmp_path.name}
    assert counts(run(synced)) == {"same": 41}
    synced.undo()
    assert {row["root"] for row in synced.pictures()} == {"pictures"}
    assert counts(run(synced)) == {"new": 1, "same": 40}


def test_two_roots_of_one_name(collection: Collection, tmp_path: Path) -> None:
    draw(tmp_path / "a" / "same" / "1.png", 1)
    draw(tmp_path / "b" / "same" / "1.png", 2)
    run(collection, tmp_path / "a" / "same", tmp_path / "b" / "same")
    assert set(collection.manifest.roots) == {"same", "same-2"}
    with pytest.raises(UsageError, match="several roots"):
        collection.find(["1.png"])
    assert len(collection.find([tmp_path / "a" / "same" / "1.png"])) == 1


def test_relocate_moves_a_root_without_work(synced: Collection, folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "elsewhere")
    assert synced.relocate(str(folder), tmp_path / "elsewhere") == "pictures"
    assert counts(run(synced)) == {"same": 40}
    (tmp_path / "elsewhere").rename(folder)
    assert synced.relocate("pictures", folder) == "pictures"
    with pytest.raises(UsageError, match="Did you mean 'pictures'"):
        synced.relocate("picturs", folder)
    with pytest.raises(UsageError, match="no folder"):
        synced.relocate("pictures", tmp_path / "nowhere")


def test_a_dry_run_counts_and_writes_nothing(collection: Collection, folder: Path) -> None:
    report = collection.sync([folder], dry_run=True).result()
    assert (counts(report), report.dry_run, report.pictures) == ({"new": 40}, True, 0)
    assert not collection.manifest.roots
    assert collection.table.count() == 0
    assert run(collection, folder).counts == report.counts


def test_lists_bring_columns_that_can_be_asked_for(collection: Collection, folder: Path) -> None:
    files = sorted(folder.rglob("*.png"))[:4]
    names = [file.relative_to(folder).as_posix() for file in files]
    table = folder / "list.csv"
    table.write_text("path,kind,year\n" + "".join(f"{name},cat {n},{1990 + n}\n" for n, name in enumerate(names)))
    run(collection, table)
    assert collection.table.person_columns == {"kind": "str", "year": "int"}
    assert {row["path"] for row in collection.pictures("year>=1992")} == set(names[2:])
    ids = collection.find(files)
    assert collection.rows(ids)[1]["kind"] == "cat 1"
    table.write_text("path,kind\n" + "".join(f"{name},dog\n" for name in names))
    report = run(collection, table)
    assert (counts(report), report.encoded) == ({"touched": 4}, 0)
    assert [collection.rows(ids)[0][name] for name in ("kind", "year")] == ["dog", 1990]
    assert counts(run(collection, folder))["same"] == 4
    assert collection.rows(ids)[0]["kind"] == "dog"


@pytest.mark.parametrize(
    ("heading", "value", "says"),
    [
        ("hash", "x", "'hash'"),
        ("look", "x", "'look'"),
        ("year", "x", "holds int in this .* and str"),
        ("a.b", 1, "a.b"),
    ],
)
def test_columns_that_clash_are_refused(
    collection: Collection, folder: Path, heading: str, value: object, says: str
) -> None:
    files = sorted(folder.rglob("*.png"))
    table = folder / "list.csv"
    table.write_text(f"path,year\n{files[0].relative_to(folder)},1990\n")
    run(collection, table)
    version = collection.table.version
    table.write_text(f"path,{heading}\n{files[1].relative_to(folder)},{value}\n")
    with pytest.raises(UsageError, match=says):
        run(collection, table)
    collection.refresh()
    assert collection.table.version == version


def test_another_encoder_is_refused_before_anything_is_written(synced: Collection, folder: Path) -> None:
    draw(folder / "new.png", 900)
    version = synced.table.version
    with pytest.raises(EncoderMismatch, match=r"'mock' .* not 'other'"):
        run(synced, encoder=MockEncoder("other"))
    synced.refresh()
    assert synced.table.version == version


def test_a_refused_sync_names_no_root(synced: Collection, tmp_path: Path) -> None:
    draw(tmp_path / "other" / "1.png", 900)
    with pytest.raises(EncoderMismatch):
        run(synced, tmp_path / "other", encoder=MockEncoder("other"))
    synced.refresh()
    assert set(synced.manifest.roots) == {"pictures"}


def test_unknown_sources_and_the_collection_itself_are_refused(synced: Collection, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file or folder"):
        run(synced, tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is the collection itself"):
        run(synced, synced.path)
    with pytest.raises(UsageError, match="is the collection itself"):
        run(synced, synced.path / "tunings")


def test_an_unreadable_folder_makes_nothing_missing(
    synced: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samekind.pictures import scan

    real = scan.scan

    def blind(source: scan.Source) -> object:
        for one in real(source):
            if not one.path.startswith("0/"):
                yield one
        yield Skipped(str(folder / "0"), "unreadable", "no permission")

    monkeypatch.setattr(scan, "scan", blind)
    report = run(synced)
    assert report.counts["missing"] == 0
    assert (report.skipped, report.exit_code) == ({"unreadable": 1}, 3)


class Faulty(MockEncoder):
    """Gives no usable vector for pictures that are nearly black."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def encode(self, batch: object) -> Vectors:
        dark = np.array([one[0].max() == 0 for one in batch], bool)  # type: ignore[attr-defined]
        if self.how == "raises" and dark.any():
            raise EncoderError("no")
        rows = super().encode(batch)  # type: ignore[arg-type]
        rows[dark] = {"nan": np.nan, "zero": 0.0, "raises": 1.0}[self.how]
        return rows


@pytest.mark.parametrize("how", ["nan", "zero", "raises"])
def test_a_picture_without_a_vector_is_skipped_alone(collection: Collection, folder: Path, how: str) -> None:
    from PIL import Image

    Image.new("RGB", (20, 20)).save(folder / "black.png")
    report = run(collection, folder, encoder=Faulty(how))
    assert (report.pictures, report.skipped) == (40, {"no vector": 1})
    assert np.isfinite(collection.vectors(tuned=False).matrix).all()


def test_progress_is_told(collection: Collection, folder: Path) -> None:
    events = list(collection.sync([folder], encoder=MockEncoder()))
    stages = [event.stage for event in events if isinstance(event, Progress)]
    assert list(dict.fromkeys(stages)) == ["looking", "comparing", "encoding", "tuning", "tidying"]
    assert Progress("encoding", 40, 40) in events


def test_many_commits_then_few_fragments(collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samekind.collection.sync.COMMIT_PICTURES", 3)
    run(collection, folder)
    assert len(collection.table._dataset.get_fragments()) == 1
    assert len(content(collection)) == 40


def test_second_views_of_a_sample_are_kept_once(collection: Collection, folder: Path) -> None:
    run(collection, folder)
    ids, views = collection.views()
    assert views.shape == (40, 2, DIM)
    assert np.allclose(np.linalg.norm(views, axis=2), 1, atol=1e-2)
    files = sorted(folder.rglob("*.png"))
    files[0].rename(folder / "moved.png")
    shutil.copy(folder / "moved.png", folder / "copy.png")
    run(collection)
    assert sorted(collection.views()[0]) == sorted(ids)


def test_remove_purge_and_undo(synced: Collection, folder: Path) -> None:
    before = content(synced)
    assert synced.remove("path~=0/") == 6
    assert len(content(synced)) == 34
    assert synced.undo() == "remove"
    assert content(synced) == before
    with pytest.raises(UsageError, match="nothing to undo"):
        synced.undo()
    file = next(folder.rglob("*.png"))
    file.unlink()
    run(synced)
    assert synced.purge() == 1
    assert synced.table.count() == 39
    assert synced.undo() == "purge"
    assert paths(synced, "missing") == {file.relative_to(folder).as_posix()}
    assert synced.remove(ids=[str(file)]) == 1
    with pytest.raises(UsageError, match="which pictures"):
        synced.remove()
    with pytest.raises(UsageError, match="no picture 'nix'"):
        synced.remove(ids=["nix"])
    assert synced.remove("path=nix") == 0


def test_undo_takes_back_one_sync(synced: Collection, folder: Path) -> None:
    before = content(synced)
    draw_many(folder, 10, 100)
    next((folder / "1").glob("*")).unlink()
    run(synced)
    assert counts(run(synced)) == {"same": 49}
    assert synced.undo() == "sync"
    assert content(synced) == before
    assert counts(run(synced)) == {"new": 10, "missing": 1, "same": 39}
