"""A branch that was added later: rows of the old side stay to the bit, and a folder gives back what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.adapt import saved
from samekind.adapt.closed_form import rounded
from samekind.encoders.adapted import EXPERTS, AdaptedEncoder, assemble
from samekind.encoders.base import Part
from samekind.encoders.experts import Experts
from samekind.encoders.grown import Branch
from samekind.encoders.rows import Array, unit_rows
from samekind.errors import EncoderError
from tests.collection.mock import DIM, MockEncoder

PARTS = (Part("one", 0, 5, 1.0), Part("two", 5, 8, 2.0))


def drawn_mix(rng: np.random.Generator, dim: int) -> Experts:
    def drawn(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    mix = (0.1 * drawn(dim), drawn(dim, dim), unit_rows(drawn(2, dim)), 0.1 * drawn(2, dim), drawn(2, dim, dim))
    return rounded(Experts((2,), *mix))


def drawn_branch(rng: np.random.Generator, parts: tuple[Part, ...], offset: float = 0.0) -> Branch:
    dim = parts[-1].stop
    old, new = (unit_rows(rng.normal(size=(rng.integers(1, 6), dim)).astype(np.float32)) for _ in range(2))
    offsets = np.full(len(old), offset, np.float32)
    return Branch(old, new, offsets, tuple(drawn_mix(rng, part.stop - part.start) for part in parts))


def drawn_rows(rng: np.random.Generator, count: int, dim: int) -> Array:
    return unit_rows(rng.normal(size=(count, dim)).astype(np.float32))


def drawn_encoder(rng: np.random.Generator, branches: int = 1, folder: Path = Path("grown")) -> AdaptedEncoder:
    every = tuple(drawn_branch(rng, MockEncoder.parts) for _ in range(branches))
    mixes = (drawn_mix(rng, DIM),)
    return saved.write(folder, MockEncoder(), mixes, {}, landmarks=drawn_rows(rng, 7, DIM), branches=every)


@given(seed=st.integers(0, 2**32), count=st.integers(0, 40), offset=st.floats(-1, 1, width=32))
def test_every_row_that_is_old_stays_to_the_bit(seed: int, count: int, offset: float) -> None:
    rng = np.random.default_rng(seed)
    branch, rows = drawn_branch(rng, PARTS, offset), drawn_rows(rng, count, 8)
    before = rows.copy()
    new = branch.is_new(rows)
    grown = branch.apply(PARTS, rows)
    assert grown[~new].tobytes() == rows[~new].tobytes()
    assert rows.tobytes() == before.tobytes()
    np.testing.assert_allclose(np.linalg.norm(grown, axis=1), 1, atol=1e-5)


def test_a_picture_is_new_where_it_leads_by_more_than_the_offset() -> None:
    axes = np.eye(8, dtype=np.float32)
    branch = Branch(axes[:1], axes[1:2], np.array([0.5], np.float32), ())
    rows = unit_rows(np.array([[1, 0], [0, 1], [1, 1], [1, 3]], np.float32) @ axes[:2])
    np.testing.assert_allclose(branch.lead(rows), [-1.5, 0.5, -0.5, 2 / 10**0.5 - 0.5], atol=1e-6)
    assert branch.is_new(rows).tolist() == [False, True, False, True]


@pytest.mark.parametrize("branches", [0, 1, 2, 11])
def test_the_folder_gives_back_what_was_written(tmp_path: Path, branches: int) -> None:
    rng = np.random.default_rng(branches)
    made = drawn_encoder(rng, branches, tmp_path / "mine")
    again = assemble(tmp_path / "mine", MockEncoder())
    assert again.fingerprint == made.fingerprint
    assert again.landmarks.tobytes() == made.landmarks.tobytes()
    rows = drawn_rows(rng, 50, DIM)
    assert again.adapt(rows).tobytes() == made.adapt(rows).tobytes()
    for one, other in zip(made.branches, again.branches, strict=True):
        assert (one.old.tobytes(), one.new.tobytes()) == (other.old.tobytes(), other.new.tobytes())
        assert one.offsets.tobytes() == other.offsets.tobytes()


def test_branches_and_landmarks_are_of_the_fingerprint(tmp_path: Path) -> None:
    made = drawn_encoder(np.random.default_rng(0), 2, tmp_path / "two")
    forms = {
        "one": (made.landmarks, made.branches[:1]),
        "other": (made.landmarks, made.branches[::-1]),
        "fewer": (made.landmarks[1:], made.branches),
        "none": (np.zeros((0, 0), np.float32), ()),
    }
    prints = {
        saved.write(tmp_path / name, made.base, made.experts, {}, None, *form).fingerprint
        for name, form in forms.items()
    }
    assert len(prints | {made.fingerprint}) == 5


def test_a_branch_that_lost_a_tensor_is_one_sentence(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    drawn_encoder(np.random.default_rng(0), 1, tmp_path / "mine")
    tensors = load_file(tmp_path / "mine" / EXPERTS)
    for lost, sentence in (("branch0.old", "A part of .* cannot be read"), ("landmarks", "was changed after")):
        save_file({name: one for name, one in tensors.items() if name != lost}, tmp_path / "mine" / EXPERTS)
        with pytest.raises(EncoderError, match=sentence):
            assemble(tmp_path / "mine", MockEncoder())
