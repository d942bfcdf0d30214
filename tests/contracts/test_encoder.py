"""What every encoder has to keep, run over all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from samekind.adapt import saved
from samekind.encoders import catalog, hub_cache
from samekind.encoders.adapted import AdaptedEncoder, assemble, fingerprint
from samekind.encoders.base import Encoder, encode_pictures
from samekind.encoders.efficientnet import build_efficientnet
from samekind.encoders.experts import Experts
from samekind.encoders.golden import check_golden
from samekind.encoders.known import Known, Reach
from samekind.encoders.load import is_fetched, load_encoder
from samekind.encoders.recipe import RecipeEncoder, Trunk
from samekind.encoders.rows import unit_rows
from samekind.encoders.runtime import Network
from samekind.encoders.vit import build_vit
from samekind.pictures.views import View
from samekind.settings import Settings
from samekind.tuning.experts import rounded
from tests.encoders import hubs
from tests.encoders.small import EFFICIENTNET_STRIDED, VIT, efficientnet_tensors, vit_tensors, write_onnx

SHAPES = [(30, 40), (1, 1), (300, 7), (224, 224), (90, 60)]
_VIT = Trunk("vit", "1" * 64, View("squash", 42), "class token", 32)
_CNN = Trunk("cnn", "2" * 64, View("crop", 24, 0.875), "gem3", 12, weight=0.7)


def vit() -> Network:
    return Network(partial(build_vit, vit_tensors(), 42, VIT), Settings(threads=1))


def cnn() -> Network:
    return Network(
        partial(build_efficientnet, efficientnet_tensors(), 24, strided=EFFICIENTNET_STRIDED), Settings(threads=1)
    )


def from_onnx(folder: Path, **form: object) -> RecipeEncoder:
    return load_encoder(f"onnx:{write_onnx(folder / 'a.onnx', **form)}", Settings())  # type: ignore[arg-type]


def from_hub(folder: Path, kind: str) -> RecipeEncoder:
    """Skips where transformers is not installed."""
    made = load_encoder(f"hub:{hubs.save(folder / kind, kind)}", Settings())
    assert isinstance(made, RecipeEncoder)
    return made


def adapted(folder: Path, trained: bool = False) -> AdaptedEncoder:
    """On top of two networks, written and read again; as if ``trained``, which leaves some pictures to its base."""
    base = RecipeEncoder("both", [_VIT, _CNN], [vit(), cnn()])
    rng = np.random.default_rng(7)
    mix = []
    for part in base.parts:
        dim = part.stop - part.start
        shapes = [(dim,), (dim, dim), (3, dim), (3, dim), (3, dim, dim)]
        mean, frame, centroids, means, matrices = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
        mix.append(rounded(Experts((2, 1), 0.1 * mean, frame, unit_rows(centroids), 0.1 * means, matrices)))
    known = None
    if trained:
        landmarks = unit_rows(rng.normal(size=(3, base.dim)).astype(np.float32))
        nothing, anything = np.full(3, 2, np.float32), np.full(3, 0, np.float32)
        mean = np.zeros(base.dim, np.float32)
        known = Known(Reach(mean, landmarks, nothing), Reach(mean, landmarks, anything), lambda: base)
    name = "trained" if trained else "adapted"
    saved.write(folder / name, base, mix, {}, known=known)
    return assemble(folder / name, base, (lambda: base) if trained else None)


Made = RecipeEncoder | AdaptedEncoder

MADE: dict[str, Callable[[Path], Made]] = {
    "small vit": lambda _: RecipeEncoder("small vit", [_VIT], [vit()]),
    "small cnn": lambda _: RecipeEncoder("small cnn", [_CNN], [cnn()]),
    "both": lambda _: RecipeEncoder("both", [_VIT, _CNN], [vit(), cnn()]),
    "onnx float": lambda folder: from_onnx(folder, side=32),
    "onnx uint8 open": lambda folder: from_onnx(folder, uint8=True, side="s"),
    "hub clip": lambda folder: from_hub(folder, "clip"),
    "hub dinov2": lambda folder: from_hub(folder, "dinov2"),
    "lite": lambda _: load_encoder("lite", Settings()),
    "adapted": adapted,
    "trained": partial(adapted, trained=True),
}
REAL = ["tiny", "dino", "dino@112", "best"]


@pytest.fixture(scope="module", params=[*MADE, *(pytest.param(name, marks=pytest.mark.weights) for name in REAL)])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    if request.param in MADE:
        return MADE[request.param](tmp_path_factory.mktemp("encoder"))
    if not is_fetched(request.param) and os.environ.get("SAMEKIND_TEST_WEIGHTS") != "1":
        pytest.skip(f"the weights of {request.param} are not fetched; SAMEKIND_TEST_WEIGHTS=1 fetches them")
    return load_encoder(request.param, Settings())


@pytest.fixture(autouse=True, scope="module")
def _converted_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hub models are converted into a folder that goes away again, not into the person's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub_cache, "cache_folder", lambda: folder)
        yield


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    tints = rng.uniform(0.1, 1, (len(SHAPES), 3))
    return [
        (rng.integers(0, 256, (*shape, 3)) * tint).astype(np.uint8) for shape, tint in zip(SHAPES, tints, strict=True)
    ]


@pytest.fixture(scope="module")
def rows(encoder: Made, pictures: list[np.ndarray]) -> np.ndarray:
    return encode_pictures(encoder, pictures)


def test_unit_rows_of_the_said_length(encoder: Encoder, rows: np.ndarray) -> None:
    assert rows.shape == (len(SHAPES), encoder.dim)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_parts_cover_the_vector(encoder: Encoder, rows: np.ndarray) -> None:
    assert [part.start for part in encoder.parts] == [0, *(part.stop for part in encoder.parts[:-1])]
    assert encoder.parts[-1].stop == encoder.dim
    total = np.hypot.reduce([part.weight for part in encoder.parts])
    for part in encoder.parts:
        lengths = np.linalg.norm(rows[:, part.start : part.stop], axis=1)
        np.testing.assert_allclose(lengths, part.weight / total, atol=1e-5)


def test_one_by_one_equals_the_batch(encoder: Encoder, pictures: list[np.ndarray], rows: np.ndarray) -> None:
    np.testing.assert_allclose(encode_pictures(encoder, pictures, batch=1), rows, atol=1e-4)


def test_again_gives_the_same(encoder: Encoder, pictures: list[np.ndarray], rows: np.ndarray) -> None:
    np.testing.assert_array_equal(encode_pictures(encoder, pictures), rows)


def test_order_does_not_matter(encoder: Encoder, pictures: list[np.ndarray], rows: np.ndarray) -> None:
    np.testing.assert_allclose(encode_pictures(encoder, pictures[::-1])[::-1], rows, atol=1e-4)


def test_different_pictures_differ(rows: np.ndarray) -> None:
    assert np.all((rows @ rows.T)[np.triu_indices(len(rows), 1)] < 0.99999)


def test_empty_batch(encoder: Encoder) -> None:
    rows = encoder.encode([])
    assert rows.shape == (0, encoder.dim)
    assert rows.dtype == np.float32


def test_prepare_gives_a_square_for_each_network(encoder: Encoder, pictures: list[np.ndarray]) -> None:
    for pixels in pictures:
        prepared = encoder.prepare(pixels)
        assert len(prepared) == len(encoder.parts)
        for one in prepared:
            assert one.shape == (one.shape[0], one.shape[0], 3)
            assert one.dtype == np.uint8
            assert one.shape[0] <= encoder.input_side


def test_prepare_leaves_the_picture_alone(encoder: Encoder, pictures: list[np.ndarray]) -> None:
    for pixels in pictures:
        before = pixels.copy()
        encoder.prepare(pixels)
        np.testing.assert_array_equal(pixels, before)


def test_prepare_in_many_threads(encoder: Encoder, pictures: list[np.ndarray]) -> None:
    alone = [encoder.prepare(pixels) for pixels in pictures]
    with ThreadPoolExecutor(8) as pool:
        for round_of in (pool.map(encoder.prepare, pictures) for _ in range(5)):
            for found, expected in zip(round_of, alone, strict=True):
                assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def test_encode_in_two_threads(encoder: Encoder, pictures: list[np.ndarray], rows: np.ndarray) -> None:
    prepared = [encoder.prepare(pixels) for pixels in pictures]
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(encoder.encode, [prepared] * 2):
            np.testing.assert_allclose(found, rows, atol=1e-4)


def test_fingerprint(encoder: Made) -> None:
    assert len(encoder.fingerprint) == 16
    assert int(encoder.fingerprint, 16) >= 0
    if isinstance(encoder, RecipeEncoder):
        assert RecipeEncoder("again", encoder.trunks, encoder.trunks).fingerprint == encoder.fingerprint  # type: ignore[arg-type]
    else:
        assert fingerprint(encoder.base.fingerprint, encoder.experts, known=encoder.known) == encoder.fingerprint


def test_golden(encoder: Made) -> None:
    pinned = encoder.name in catalog.RECORDS or isinstance(encoder, AdaptedEncoder)
    assert check_golden(encoder).value == ("agrees" if pinned else "not checked")


def test_choices_are_said(encoder: Made) -> None:
    assert {choice.what for choice in encoder.choices} == {"precision", "threads", "batch"}


def test_fingerprints_tell_encoders_apart(tmp_path: Path) -> None:
    wanted = [name for name in MADE if not name.startswith("hub ") or find_spec("transformers")]
    prints = [MADE[name](tmp_path).fingerprint for name in wanted]
    assert len(set(prints)) == len(prints)
