"""Any picture that Pillow can hold to 8-bit sRGB: profiles, transparency, more than 8 bits, ink, palettes."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

WHITE = (255, 255, 255)
_WIDE = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_SAME_COLOUR = 2
_WHITE_LEVELS = (1.0, 255.0, 65_535.0)
_BITS_PER_SAMPLE = 258


def to_srgb(picture: Image.Image) -> Image.Image:
    """A loaded picture of any mode as an RGB one in sRGB.

    A colour profile that cannot be used (damaged, or of other channels than the picture's) is ignored. Transparent
    parts show white. 16 bits are scaled by the full range; for 32-bit and floating numbers see ``_by_range``.
    """
    if picture.mode in _WIDE:
        return _from_wide(picture)
    profile = picture.info.get("icc_profile")
    if picture.mode == "RGB" and not profile and "transparency" not in picture.info:
        return picture
    if _has_alpha(picture):
        return _on_white(picture.convert("RGBA"), profile)
    if picture.mode in ("P", "1"):
        picture = picture.convert("RGB" if picture.mode == "P" else "L")
    return _converted(picture, profile)


def is_plain(picture: Image.Image) -> bool:
    """True where averaging neighbouring pixels before ``to_srgb`` does no harm: no palette, no transparency, 8 bits."""
    return picture.mode in ("RGB", "L", "CMYK") and "transparency" not in picture.info


def _has_alpha(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info


def _on_white(picture: Image.Image, profile: bytes | None) -> Image.Image:
    alpha = picture.getchannel("A")
    paper = Image.new("RGB", picture.size, WHITE)
    paper.paste(_converted(picture.convert("RGB"), profile), mask=alpha)
    return paper


def _converted(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if picture.mode == "LAB":
        profile = profile or _lab_profile()
    if profile and isinstance(profile, bytes):
        transform = _transform(profile, picture.mode)
        if transform is not None:
            return transform.apply(picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the profile to sRGB; None where the profile is sRGB itself or cannot be used.

    Relative colorimetric with black-point compensation, as browsers do.
    """
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            _srgb(),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return None if mode == "RGB" and _changes_nothing(transform) else transform
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a grid of colours stays within two levels: sRGB goes by many names, so the name is not asked."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(27, 27, 3)
    mapped = np.asarray(transform.apply(Image.fromarray(grid)))
    return bool(np.abs(mapped.astype(int) - grid).max() <= _SAME_COLOUR)


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@lru_cache(maxsize=1)
def _lab_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def _from_wide(picture: Image.Image) -> Image.Image:
    """16 and 32 bits a value, and floating numbers: one channel of grey."""
    values = np.asarray(picture)
    key = picture.info.get("transparency")
    if picture.mode.startswith("I;16"):
        white = 4095 if _bits(picture) == 12 else 65_535
        grey = (values.astype(np.float32) * (255 / white) + 0.5).clip(0, 255).astype(np.uint8)
    else:
        grey = _by_range(values)
    if isinstance(key, int):
        grey = np.where(values == key, np.uint8(255), grey)
    return Image.fromarray(grey).convert("RGB")


def _bits(picture: Image.Image) -> int:
    tags: Any = getattr(picture, "tag_v2", {})
    bits = tags.get(_BITS_PER_SAMPLE, 0)
    return int(bits[0] if isinstance(bits, tuple) else bits)


def _by_range(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Numbers whose white is not known, as grey (ours): where all lie in 0..1, 0..255 or 0..65,535 the end of that
    range is white, otherwise the lowest is black and the highest white. What is no number is black.
    """
    numbers = values.astype(np.float64)
    finite = np.isfinite(numbers)
    low, high = (numbers[finite].min(), numbers[finite].max()) if finite.any() else (0.0, 0.0)
    if low >= 0 and high <= _WHITE_LEVELS[-1]:
        low, high = 0.0, next(white for white in _WHITE_LEVELS if high <= white)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (numbers / 2 - low / 2) / max(high / 2 - low / 2, np.finfo(np.float64).tiny) * 255 + 0.5
    return np.where(finite, scaled, 0).clip(0, 255).astype(np.uint8)
