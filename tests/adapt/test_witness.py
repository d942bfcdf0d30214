"""The witness: which network is asked, and what it says of collections of pictures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from samekind.adapt import witness as asked
from samekind.adapt.gather import Gathered
from samekind.adapt.witness import witness_of, witnessed
from samekind.encoders import catalog
from samekind.errors import UsageError
from samekind.events import Job, Progress
from samekind.settings import resolve

OTHER = SimpleNamespace(parts=[SimpleNamespace(name="dino")])


@pytest.mark.parametrize(
    ("base", "witness"), [("dino", "tiny"), ("dino@112", "tiny"), ("lite", "tiny"), ("tiny", None), ("best", None)]
)
def test_no_encoder_is_its_own_witness(base: str, witness: str | None) -> None:
    parts = [SimpleNamespace(name=trunk.name) for trunk in catalog.record(base).trunks]
    assert witness_of(SimpleNamespace(parts=parts)) == witness  # type: ignore[arg-type]


def gathered(folder: Path, count: int) -> Gathered:
    rng = np.random.default_rng(0)
    folder.mkdir()
    files = tuple(folder / f"{number:02}.png" for number in range(count))
    for number, file in enumerate(files):
        pixels = np.full((40, 50, 3), (20 * (number % 10), 90, 200 - 20 * (number % 10)), np.int64)
        Image.fromarray((pixels + rng.integers(0, 40, pixels.shape)).astype(np.uint8)).save(file)
    nothing = np.zeros(0, np.intp)
    return Gathered(folder.name, np.zeros((count, 4), np.float32), np.zeros((0, 2, 4), np.float32), nothing, files)


def test_no_teacher_is_a_witness() -> None:
    teacher = SimpleNamespace(parts=[SimpleNamespace(name="tiny+adaptors")])
    assert witness_of(OTHER) == "tiny"  # type: ignore[arg-type]
    assert witness_of(OTHER, teacher) is None  # type: ignore[arg-type]


@pytest.fixture
def by_lite(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that is always there."""
    monkeypatch.setattr(asked, "WITNESS", "lite")


def test_where_none_is_asked_nothing_is_looked_at(tmp_path: Path) -> None:
    some = [gathered(tmp_path / "a", 8)]
    base = SimpleNamespace(parts=[SimpleNamespace(name="dino"), SimpleNamespace(name="tiny")])
    job = Job(witnessed(some, [base], resolve()))  # type: ignore[arg-type]
    assert [*job] == []
    assert job.result() == [None]


def test_each_collection_gets_unit_rows_of_its_own_space(tmp_path: Path, by_lite: None) -> None:
    some = [gathered(tmp_path / "a", 40), gathered(tmp_path / "b", 7)]
    job = Job(witnessed(some, [OTHER], resolve()))  # type: ignore[arg-type]
    assert any(isinstance(event, Progress) for event in job)
    found = job.result()
    assert [len(one) for one in found if one is not None] == [40, 7]
    for one in found:
        assert one is not None
        np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-4)


def test_a_picture_that_went_away_is_named(tmp_path: Path, by_lite: None) -> None:
    one = gathered(tmp_path / "a", 8)
    one.files[3].unlink()
    with pytest.raises(UsageError, match="A picture of a changed while it was looked at"):
        Job(witnessed([one], [OTHER], resolve())).result()  # type: ignore[arg-type]
