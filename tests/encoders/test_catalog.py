"""Names, sides, and what the records say."""

from __future__ import annotations

import pytest

from samekind.encoders import catalog
from samekind.encoders.recipe import fingerprint
from samekind.errors import UsageError


@pytest.mark.parametrize(("name", "dim"), [("lite", 1280), ("tiny", 320), ("dino", 384), ("best", 704)])
def test_records(name: str, dim: int) -> None:
    record = catalog.record(name)
    assert record.dim == dim
    assert record.name == name
    for trunk, weights in zip(record.trunks, record.weights, strict=True):
        assert trunk.digest == weights.digest
        assert len(trunk.golden) == 8


def test_best_is_dino_and_some_tiny() -> None:
    assert [(trunk.name, trunk.weight) for trunk in catalog.record("best").trunks] == [("dino", 1.0), ("tiny", 0.7)]


def test_fingerprints_tell_all_apart() -> None:
    names = ["lite", "tiny", "dino", "best", "dino@336", "dino@518"]
    assert len({fingerprint(catalog.record(name).trunks) for name in names}) == len(names)
    assert fingerprint(catalog.record("dino@224").trunks) == fingerprint(catalog.record("dino").trunks)


@pytest.mark.parametrize("side", [14, 224, 336, 518, 1036])
def test_sides_of_dino(side: int) -> None:
    assert catalog.record(f"dino@{side}").trunks[0].view.side == side


@pytest.mark.parametrize(
    "name", ["dino@", "dino@0", "dino@225", "dino@-14", "dino@1050", "dino@22.4", "dino@²", "dino@x"]
)
def test_impossible_sides(name: str) -> None:
    with pytest.raises(UsageError, match="multiple of 14"):
        catalog.record(name)


@pytest.mark.parametrize("name", ["dinno", "", "tiny@336", "DINO"])
def test_unknown_names_show_the_known(name: str) -> None:
    with pytest.raises(UsageError, match="known: best, dino, dino@SIDE, hub:OWNER/NAME, lite, onnx:FILE, tiny"):
        catalog.record(name)
