"""GeneCIS's crops as pixels: as the official code cuts them, kept, and cut again when the picture is newer."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samekind.errors import UsageError
from samekind.evaluation.composed.crops import cut_out, squared
from samekind.events import Job
from samekind.pictures.views import Box
from samekind.settings import resolve

PIXELS = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)


@given(st.floats(0, 65), st.floats(0, 45), st.floats(2, 80), st.floats(2, 60))
def test_a_crop_is_what_pillow_cuts(left, top, across, down):
    """With the quirk: the right and the bottom edge are counted from the corner that has moved."""
    corner = max(0, left - 0.7 * across), max(0, top - 0.7 * down)
    other = min(70, corner[0] + 1.7 * across), min(50, corner[1] + 1.7 * down)
    cut = Image.fromarray(PIXELS).crop((*corner, *other))
    side = max(cut.size)
    square = Image.new("RGB", (side, side))
    square.paste(cut, ((side - cut.width) // 2, (side - cut.height) // 2))
    np.testing.assert_array_equal(squared(PIXELS, Box(left, top, across, down)), np.asarray(square))


def test_crops_are_kept_until_their_picture_changes(tmp_path):
    picture = tmp_path / "7.png"
    Image.fromarray(PIXELS).save(picture)

    def cut(*names):
        return Job(cut_out(names, {"7": "7.png"}, tmp_path, resolve())).result()

    folder, places = cut("7@10,10,20,20", "7@30,10,20,20")
    assert places == {name: f"{name}.png" for name in ("7@10,10,20,20", "7@30,10,20,20")}
    first = folder / places["7@10,10,20,20"]
    before = first.stat().st_mtime_ns
    assert cut("7@10,10,20,20")[0] == folder
    assert first.stat().st_mtime_ns == before
    Image.fromarray(255 - PIXELS).save(picture)
    os.utime(picture, ns=(before + 10**9, before + 10**9))
    cut("7@10,10,20,20")
    np.testing.assert_array_equal(np.asarray(Image.open(first)), squared(255 - PIXELS, Box(10, 10, 20, 20)))
    assert not list(folder.glob(".*"))


def test_complaints(tmp_path):
    (tmp_path / "7.jpg").write_bytes(b"no picture")
    with pytest.raises(UsageError, match=r"7.jpg cannot be used .*; take it anew"):
        Job(cut_out(["7@0,0,5,5"], {"7": "7.jpg"}, tmp_path, resolve())).result()
    with pytest.raises(UsageError, match="must be wider and higher than 0"):
        squared(PIXELS, Box(0, 0, 0, 5))
