"""The image processor of a hub model, read as a View and the numbers of the normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from samekind.errors import EncoderError
from samekind.pictures.views import Resample, View

_RESAMPLES: dict[int, Resample] = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers


@dataclass(frozen=True)
class Seen:
    """How a network sees a picture: its ``view``, then each channel (x / scale - mean) / std."""

    view: View
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    scale: float = 1.0


def seen_by(processor: Mapping[str, Any], where: str) -> Seen:
    """What the settings of an image processor say, under transformers' names with every default filled in.

    Sizes that are made square squash the picture; a shorter side that is resized and cropped in the middle is a crop.
    Raises EncoderError for anything that a View cannot do; ``where`` names the model in it.
    """
    if not processor.get("do_resize"):
        raise _unusable(where, "does not resize pictures")
    resample = _RESAMPLES.get(int(processor.get("resample") or 0))
    if resample is None:
        raise _unusable(where, "resamples by a filter other than bicubic and bilinear")
    size = processor.get("size") or {}
    cropped = _square(processor.get("crop_size") or {}, where) if processor.get("do_center_crop") else None
    if "shortest_edge" in size:
        if cropped is None:
            raise _unusable(where, "leaves pictures oblong")
        if cropped > size["shortest_edge"]:
            raise _unusable(where, "adds a border")
        view = View("crop", cropped, cropped / size["shortest_edge"], resample)
    else:
        view = View("squash", _square(size, where), resample=resample)
        if cropped not in (None, view.side):
            raise _unusable(where, "squashes and then crops")
    scale = 1 / float(processor["rescale_factor"]) if processor.get("do_rescale") else 1.0
    if not processor.get("do_normalize"):
        return Seen(view, scale=scale)
    mean, std = (tuple(float(value) for value in processor[name]) for name in ("image_mean", "image_std"))
    if len(mean) != 3 or len(std) != 3 or not all(std):
        raise _unusable(where, "normalises other than three channels")
    return Seen(view, mean, std, scale)


def _square(size: Mapping[str, Any], where: str) -> int:
    height, width = size.get("height"), size.get("width")
    if not height or height != width:
        raise _unusable(where, "makes no squares of one size")
    return int(height)


def _unusable(where: str, what: str) -> EncoderError:
    return EncoderError(f"The image processor of {where} {what}, which samekind does not do; take another model.")
