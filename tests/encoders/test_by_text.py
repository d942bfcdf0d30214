from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.encoders import by_text
from samekind.encoders.by_text import ByText


@given(st.lists(st.lists(st.text(max_size=2), max_size=9), max_size=9))
def test_each_text_is_made_once_and_all_come_in_order(asked: list[list[str]]) -> None:
    made: list[str] = []
    known = ByText[str](lambda texts: made.extend(texts) or [text.upper() for text in texts])
    for texts in asked:
        assert known(texts) == [text.upper() for text in texts]
    assert len(made) == len(set(made))


def test_batches_are_bounded_and_so_is_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_text, "BATCH", 3)
    monkeypatch.setattr(by_text, "MOST", 8)
    sizes: list[int] = []
    known = ByText[str](lambda texts: sizes.append(len(texts)) or texts)
    assert known([str(n) for n in range(7)]) == [str(n) for n in range(7)]
    assert sizes == [3, 3, 1]
    assert known(["0", "8", "9", "0"]) == ["0", "8", "9", "0"]  # two more would be nine
    assert sizes == [3, 3, 1, 2]
    assert known(["0"]) == ["0"]
    assert sizes == [3, 3, 1, 2, 1]
    many = [f"many {n}" for n in range(10)]
    assert known(many) == many  # more at once than are kept
    sizes.clear()
    assert known([*many[2:], many[1]]) == [*many[2:], many[1]]
    assert sizes == [1]


def test_what_fails_is_not_kept() -> None:
    def make(texts: list[str]) -> list[str]:
        if "" in texts:
            raise ValueError("empty")
        return texts

    known = ByText(make)
    with pytest.raises(ValueError, match="empty"):
        known(["a", ""])
    assert known(["a"]) == ["a"]
