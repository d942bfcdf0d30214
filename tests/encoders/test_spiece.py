"""Sentencepiece files: what is read of them, and a reason for those that cannot be."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.encoders.spiece import read_pieces, tokenizer_of
from tests.encoders.hub_words import field, spiece, unigram_scores

SCORES = unigram_scores(["<pad>", "</s>", "<unk>"])


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.floats(width=32, allow_nan=False)), max_size=300))
def test_pieces_come_back(scores: list[tuple[str, float]]) -> None:
    content = spiece([("<unk>", 0.0), *((f"x{piece}", score) for piece, score in scores)])
    found = read_pieces(content + field(3, field(2, b"rules")))
    assert found.scores == (("<unk>", 0.0), *((f"x{piece}", score) for piece, score in scores))
    assert (found.unknown, found.characters) == (0, b"rules")


def test_words_and_letters() -> None:
    made = tokenizer_of(read_pieces(spiece(SCORES)), pytest.importorskip("tokenizers"))
    assert made.encode("red kettles").tokens == ["▁red", "▁kettle", "s", "</s>"]
    assert made.encode("☃☃").ids == [made.token_to_id("▁"), 2, 1]


def test_files_of_another_kind() -> None:
    for wrong in (b"", spiece(SCORES, model_type=2), spiece(SCORES, unknown="nothing")):
        with pytest.raises(ValueError, match="not a unigram model"):
            read_pieces(wrong)
    with pytest.raises(ValueError, match="has no </s>"):
        tokenizer_of(read_pieces(spiece([("<unk>", 0.0)])), pytest.importorskip("tokenizers"))


@given(st.integers(1, len(spiece(SCORES)) - 1))
def test_files_that_were_cut_short(length: int) -> None:
    with contextlib.suppress(ValueError):  # it raises nothing else
        assert len(read_pieces(spiece(SCORES)[:length]).scores) <= len(SCORES)


def test_what_no_protocol_buffer_holds() -> None:
    for wrong in (b"\x0f", b"\xff" * 20, b"\x0a\x7fabc", b"\x0d\x01"):
        with pytest.raises(ValueError, match="is damaged"):
            read_pieces(wrong)
