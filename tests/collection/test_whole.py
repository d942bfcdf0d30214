from __future__ import annotations

from pathlib import Path

import pytest

from samekind.collection.whole import whole
from samekind.errors import StorageError


def test_the_file_is_there_whole(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    for text in ("before", "after"):
        with whole(file, "try again") as draft:
            draft.write_text(text)
            assert not file.exists() or file.read_text() == "before"
        assert file.read_text() == text
    assert list(tmp_path.iterdir()) == [file]


def test_what_was_there_stays_where_it_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "one.json"
    file.write_text("before")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with (
        pytest.raises(StorageError, match=r"one.json cannot be written \(No space left on device\); free space."),
        whole(file, "free space") as draft,
    ):
        draft.write_text("after")
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_other_errors_are_not_hidden(tmp_path: Path) -> None:
    def stopped() -> None:
        with whole(tmp_path / "one.json", "try again") as draft:
            draft.write_text("some")
            raise KeyError("one")

    with pytest.raises(KeyError):
        stopped()
    assert not list(tmp_path.iterdir())
