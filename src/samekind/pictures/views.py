"""Views: how a picture becomes the square that a network looks at, and how places in the one are found in the other.

Coordinates are pixels from the upper left corner; (0, 0) is the corner of the first pixel, not its centre.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError, unknown_name

Fit = Literal["squash", "pad", "crop"]
Resample = Literal["bicubic", "bilinear"]

MID_GREY = 128
_REDUCING_GAP = 2.0
_SLACK = 1e-6


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; fractions of a pixel are allowed."""

    left: float
    top: float
    width: float
    height: float

    def to_dict(self) -> dict[str, float]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True)
class View:
    """A picture as a square of ``side`` pixels.

    ``fit``: "squash" the whole picture, its aspect ignored; "pad" the whole picture centred on mid-grey; "crop" the
    centre square that covers ``keep`` of the shorter side. ``resample``: how pixels are made from pixels, both ways
    antialiased. Raises UsageError for values that make no view.
    """

    fit: Fit
    side: int
    keep: float = 1.0
    resample: Resample = "bicubic"

    def __post_init__(self) -> None:
        if self.fit not in get_args(Fit):
            raise unknown_name("fit", str(self.fit), get_args(Fit))
        if self.resample not in get_args(Resample):
            raise unknown_name("way to resample", str(self.resample), get_args(Resample))
        if self.side < 1:
            raise UsageError(f"The side of a view must be at least 1 pixel, not {self.side}.")
        if not 0 < self.keep <= 1:
            raise UsageError(f"The kept share of a view must be above 0 and at most 1, not {self.keep}.")
        if self.keep != 1 and self.fit != "crop":
            raise UsageError(f"Only a view with fit 'crop' keeps a share of the picture; {self.fit!r} shows all of it.")

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 -> (side, side, 3) uint8, resampled with antialiasing; safe in many threads at once."""
        from PIL import Image

        height, width = pixels.shape[:2]
        seen, shown = self._geometry(width, height)
        if pixels.shape[:2] == (self.side, self.side) and seen.width == width:
            return np.ascontiguousarray(pixels)
        # A box filter to at least twice the final size comes first: for 12 megapixels 2 to 5 times as fast, and
        # a third of a grey level off in the mean (measured for sides of 224 to 518).
        resized = Image.fromarray(pixels).resize(
            (int(shown.width), int(shown.height)),
            Image.Resampling[self.resample.upper()],
            box=(seen.left, seen.top, seen.left + seen.width, seen.top + seen.height),
            reducing_gap=_REDUCING_GAP,
        )
        if self.fit != "pad":
            return np.asarray(resized)
        canvas = np.full((self.side, self.side, 3), MID_GREY, np.uint8)
        left, top = int(shown.left), int(shown.top)
        canvas[top : top + resized.height, left : left + resized.width] = np.asarray(resized)
        return canvas

    def to_view(self, box: Box, width: int, height: int) -> Box:
        """Where a box of a ``width`` x ``height`` picture lies in the view; parts out of sight are not cut off."""
        return _mapped(box, *self._geometry(width, height))

    def to_picture(self, box: Box, width: int, height: int) -> Box:
        """Where a box of the view lies in a ``width`` x ``height`` picture; the inverse of ``to_view``."""
        seen, shown = self._geometry(width, height)
        return _mapped(box, shown, seen)

    def _geometry(self, width: int, height: int) -> tuple[Box, Box]:
        """The box of the picture that is seen, and the box of the view where it is shown."""
        whole, all_of_it = Box(0, 0, width, height), Box(0, 0, self.side, self.side)
        if self.fit == "squash":
            return whole, all_of_it
        if self.fit == "crop":
            edge = self.keep * min(width, height)
            return Box((width - edge) / 2, (height - edge) / 2, edge, edge), all_of_it
        scale = self.side / max(width, height)
        across, down = max(1, round(width * scale)), max(1, round(height * scale))
        return whole, Box((self.side - across) // 2, (self.side - down) // 2, across, down)


def crop(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The pixels that ``box`` touches: (h, w, 3) uint8 -> (h', w', 3), a view of the same memory.

    Raises UsageError for a box that is empty or reaches outside the picture.
    """
    height, width = pixels.shape[:2]
    right, bottom = box.left + box.width, box.top + box.height
    if not (box.width > 0 and box.height > 0):
        raise UsageError(f"A crop box must be wider and higher than 0, not {box.width:g} x {box.height:g}.")
    if not (min(box.left, box.top) >= -_SLACK and right <= width + _SLACK and bottom <= height + _SLACK):
        raise UsageError(
            f"The crop box (left {box.left:g}, top {box.top:g}, width {box.width:g}, height {box.height:g}) reaches"
            f" outside the picture of {width} x {height} pixels."
        )
    left, top = max(0, math.floor(box.left + _SLACK)), max(0, math.floor(box.top + _SLACK))
    return pixels[top : math.ceil(bottom - _SLACK), left : math.ceil(right - _SLACK)]


def mirror(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Left and right exchanged."""
    return np.ascontiguousarray(pixels[:, ::-1])


def centre(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle 84 % of both sides; its aspect is that of the picture."""
    height, width = pixels.shape[:2]
    share = (1 - 0.84) / 2
    left, top = int(width * share), int(height * share)
    return np.ascontiguousarray(pixels[top : height - top, left : width - left])


SECOND_VIEWS: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "mirror": mirror,
    "centre": centre,
}
"""The views that tuning compares with the plain one: what changes between them says nothing about kind."""


def _mapped(box: Box, source: Box, target: Box) -> Box:
    across, down = target.width / source.width, target.height / source.height
    return Box(
        target.left + (box.left - source.left) * across,
        target.top + (box.top - source.top) * down,
        box.width * across,
        box.height * down,
    )
