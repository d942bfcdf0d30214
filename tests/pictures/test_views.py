from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import UsageError
from samekind.pictures.views import MID_GREY, SECOND_VIEWS, Box, View, crop

SIDES = st.integers(1, 400)
VIEWS = st.one_of(
    st.builds(View, st.sampled_from(["squash", "pad"]), SIDES),
    st.builds(View, st.just("crop"), SIDES, st.floats(0.1, 1)),
)


def gradient(width: int, height: int) -> np.ndarray:
    """Red grows to the right, green downwards."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)[None, :]
    pixels[..., 1] = np.linspace(0, 255, height)[:, None]
    return pixels


@given(VIEWS, SIDES, SIDES)
def test_every_view_is_a_square(view: View, width: int, height: int) -> None:
    seen = view.apply(gradient(width, height))
    assert seen.shape == (view.side, view.side, 3)
    assert seen.dtype == np.uint8
    assert seen.flags.c_contiguous


@given(VIEWS, SIDES, SIDES, st.tuples(*[st.floats(0, 1)] * 4))
def test_boxes_come_back(view: View, width: int, height: int, shares: tuple[float, float, float, float]) -> None:
    box = Box(shares[0] * width, shares[1] * height, shares[2] * width, shares[3] * height)
    back = view.to_picture(view.to_view(box, width, height), width, height)
    assert list(back.to_dict().values()) == pytest.approx(list(box.to_dict().values()), abs=1e-6 * max(width, height))


def test_squash_fills_the_square_with_the_whole_picture() -> None:
    view = View("squash", 50)
    seen = view.apply(gradient(300, 100))
    assert seen[25, 0, 0] < 5
    assert seen[25, -1, 0] > 250
    assert view.to_view(Box(150, 50, 150, 50), 300, 100) == Box(25, 25, 25, 25)


def test_pad_keeps_the_aspect_on_mid_grey() -> None:
    view = View("pad", 60)
    seen = view.apply(gradient(300, 100))
    assert (seen[:20] == MID_GREY).all()
    assert (seen[40:] == MID_GREY).all()
    assert seen[30, 0, 0] < 5
    assert seen[30, -1, 0] > 250
    assert view.to_view(Box(0, 0, 300, 100), 300, 100) == Box(0, 20, 60, 20)


def test_crop_keeps_the_centre() -> None:
    view = View("crop", 40, keep=0.5)
    seen = view.apply(gradient(400, 100))
    assert 105 < seen[20, 0, 0] < 115
    assert 140 < seen[20, -1, 0] < 150
    assert view.to_picture(Box(0, 0, 40, 40), 400, 100) == Box(175, 25, 50, 50)


def test_resampling() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    bicubic, bilinear = (View("squash", 10, resample=name).apply(pixels) for name in ("bicubic", "bilinear"))
    np.testing.assert_array_equal(View("squash", 10).apply(pixels), bicubic)
    assert bilinear.std() < bicubic.std()
    with pytest.raises(UsageError, match="way to resample 'nearest'; known: bicubic, bilinear"):
        View("squash", 10, resample="nearest")  # type: ignore[arg-type]


def test_a_box_on_a_thing_lands_on_the_thing() -> None:
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[40:80, 120:180] = 255
    for view in (View("squash", 90), View("pad", 90), View("crop", 90, 0.9)):
        box = view.to_view(Box(120, 40, 60, 40), 300, 200)
        inside = crop(view.apply(pixels), box)
        assert inside.mean() > 215
        white = (view.apply(pixels)[..., 0] > 200).sum()
        assert white == pytest.approx(box.width * box.height, rel=0.15)


def test_reduction_in_two_steps_is_near_the_exact_one() -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    blotches = Image.fromarray(rng.integers(0, 256, (75, 100, 3), np.uint8)).resize((2000, 1500))
    grainy = np.clip(np.asarray(blotches) + rng.normal(0, 12, (1500, 2000, 3)), 0, 255).astype(np.uint8)
    exact = np.asarray(Image.fromarray(grainy).resize((224, 224), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(View("squash", 224).apply(grainy).astype(int) - exact).mean() < 1


@pytest.mark.parametrize("size", [(1, 1), (20_000, 10), (10, 20_000), (1, 500)])
def test_extreme_shapes_pass_through_all_views(size: tuple[int, int]) -> None:
    pixels = gradient(*size)
    for view in (View("squash", 224), View("pad", 224), View("crop", 224, 0.875)):
        assert view.apply(pixels).shape == (224, 224, 3)
        for second in SECOND_VIEWS.values():
            assert view.apply(second(pixels)).shape == (224, 224, 3)


def test_second_views() -> None:
    pixels = gradient(100, 50)
    assert (SECOND_VIEWS["mirror"](pixels)[:, ::-1] == pixels).all()
    assert SECOND_VIEWS["centre"](pixels).shape == (42, 84, 3)


def test_the_same_size_is_the_same_picture() -> None:
    pixels = gradient(64, 64)
    assert (View("squash", 64).apply(pixels) == pixels).all()


def test_crop_is_the_pixels_that_the_box_touches() -> None:
    pixels = gradient(100, 50)
    assert (crop(pixels, Box(10, 5, 20, 30)) == pixels[5:35, 10:30]).all()
    assert crop(pixels, Box(10.5, 5, 0.2, 1)).shape == (1, 1, 3)
    assert crop(pixels, Box(0, 0, 100, 50)).shape == pixels.shape


@pytest.mark.parametrize(
    "box",
    [
        Box(-1, 0, 5, 5),
        Box(96, 0, 5, 5),
        Box(0, 48, 5, 5),
        Box(0, 0, 0, 5),
        Box(0, 0, 5, -1),
        Box(float("nan"), 0, 5, 5),
    ],
)
def test_a_box_outside_is_refused(box: Box) -> None:
    with pytest.raises(UsageError, match="crop box"):
        crop(gradient(100, 50), box)


def test_impossible_views_are_refused() -> None:
    with pytest.raises(UsageError, match="squash"):
        View("squish", 224)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="side"):
        View("pad", 0)
    with pytest.raises(UsageError, match="share"):
        View("crop", 224, 0)
    with pytest.raises(UsageError, match="squash"):
        View("squash", 224, 0.9)
