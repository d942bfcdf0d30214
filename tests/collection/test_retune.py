"""A collection that is tuned by a mix: report, file, and pictures that come later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samekind.collection import Collection, retune
from samekind.encoders.experts import Experts
from samekind.tuning.check import Check
from tests.collection.mock import MockEncoder, draw_many


@pytest.fixture
def mixed(tmp_path: Path, encoder: MockEncoder, monkeypatch: pytest.MonkeyPatch) -> Collection:
    """Eighty pictures that count as a mixed collection."""
    monkeypatch.setattr("samekind.tuning.choosing.alike", lambda *_: 0.0)
    monkeypatch.setattr("samekind.tuning.experts.PICTURES_A_GROUP", 25)
    monkeypatch.setattr(Check, "passed", True)
    monkeypatch.setattr(Check, "worse_than", lambda *_: False)
    draw_many(tmp_path / "pictures", 80)
    collection = Collection.create(tmp_path / "c.samekind", encoder)
    collection.sync([tmp_path / "pictures"], encoder=encoder).result()
    return collection


def test_the_report_and_info_say_that_a_mix_was_taken(mixed: Collection) -> None:
    report = mixed.tune().result()
    assert report.helps
    assert report.groups > 1
    assert report.to_dict()["groups"] == report.groups
    assert report.why.startswith("a mix of maps, since groups of pictures differ in what does not matter: ")
    info = Collection.open(mixed.path).info()
    assert info.why == report.why
    assert info.tuning is not None
    assert info.tuning["groups"] == report.groups


def test_pictures_that_come_later_are_mapped_by_the_saved_tuning(
    mixed: Collection, tmp_path: Path, encoder: MockEncoder
) -> None:
    stamp, column = retune.active(mixed.table)
    draw_many(tmp_path / "pictures", 5, start=80)
    assert not mixed.sync(encoder=encoder).result().retuned
    again = Collection.open(mixed.path)
    assert retune.active(again.table) == (stamp, column)
    assert stamp is not None
    tuning = retune.read(again.path, stamp)
    assert tuning.space is not None
    assert isinstance(tuning.space.maps[0], Experts)
    plain, tuned = again.vectors(tuned=False), again.vectors(tuned=True)
    assert tuned.ids == plain.ids
    assert len(tuned.ids) == 85
    wanted = tuning.stored(plain.matrix)
    np.testing.assert_allclose(tuned.matrix[:, : wanted.shape[1]], wanted, atol=2e-2)


def test_the_mix_can_be_tuned_away_again(mixed: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samekind.tuning.choosing.alike", lambda *_: 1.0)
    assert mixed.tune().result().groups == 1
    monkeypatch.setattr(Check, "passed", False)
    report = mixed.tune().result()
    assert (report.helps, report.groups) == (False, 0)
    assert not mixed.tuned
