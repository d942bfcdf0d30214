from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import PictureError, UsageError
from samekind.events import Skipped
from samekind.pictures.decode import Limits, read_picture
from samekind.pictures.scan import ScannedFile, Source, content_hash, scan, sources_from
from samekind.pictures.walk import shown
from tests.pictures.awkward import LEFT_OUT, turned, write_awkward

JPEG = turned(1)


def tree(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(JPEG)
    return folder


def files(found: Iterable[ScannedFile | Skipped]) -> list[str]:
    return [one.path for one in found if isinstance(one, ScannedFile)]


def found_in(*arguments: str | Path) -> list[str]:
    """Every file of all sources, absolute; each may be met once only."""
    met = [str(one.file) for source in sources_from(arguments) for one in scan(source) if isinstance(one, ScannedFile)]
    assert len(met) == len(set(met))
    return met


def test_the_awkward_folder(tmp_path: Path) -> None:
    expected = {one.path: one for one in write_awkward(tmp_path)}
    (source,) = sources_from([tmp_path])
    assert source.whole
    met: dict[str, str | None] = {}
    for one in scan(source):
        if isinstance(one, Skipped):
            met[one.path.removeprefix(f"{tmp_path}/")] = one.reason
            continue
        assert one.file == tmp_path / one.path
        assert one.size == one.file.stat().st_size
        assert one.mtime_ns == one.file.stat().st_mtime_ns
        try:
            read_picture(one.file, Limits(), 16)
            met[one.path] = None
        except PictureError as problem:
            met[one.path] = problem.reason
    assert met == {path: one.outcome for path, one in expected.items() if one.outcome != LEFT_OUT}


def test_the_order_is_that_of_names_and_always_the_same(tmp_path: Path) -> None:
    tree(tmp_path, "b/2.jpg", "b/1.jpg", "a/z/1.jpg", "a/3.jpg", "0.jpg", "c.jpg")
    (source,) = sources_from([tmp_path])
    assert files(scan(source)) == ["0.jpg", "c.jpg", "a/3.jpg", "a/z/1.jpg", "b/1.jpg", "b/2.jpg"]
    assert list(scan(source)) == list(scan(source))


def test_ignore_files_speak_git(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", "b.png", "keep.png", "x/b.png", "x/deep/b.png", "cache/a.jpg", "x/cache/a.jpg", "y/a.jpg")
    (tmp_path / ".samekindignore").write_text("# comment\n*.png\n!keep.png\n/cache/\ny/*\n", "utf-8")
    (tmp_path / "x" / ".samekindignore").write_text("!deep/*.png\ncache\n", "utf-8")
    (source,) = sources_from([tmp_path])
    assert files(scan(source)) == ["a.jpg", "keep.png", "x/deep/b.png"]


def test_an_ignore_file_that_cannot_be_understood(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg")
    (tmp_path / ".samekindignore").write_text("!\n", "utf-8")
    with pytest.raises(UsageError, match=r"samekindignore holds a pattern"):
        list(scan(sources_from([tmp_path])[0]))


def test_a_forbidden_folder_is_one_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/1.jpg", "b/1.jpg", "c/1.jpg")
    (tmp_path / "b").chmod(0)
    allowed = os.scandir

    def as_anyone(folder: str) -> Any:  # root may list every folder
        if folder == f"{tmp_path}/b":
            raise PermissionError(13, "Permission denied", folder)
        return allowed(folder)

    monkeypatch.setattr(os, "scandir", as_anyone)
    found = list(scan(sources_from([tmp_path])[0]))
    (tmp_path / "b").chmod(0o700)
    assert files(found) == ["a/1.jpg", "c/1.jpg"]
    assert [(one.path, one.reason) for one in found if isinstance(one, Skipped)] == [(f"{tmp_path}/b", "unreadable")]


def test_a_folder_that_vanishes_is_one_skip(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "b/1.jpg", "0.jpg")
    running = scan(sources_from([tmp_path])[0])
    first = next(running)
    (tmp_path / "b/1.jpg").unlink()
    (tmp_path / "b").rmdir()
    rest = list(running)
    assert files([first, *rest]) == ["0.jpg", "a/1.jpg"]
    assert [one.reason for one in rest if isinstance(one, Skipped)] == ["unreadable"]


def test_folders_deeper_than_python_recurses(tmp_path: Path) -> None:
    here, levels = Path.cwd(), 0
    try:
        os.chdir(tmp_path)
        while levels < 1200:
            Path("d").mkdir()
            os.chdir("d")
            levels += 1
        Path("deep.jpg").write_bytes(JPEG)
        (source,) = sources_from([tmp_path])
        assert files(scan(source)) == ["d/" * 1200 + "deep.jpg"]
    finally:  # pytest removes old folders by recursion, which is not deep enough for this one
        Path("deep.jpg").unlink(missing_ok=True)
        for _ in range(levels):
            os.chdir("..")
            Path("d").rmdir()
        os.chdir(here)


def test_single_files_take_anything_and_follow_links(tmp_path: Path) -> None:
    tree(tmp_path, "a.txt", "sub/b.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "sub/b.jpg")
    assert found_in(tmp_path / "a.txt", tmp_path / "link.jpg") == [f"{tmp_path}/a.txt", f"{tmp_path}/link.jpg"]
    (source,) = sources_from([tmp_path / "link.jpg", tmp_path / "a.txt"])
    assert source == Source(tmp_path, False, ("a.txt", "link.jpg"))


def test_globs(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "a/2.txt", "a/x/3.jpg", "b/1.jpg", ".h/1.jpg", "a/.4.jpg")
    (tmp_path / "a/circle").symlink_to(tmp_path, target_is_directory=True)
    assert found_in(f"{tmp_path}/a/*") == [f"{tmp_path}/a/1.jpg", f"{tmp_path}/a/2.txt"]
    assert found_in(f"{tmp_path}/**/*.jpg") == [f"{tmp_path}/{name}" for name in ("a/1.jpg", "a/x/3.jpg", "b/1.jpg")]
    (source,) = sources_from([f"{tmp_path}/a/**/?.jpg"])
    assert (source.root, source.whole, source.files) == (tmp_path / "a", False, ("1.jpg", "x/3.jpg"))
    with pytest.raises(UsageError, match=r"matches no file"):
        sources_from([f"{tmp_path}/*.gif"])
    with pytest.raises(UsageError, match=r"is no folder"):
        sources_from([f"{tmp_path}/nowhere/*.gif"])


def test_a_name_that_looks_like_a_glob(tmp_path: Path) -> None:
    tree(tmp_path, "[a]*.jpg")
    assert found_in(tmp_path / "[a]*.jpg") == [f"{tmp_path}/[a]*.jpg"]


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file or folder .*nowhere"):
        sources_from([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match="empty name"):
        sources_from([""])
    with pytest.raises(UsageError, match="UTF-8"):
        sources_from([os.fsdecode(b"odd-\xff")])


def test_no_file_is_met_twice(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "a/b/2.jpg", "a/b/c/3.jpg", "d/4.jpg")
    (tmp_path / "list.csv").write_text("path,label\na/b/2.jpg,two\nd/4.jpg,four\n", "utf-8")
    everything = [f"{tmp_path}/{name}" for name in ("a/1.jpg", "a/b/2.jpg", "a/b/c/3.jpg", "d/4.jpg")]
    a, b = tmp_path / "a", tmp_path / "a/b"
    assert sorted(found_in(tmp_path, a, b, b / "2.jpg", f"{a}/**/*", tmp_path / "list.csv")) == everything
    assert sorted(found_in(b, a)) == everything[:3]
    assert sorted(found_in(b / "2.jpg", a / "1.jpg", b)) == everything[:3]
    assert sorted(found_in(tmp_path / "list.csv", b)) == everything[1:]
    assert sorted(found_in(b / "c/3.jpg", f"{a}/**/*.jpg")) == everything[:3]


def test_an_inner_folder_that_the_outer_leaves_out_stays_a_source(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", ".hidden/2.jpg", "out/3.jpg", "out/deep/4.jpg")
    (tmp_path / ".samekindignore").write_text("out/\n", "utf-8")
    inner = [tmp_path / name for name in ("a", ".hidden", "out/deep")]
    assert [source.root for source in sources_from([*inner, tmp_path])] == [inner[1], inner[2], tmp_path]
    assert len(found_in(tmp_path, *inner)) == 3
    assert found_in(tmp_path, tmp_path / "out/3.jpg") == [f"{tmp_path}/a/1.jpg", f"{tmp_path}/out/3.jpg"]


def test_columns_of_a_list_reach_the_files_of_a_folder(tmp_path: Path) -> None:
    tree(tmp_path, "1.jpg", "2.jpg", "3.txt")
    (tmp_path / "list.csv").write_text("path,year,label\n2.jpg,1999,two\n3.txt,,three\ngone.jpg,1,\n", "utf-8")
    (source,) = sources_from([tmp_path, tmp_path / "list.csv"])
    found = list(scan(source))
    assert {one.path: dict(one.columns) for one in found if isinstance(one, ScannedFile)} == {
        "1.jpg": {},
        "2.jpg": {"year": 1999, "label": "two"},
        "3.txt": {"year": None, "label": "three"},
    }
    assert [one for one in found if isinstance(one, Skipped)] == [Skipped(f"{tmp_path}/gone.jpg", "no such file")]


def test_a_list_names_files_outside_its_folder(tmp_path: Path) -> None:
    tree(tmp_path, "data/a/1.jpg", "data/b/2.jpg")
    (tmp_path / "lists").mkdir()
    lines = ["path", "../data/a/1.jpg", f"{tmp_path}/data/b/2.jpg"]
    (tmp_path / "lists/list.csv").write_text("\n".join(lines), "utf-8")
    (source,) = sources_from([tmp_path / "lists/list.csv"])
    assert source == Source(tmp_path / "data", False, ("a/1.jpg", "b/2.jpg"))


def test_a_list_that_contradicts_itself(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,label\na.jpg,x\nb.jpg,x\n./a.jpg,y\n", "utf-8")
    with pytest.raises(UsageError, match="twice"):
        sources_from([tmp_path / "list.csv"])


def test_what_a_list_names_that_is_no_file(tmp_path: Path) -> None:
    tree(tmp_path, "sub/1.jpg")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "list.csv").write_text("path\nsub\npipe\nsub/1.jpg/2.jpg\nsub/1.jpg\n", "utf-8")
    found = list(scan(sources_from([tmp_path / "list.csv"])[0]))
    assert files(found) == ["sub/1.jpg"]
    reasons = {one.path.removeprefix(f"{tmp_path}/"): one.reason for one in found if isinstance(one, Skipped)}
    assert reasons == {"pipe": "unreadable", "sub": "unreadable", "sub/1.jpg/2.jpg": "no such file"}


@given(st.binary(max_size=5000))
def test_content_hash(data: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        assert content_hash(Path(file.name)) == hashlib.blake2b(data, digest_size=16).hexdigest()


@given(st.binary(min_size=1, max_size=40))
def test_any_path_can_be_shown(name: bytes) -> None:
    shown(os.fsdecode(name)).encode()
