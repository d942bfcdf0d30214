"""The kept tokens: gone on with, made anew where they are damaged, refused in one sentence where there is no room."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from samekind.adapt import tokens
from samekind.adapt.gather import Gathered
from samekind.adapt.tokens import CROPS, Tokens, keep_tokens
from samekind.adapt.trained import _usable
from samekind.encoders.base import Pixels
from samekind.errors import StorageError, UsageError
from samekind.events import Job, Progress, Skipped
from samekind.pictures.views import View
from samekind.settings import cache_folder, resolve
from tests.collection.mock import draw

SHAPE = (5, 4)
PICTURES = 40


class Lower:
    """Twenty numbers of a picture, none of them nothing; counts what it saw."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, pictures: Pixels) -> np.ndarray:
        self.seen += len(pictures)
        means = pictures.reshape(len(pictures), -1)[:, :20].astype(np.float32)
        return means / 255 + 1


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache/tokens"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [draw(tmp_path / f"{number}.png", number) for number in range(PICTURES)]


def job(files: list[Path], lower: Lower) -> Job[Tokens]:
    return Job(keep_tokens(files, lower, SHAPE, View("squash", 14), "key", resolve()))  # type: ignore[arg-type]


def broken_off(files: list[Path], at: int = 3) -> Path:
    """A run that ended before the ``at``-th block; the folder that it left."""
    steps = [0]
    for event in job(files, Lower()):
        steps[0] += isinstance(event, Progress)
        if steps[0] == at:
            break
    (folder,) = (cache_folder() / "tokens").iterdir()
    return folder


def test_a_run_goes_on(files: list[Path]) -> None:
    whole = np.array(job(files, Lower()).result().array)
    folder = next((cache_folder() / "tokens").iterdir())
    Tokens(whole, np.ones(PICTURES, np.bool_), folder).drop()
    broken_off(files)
    lower = Lower()
    found = job(files, lower).result()
    assert lower.seen == (1 + CROPS) * (PICTURES - 32)
    np.testing.assert_array_equal(found.array, whole)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "done").write_text(""),
        lambda folder: (folder / "done").unlink(),
        lambda folder: os.truncate(folder / "tokens.npy", 200),
        lambda folder: os.truncate(folder / "tokens.npy", 0),
        lambda folder: (folder / "tokens.npy").unlink(),
        lambda folder: np.save(folder / "tokens.npy", np.zeros((2, 2), np.float16)),
    ],
)
def test_what_is_damaged_is_made_anew(files: list[Path], damage: Callable[[Path], object]) -> None:
    damage(broken_off(files))
    lower = Lower()
    found = job(files, lower).result()
    assert lower.seen == (1 + CROPS) * PICTURES
    assert found.usable.all()
    assert (np.array(found.array) > 0).all()


def test_a_picture_that_broke_meanwhile(files: list[Path]) -> None:
    files[3].write_bytes(b"no picture")
    steps = job(files, Lower())
    assert [event.reason for event in steps if isinstance(event, Skipped)] == ["not a picture"]
    assert np.flatnonzero(~steps.result().usable).tolist() == [3]


def test_no_room_is_known_before(files: list[Path], cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(
        StorageError, match=r"Training wants .* GB in .* for a while and there is less; free space, set "
    ):
        job(files, Lower()).result()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="room cannot be asked for here")
def test_no_room_after_all(files: list[Path], cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match=r"cannot be written \(No space left on device\); free space there, set "):
        job(files, Lower()).result()
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_to(files: list[Path], cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text("a file")
    with pytest.raises(StorageError, match=r"cannot be written \(Not a directory\); .* or take --method experts\."):
        job(files, Lower()).result()


def test_what_nobody_went_on_with_is_dropped_after_a_week(files: list[Path], cache: Path) -> None:
    old, new = cache / "old", cache / "new"
    for folder, days in ((old, 8), (new, 6)):
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - days * 86_400,) * 2)
    job(files, Lower()).result()
    assert not old.exists()
    assert new.exists()


def test_a_collection_whose_pictures_are_away(files: list[Path]) -> None:
    found = job(files, Lower()).result()
    found.usable[10:] = False
    look, views = np.ones((PICTURES, 4), np.float32), np.ones((5, 2, 4), np.float32)
    one = Gathered("birds", look, views, np.arange(5), tuple(files))
    with pytest.raises(UsageError, match=r"Only 10 of 40 pictures of birds can be read now, in .*; bring their drive"):
        _usable([one], found.usable)
    found.usable[:] = True
    found.usable[2] = False
    (kept,) = _usable([one], found.usable)
    assert (len(kept), kept.view_rows.tolist()) == (39, [0, 1, 2, 3])
