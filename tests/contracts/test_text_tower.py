"""What every text tower has to keep, run over all of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("transformers")

from samekind.encoders import hub_cache
from samekind.encoders.base import TextTower
from samekind.encoders.load import load_encoder, load_text_tower
from samekind.encoders.prompts import encode_asked
from samekind.errors import UsageError
from samekind.settings import Settings
from tests.encoders.hub_words import STYLES, save_with_words

TEXTS = [
    "a red kettle",
    "a photo of a cat, seen from above",
    "Zwei Hunde",
    "x",
    *(f"dog number {n}" for n in range(20)),
]
LONG = "a dog and " * 60
SETTINGS = Settings(threads=1)


@pytest.fixture(scope="module", params=STYLES)
def tower(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TextTower:
    folder, cache = tmp_path_factory.mktemp("model"), tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub_cache, "cache_folder", lambda: cache)
        name = f"hub:{save_with_words(folder, request.param)}"
        made = load_text_tower(name, SETTINGS)
        assert made is not None
        encoder = load_encoder(name, SETTINGS)
        assert (made.name, made.dim) == (encoder.name, encoder.dim)
        return made


@pytest.fixture(scope="module")
def rows(tower: TextTower) -> np.ndarray:
    return tower.encode(TEXTS).vectors


def test_unit_rows_of_the_said_length(tower: TextTower, rows: np.ndarray) -> None:
    assert rows.shape == (len(TEXTS), tower.dim)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_one_by_one_equals_the_batch_in_any_order(tower: TextTower, rows: np.ndarray) -> None:
    one_by_one = np.concatenate([tower.encode([text]).vectors for text in TEXTS])
    np.testing.assert_allclose(one_by_one, rows, atol=1e-4)
    np.testing.assert_allclose(tower.encode(TEXTS[::-1]).vectors[::-1], rows, atol=1e-4)


def test_again_gives_the_same(tower: TextTower, rows: np.ndarray) -> None:
    np.testing.assert_array_equal(tower.encode(TEXTS).vectors, rows)


def test_different_texts_differ(rows: np.ndarray) -> None:
    assert np.all((rows @ rows.T)[np.triu_indices(len(rows), 1)] < 0.999999)


def test_no_texts(tower: TextTower) -> None:
    found = tower.encode([])
    assert (found.vectors.shape, found.vectors.dtype, found.cut) == ((0, tower.dim), np.float32, ())
    assert encode_asked(tower, []).vectors.shape == (0, tower.dim)


@pytest.mark.parametrize("empty", ["", " ", "\n\t "])
def test_empty_texts(tower: TextTower, empty: str) -> None:
    with pytest.raises(UsageError, match="empty text"):
        tower.encode(["a dog", empty])


def test_a_text_that_is_too_long_loses_its_end(tower: TextTower) -> None:
    found = tower.encode([LONG, "a dog", f"{LONG} kettle", LONG])
    assert found.cut == (LONG, f"{LONG} kettle")
    np.testing.assert_allclose(found.vectors[0], found.vectors[2], atol=1e-5)
    assert tower.limit in (64, 77)


def test_in_two_threads(tower: TextTower, rows: np.ndarray) -> None:
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(tower.encode, [TEXTS] * 2):
            np.testing.assert_allclose(found.vectors, rows, atol=1e-4)


def test_fingerprint(tower: TextTower) -> None:
    assert len(tower.fingerprint) == 16
    assert int(tower.fingerprint, 16) >= 0
