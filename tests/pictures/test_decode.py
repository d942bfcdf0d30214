from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.errors import PictureError
from samekind.pictures.decode import Limits, decode, read_bytes, read_picture
from tests.pictures.awkward import Expected, bomb, encoded, pictures, scene, turned

LIMITS = Limits()
AWKWARD = pictures()


@pytest.mark.parametrize("name", sorted(AWKWARD))
@pytest.mark.parametrize("side", [None, 8])
def test_awkward_files(name: str, side: int | None) -> None:
    data, expected = AWKWARD[name]
    if expected.outcome is not None:
        with pytest.raises(PictureError) as caught:
            decode(data, LIMITS, side)
        assert caught.value.reason == expected.outcome
        return
    got = decode(data, LIMITS, side)
    assert (got.width, got.height) == expected.size
    assert got.pixels.dtype == np.uint8
    assert got.pixels.ndim == 3
    assert got.pixels.shape[2] == 3
    _check_look(got.pixels, expected)


def _check_look(pixels: np.ndarray, expected: Expected) -> None:
    if expected.colour is not None:
        assert pixels.reshape(-1, 3).mean(axis=0) == pytest.approx(expected.colour, abs=3)
    else:  # upright: red grows to the right, green downwards
        red, green = pixels[..., 0].astype(int), pixels[..., 1].astype(int)
        assert red[:, -1].mean() > red[:, 0].mean() + 100
        assert green[-1].mean() > green[0].mean() + 100


def test_all_turns_come_out_the_same() -> None:
    upright = decode(turned(1), LIMITS).pixels.astype(int)
    for orientation in range(2, 9):
        assert np.abs(decode(turned(orientation), LIMITS).pixels - upright).mean() < 3


def test_turns_of_other_formats() -> None:
    exif = Image.Exif()
    exif[274] = 6
    stored = scene().transpose(Image.Transpose.ROTATE_90)
    upright = np.asarray(scene()).astype(int)
    for form in ("PNG", "WEBP", "TIFF", "AVIF"):
        got = decode(encoded(stored, form, exif=exif), LIMITS)
        assert (got.width, got.height) == (48, 32), form
        assert np.abs(got.pixels - upright).mean() < 8, form


def test_side_stops_a_jpeg_early_and_keeps_the_look() -> None:
    large = encoded(scene(2400, 1600), "JPEG", quality=95)
    got = decode(large, LIMITS, side=200)
    assert (got.width, got.height) == (2400, 1600)
    assert got.pixels.shape == (200, 300, 3)
    exact = np.asarray(scene(2400, 1600).resize((300, 200), Image.Resampling.BOX)).astype(int)
    assert np.abs(got.pixels - exact).mean() < 2


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("size", [(900, 700), (500, 2000), (301, 299), (100, 80)])
def test_side_never_shrinks_below_itself(form: str, size: tuple[int, int]) -> None:
    got = decode(encoded(scene(*size), form), LIMITS, side=150)
    assert min(got.pixels.shape[:2]) >= min(150, *size)


def test_a_turned_jpeg_that_is_shrunk_is_upright() -> None:
    exif = Image.Exif()
    exif[274] = 6
    stored = scene(1200, 800).transpose(Image.Transpose.ROTATE_90)
    got = decode(encoded(stored, "JPEG", exif=exif), LIMITS, side=100)
    assert (got.width, got.height) == (1200, 800)
    assert got.pixels.shape == (100, 150, 3)


def test_hidden_colours_do_not_bleed_when_shrunk() -> None:
    pixels = np.zeros((600, 600, 4), np.uint8)
    pixels[:, ::2] = (0, 0, 255, 255)
    got = decode(encoded(Image.fromarray(pixels), "PNG"), LIMITS, side=50).pixels
    assert got[25, 25] == pytest.approx((127, 127, 255), abs=2)


