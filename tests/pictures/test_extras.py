"""HEIC and RAW: with the extras their pixels, without them the install line."""

from __future__ import annotations

import importlib.util
from io import BytesIO

import numpy as np
import pytest

from samekind.errors import PictureError
from samekind.pictures.decode import Limits, decode
from samekind.pictures.signature import kind_of
from tests.pictures.awkward import encoded, scene
from tests.pictures.camera import dng

LIMITS = Limits()
HEIC = (24).to_bytes(4, "big") + b"ftypheic" + bytes(4) + b"mif1heic"


def installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@pytest.mark.skipif(installed("pillow_heif"), reason="pillow-heif is installed")
def test_heic_without_its_extra() -> None:
    with pytest.raises(PictureError, match=r"pip install 'samekind\[heif\]'") as caught:
        decode(HEIC, LIMITS)
    assert caught.value.reason == "needs extra"


@pytest.mark.skipif(installed("rawpy"), reason="rawpy is installed")
def test_raw_without_its_extra() -> None:
    with pytest.raises(PictureError, match=r"pip install 'samekind\[raw\]'") as caught:
        decode(dng(encoded(scene(), "JPEG"), 48, 32), LIMITS)
    assert caught.value.reason == "needs extra"


@pytest.mark.skipif(not installed("pillow_heif"), reason="pillow-heif (samekind[heif]) is not installed")
def test_heic() -> None:
    import pillow_heif

    stream = BytesIO()
    pillow_heif.from_pillow(scene(96, 64)).save(stream, quality=90)
    assert kind_of(stream.getvalue()) == "heif"
    got = decode(stream.getvalue(), LIMITS)
    assert (got.width, got.height) == (96, 64)
    assert np.abs(got.pixels - np.asarray(scene(96, 64)).astype(int)).mean() < 8
    for cut in (30, 200, len(stream.getvalue()) // 2):
        with pytest.raises(PictureError) as caught:
            decode(stream.getvalue()[:cut], LIMITS)
        assert caught.value.reason == "broken"


@pytest.mark.skipif(not installed("rawpy"), reason="rawpy (samekind[raw]) is not installed")
@pytest.mark.parametrize(("orientation", "size"), [(1, (480, 320)), (3, (480, 320)), (6, (320, 480)), (8, (320, 480))])
def test_raw_preview(orientation: int, size: tuple[int, int]) -> None:
    data = dng(encoded(scene(480, 320), "JPEG"), 480, 320, orientation)
    got = decode(data, LIMITS)
    assert (got.width, got.height) == size
    turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    assert np.abs(got.pixels - np.rot90(np.asarray(scene(480, 320)), turns).astype(int)).mean() < 4


@pytest.mark.skipif(not installed("rawpy"), reason="rawpy (samekind[raw]) is not installed")
def test_raw_without_a_preview_is_broken() -> None:
    with pytest.raises(PictureError) as caught:
        decode(dng(b"no preview at all", 480, 320), LIMITS)
    assert caught.value.reason == "broken"
