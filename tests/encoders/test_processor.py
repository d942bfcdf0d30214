"""Image processors read as views: what is understood, and a sentence for the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samekind.encoders.golden import draw_card
from samekind.encoders.processor import Seen, seen_by
from samekind.errors import EncoderError
from samekind.pictures.views import View
from tests.encoders.hubs import PROCESSORS, SIDE, save

SQUASH: dict[str, Any] = {
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.2, 0.1],
}
CROP = {**SQUASH, "size": {"shortest_edge": 40}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}}


def test_squash_and_crop() -> None:
    seen = seen_by(SQUASH, "a")
    assert seen == Seen(View("squash", 32, resample="bilinear"), (0.5, 0.4, 0.3), (0.2, 0.2, 0.1), 255.0)
    assert seen_by({**CROP, "resample": 3}, "a").view == View("crop", 32, 0.8)


def test_steps_that_are_off() -> None:
    assert seen_by({**SQUASH, "do_normalize": False}, "a").mean == (0, 0, 0)
    assert seen_by({**SQUASH, "do_rescale": False}, "a").scale == 1


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({**SQUASH, "do_resize": False}, "does not resize"),
        ({**SQUASH, "resample": 1}, "filter"),
        ({**SQUASH, "size": {"height": 32, "width": 48}}, "no squares"),
        ({**SQUASH, "size": {"longest_edge": 32}}, "no squares"),
        ({**SQUASH, "size": {"shortest_edge": 32}}, "oblong"),
        ({**CROP, "size": {"shortest_edge": 20}}, "border"),
        ({**CROP, "size": {"height": 40, "width": 40}}, "squashes and then crops"),
        ({**SQUASH, "image_mean": [0.5]}, "three channels"),
    ],
)
def test_what_a_view_cannot_do(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(EncoderError, match=f"image processor of the-model .*{why}"):
        seen_by(settings, "the-model")


@pytest.mark.parametrize("kind", ["vit", "dinov2", "clip", "siglip"])
def test_the_view_gives_what_the_processor_gives(kind: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    processor = transformers.AutoImageProcessor.from_pretrained(save(tmp_path, kind), backend="pil")
    seen, card = seen_by(processor.to_dict(), kind), draw_card()
    assert seen.view.side == SIDE
    assert seen.view.resample == ("bilinear" if PROCESSORS[kind].get("resample", 2) == 2 else "bicubic")
    pixels = seen.view.apply(card).astype(np.float32) / seen.scale
    ours = ((pixels - np.array(seen.mean)) / np.array(seen.std)).transpose(2, 0, 1)
    theirs = np.asarray(processor(card, return_tensors="np")["pixel_values"][0])
    # resizing 320 x 240 to whole pixels (clip: 42 x 32, a little squashed) comes before the processor's cut, not ours
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > (0.97 if kind == "clip" else 0.997)
    np.testing.assert_allclose(ours.mean((1, 2)), theirs.mean((1, 2)), atol=0.03)