def test_pixel_limit_comes_from_the_header() -> None:
    data = encoded(scene(100, 50), "PNG")
    assert decode(data, Limits(max_pixels=5000)).width == 100
    with pytest.raises(PictureError, match=r"100 x 50 = 5,000 pixels; the limit max_pixels is 4,999"):
        decode(data, Limits(max_pixels=4999))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_pixel_limit_holds_for_every_format(form: str) -> None:
    with pytest.raises(PictureError) as caught:
        decode(encoded(scene(100, 50), form), Limits(max_pixels=4999))
    assert caught.value.reason == "too many pixels"


@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": False}, {"exif": b"Exif\0\0II*\0\0\0\0\0"}])
def test_webp_is_measured_before_it_is_opened(options: dict[str, object]) -> None:
    from samekind.pictures.formats import size_before_opening

    assert size_before_opening(encoded(scene(100, 50), "WEBP", **options), "webp") == (100, 50)


def test_pillows_own_limit_plays_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in ("JPEG", "PNG", "GIF", "BMP"):
            assert decode(encoded(scene(), form), LIMITS).width == 48
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(PictureError) as caught:
        decode(bomb(), LIMITS)
    assert caught.value.reason == "too many pixels"


def test_byte_limit(tmp_path: Path) -> None:
    file = tmp_path / "one.png"
    file.write_bytes(encoded(scene(), "PNG"))
    size = file.stat().st_size
    assert read_picture(file, Limits(max_bytes=size)).width == 48
    with pytest.raises(PictureError, match="max_bytes") as caught:
        read_picture(file, Limits(max_bytes=size - 1))
    assert caught.value.reason == "too many bytes"


def test_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "nowhere.jpg", tmp_path, tmp_path / "pipe", Path("nul\0byte")):
        with pytest.raises(PictureError) as caught:
            read_bytes(path, LIMITS)
        assert caught.value.reason == "unreadable"


def test_thirty_two_bit_numbers() -> None:
    for values, ends in (
        (np.array([[0.0, 1.0]], np.float32), (0, 255)),
        (np.array([[0.0, 255.0]], np.float32), (0, 255)),
        (np.array([[-5.0, 5.0]], np.float32), (0, 255)),
        (np.array([[np.nan, np.inf]], np.float32), (0, 0)),
        (np.array([[0, 65_535]], np.int32), (0, 255)),
        (np.array([[-(2**31), 2**31 - 1]], np.int32), (0, 255)),
        (np.array([[0, 51]], np.int32), (0, 51)),
    ):
        got = decode(encoded(Image.fromarray(values), "TIFF"), LIMITS).pixels
        assert tuple(got[0, :, 0]) == ends


def test_twelve_bits_use_their_own_white() -> None:
    data = bytearray(encoded(Image.fromarray(np.full((2, 2), 0xFFFF, np.uint16)), "TIFF"))
    at = data.index((258).to_bytes(2, "little") + (3).to_bytes(2, "little"))
    data[at + 8 : at + 10] = (12).to_bytes(2, "little")
    assert (decode(bytes(data), LIMITS).pixels == 255).all()


def test_colour_key_of_wide_grey_is_white() -> None:
    data = encoded(Image.fromarray(np.array([[1000, 60_000]], np.uint16)), "PNG", transparency=1000)
    assert tuple(decode(data, LIMITS).pixels[0, :, 0]) == (255, 233)


def test_a_camera_jpeg_with_further_pictures_gives_the_first() -> None:
    blue = Image.new("RGB", (20, 20), (10, 10, 250))
    data = encoded(scene(), "MPO", save_all=True, append_images=[blue])
    got = decode(data, LIMITS)
    assert (got.width, got.height) == (48, 32)


def test_many_threads_at_once() -> None:
    work = [one for name, one in sorted(AWKWARD.items()) if one[1].outcome is None] * 3

    def check(item: tuple[bytes, Expected]) -> None:
        _check_look(decode(item[0], LIMITS, 16).pixels, item[1])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(check, work))
