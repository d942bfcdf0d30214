"""Training from collections to an encoder folder, with the real network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind import Collection, load_encoder
from samekind.adapt import adapt, trained
from samekind.encoders.adapted import AdaptedEncoder
from samekind.encoders.golden import check_golden
from samekind.errors import MissingExtra, UsageError

COLOURS = [(200, 40, 40), (40, 160, 60), (50, 70, 200), (220, 190, 40), (150, 60, 180), (40, 180, 190)]


def draw(folder: Path, striped: bool) -> Path:
    """60 pictures: stripes or spots in six colours, each moved and lit anew."""
    folder.mkdir()
    y, x = np.mgrid[0:120, 0:160]
    for number in range(60):
        rng = np.random.default_rng(number + 1000 * striped)
        turn, shift, size = rng.uniform(0, np.pi), rng.uniform(0, 50), 12 + 6 * (number % 3)
        along = x * np.cos(turn) + y * np.sin(turn) + shift
        across = y * np.cos(turn) - x * np.sin(turn) + shift
        wave = np.sin(along / size * 6) if striped else np.sin(along / size * 4) * np.sin(across / size * 4)
        pixels = np.where((wave > 0)[..., None], COLOURS[number % 6], (235, 230, 220)) * rng.uniform(0.6, 1)
        noisy = np.clip(pixels + rng.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number:02}.jpg", quality=90)
    return folder


def test_training_is_for_dino() -> None:
    assert trained.is_trainable("dino@336")
    with pytest.raises(UsageError, match="built for dino, not for tiny; take --encoder dino, or --method experts"):
        adapt(["anything"], "nowhere", "tiny", "both")


def test_without_torch_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from samekind.adapt import torches

    torches.torch.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"pip install 'samekind\[adapt\]', or take --method experts"):
        adapt(["anything"], "nowhere", "dino", "both")
    torches.torch.cache_clear()


@pytest.mark.weights
def test_from_folders_to_a_trained_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(trained, "judge", lambda *_: ACCEPTED)
    folders = [draw(tmp_path / "stripes", True), draw(tmp_path / "spots", False)]
    result = adapt(folders, tmp_path / "mine", "dino").result()
    assert (result.accepted, result.saved) == (True, "both")
    encoder = load_encoder(str(tmp_path / "mine"))
    assert isinstance(encoder, AdaptedEncoder)
    assert encoder.base.fingerprint != load_encoder("dino").fingerprint
    assert check_golden(encoder).value == "agrees"
    collection = Collection.create(tmp_path / "c.samekind", encoder)
    collection.sync([folders[0]], encoder=encoder).result()
    found = collection.vectors(tuned=False).matrix
    assert found.shape == (60, 384)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)


class Accepting:
    """A verdict for the flow's sake: whether so few drawn pictures gain is not the question here."""

    accepted, why = True, "as asked by the test"
    overall, collections = None, {}


ACCEPTED = Accepting()
