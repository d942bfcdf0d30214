"""What cannot be done is refused in one clear sentence on standard error, and nothing is left half-written."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import Answer, permissions_hold
from tests.e2e.conftest import Ground

PICTURE = ("--picture", "pictures/train/red-0.jpg")
SEARCH = ("search", "small.samekind")
NEW = ("--into", "new.samekind")
LIKE = ("--like", "train/red-0.jpg")


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file."""
    return {
        str(file.relative_to(folder)): (file.stat().st_size, file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
    }


def refused(small: Ground, *words: str | Path, stdin: bytes = b"", like_anyone: bool = False) -> str:
    """The sentence; and nothing below the working folder has changed."""
    before = state(small.command.cwd)
    answer: Answer = small.command(*words, stdin=stdin, like_anyone=like_anyone)
    assert answer.code == 2, answer
    assert state(small.command.cwd) == before
    return answer.sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("serch",), "There is no command 'serch'; known: adapt, .*Did you mean 'search'"),
        ((*SEARCH, "--picture", "nowhere.jpg"), "The query picture nowhere.jpg cannot be used .*No such file"),
        ((*SEARCH, *LIKE, "--where", "pth~=a"), "no column 'pth'; known: added, .*Did you mean 'path'"),
        (("search", "nowhere.samekind", *PICTURE), "There is nothing at .*/nowhere.samekind; make a collection with"),
        (("sync", "pictures", *NEW, "--encoder", "dinno"), "no encoder 'dinno'; known: .*dino"),
        (("sync", "pictures", "--into", "small.samekind", "--encoder", "dino"), "has encoder 'lite', not"),
        (("sync", "pictures", *NEW, "--encoder", "dino"), "offline.*samekind encoders import"),
        (("sync", "nowhere", *NEW, "--encoder", "lite"), "no file or folder .*/nowhere"),
        (("sync", "empty", *NEW, "--encoder", "lite"), "There are no pictures in empty; name"),
        (("sync", "pictures", "--into", "foreign", "--encoder", "lite"), "foreign is there already and is no"),
    ],
)
def test_one_sentence(small: Ground, words: tuple[str, ...], sentence: str) -> None:
    (small.command.cwd / "empty").mkdir()
    (small.command.cwd / "foreign").mkdir()
    (small.command.cwd / "foreign/thesis.txt").write_text("mine")
    said = refused(small, *words)
    assert re.search(sentence, said), said


def replace_in_manifest(old: str, new: str) -> Callable[[Path], None]:
    def damage(collection: Path) -> None:
        file = collection / "samekind.toml"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")

    return damage


def cut_data(collection: Path) -> None:
    """Every data file of the table loses its second half."""
    for file in (collection / "pictures.lance/data").iterdir():
        os.truncate(file, file.stat().st_size // 2)


def drop_table(collection: Path) -> None:
    shutil.rmtree(collection / "pictures.lance")


def scramble_versions(collection: Path) -> None:
    for file in (collection / "pictures.lance/_versions").iterdir():
        file.write_bytes(b"\x00" * 100)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (replace_in_manifest("format = 1", "format = 99"), "has format 99, this samekind knows 1; update samekind"),
        (drop_table, "pictures.lance is gone; restore it from a copy, or make the collection anew"),
        (scramble_versions, "does not fit its samekind.toml; restore both from a copy"),
        (cut_data, "pictures.lance cannot be read"),
    ],
    ids=["newer", "no table", "versions", "half data"],
)
def test_damage(small: Ground, damage: Callable[[Path], None], sentence: str) -> None:
    damage(small.collection)
    said = refused(small, "sync", "--into", "small.samekind")
    assert re.search(sentence, said), said
    assert len(said) < 400


def test_vectors_of_another_encoder(small: Ground) -> None:
    replace_in_manifest('fingerprint = "', 'fingerprint = "0000')(small.collection)
    said = refused(small, *SEARCH, *PICTURE)
    assert "holds vectors of another version of encoder 'lite'" in said
    assert said.endswith("bring that version back, or run samekind migrate with --encoder lite.")


def test_no_permission(small: Ground) -> None:
    if not permissions_hold():
        pytest.skip("this user may do everything")
    manifest = small.collection / "samekind.toml"
    manifest.chmod(0)
    said = refused(small, "info", "small.samekind", like_anyone=True)
    assert said == f"{manifest} cannot be read (Permission denied); check its permissions."
    manifest.chmod(0o644)
    folders = [small.collection, *(one for one in small.collection.rglob("*") if one.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    (small.folder / "broken.jpg").unlink()
    try:
        said = refused(small, "sync", "--into", "small.samekind", like_anyone=True)
        assert "cannot be written" in said
        assert "permission" in said.lower()
        found = small.command(*SEARCH, *LIKE, "--json", like_anyone=True)
        assert found.code == 0
    finally:
        for folder in folders:
            folder.chmod(0o755)
