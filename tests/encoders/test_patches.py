"""Patches from inside a network's graph, against the whole network."""

from pathlib import Path

import numpy as np
import pytest

from samekind.encoders import load
from samekind.encoders.engine import openvino, operators
from samekind.encoders.patches import PatchNetwork, patch_graph
from samekind.encoders.recipe import Trunk
from samekind.encoders.runtime import Network
from samekind.encoders.tower import convert
from samekind.encoders.vit import build_vit
from samekind.errors import EncoderError
from samekind.pictures.views import View
from samekind.settings import Settings
from tests.encoders import hubs
from tests.encoders.small import VIT, WIDTH, pictures, run, vit_tensors


def test_every_token_starts_with_the_class_token() -> None:
    tensors, images = vit_tensors(), pictures(2, 42)
    every = run(build_vit(tensors, 42, VIT, every_token=True), images)
    assert every.shape == (2, 10, WIDTH)
    np.testing.assert_allclose(every[:, 0], run(build_vit(tensors, 42, VIT), images), atol=1e-5)


def test_a_transformers_patches_are_its_last_tokens_normed() -> None:
    tensors, images = vit_tensors(), pictures(2, 42)
    every = run(build_vit(tensors, 42, VIT, every_token=True), images)
    found = run(patch_graph(build_vit(tensors, 42, VIT, every_token=True), "small"), images)
    np.testing.assert_allclose(found, every[:, 1:].reshape(2, 3, 3, WIDTH), atol=1e-5)


def test_a_graph_that_keeps_the_class_token_alone_gives_the_tokens_before() -> None:
    found = run(patch_graph(build_vit(vit_tensors(), 42, VIT), "small"), pictures(1, 42))
    assert found.shape == (1, 3, 3, WIDTH)


def test_a_convolutions_patches_are_its_map() -> None:
    op = operators()
    picture = op.parameter([-1, 8, 8, 3], np.uint8)
    x = op.transpose(op.convert(picture, "f32"), np.array([0, 3, 1, 2]))
    x = op.add(op.relu(x), x)
    pooled = op.reduce_mean(op.power(x, np.float32(3)), np.array([2, 3]))
    images = pictures(1, 8)
    model = openvino().Model([op.result(pooled)], [picture], "small")
    np.testing.assert_allclose(run(patch_graph(model, "small"), images), 2.0 * images)


def test_a_graph_without_a_grid_is_refused() -> None:
    op = operators()
    picture = op.parameter([-1, 8, 8, 3], np.uint8)
    mean = op.reduce_mean(op.convert(picture, "f32"), np.array([1, 2]))
    with pytest.raises(EncoderError, match="flat does not show what it sees where"):
        patch_graph(openvino().Model([op.result(mean)], [picture], "flat"), "flat")


def test_a_picture_of_any_shape(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path))
    graph = lambda: patch_graph(build_vit(vit_tensors(), 42, VIT, every_token=True), "small")  # noqa: E731
    made = [PatchNetwork("small", View("squash", 42), Network(graph, Settings(threads=1), key="small")) for _ in "ab"]
    picture = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)
    first, again = (one(picture) for one in made)  # the second is taken from the cache
    assert first.shape == (3, 3, WIDTH)
    np.testing.assert_array_equal(first, again)
    assert made[0].blank().shape == (6, 3, WIDTH)


def test_trained_adaptors_are_in_the_graph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from samekind.encoders import adapted, patches

    rng = np.random.default_rng(0)
    shapes = {"down": (2, WIDTH, 4), "bias": (2, 4), "up": (2, 4, WIDTH), "offset": (2, WIDTH)}
    own = {f"{kind}.blocks.0": rng.standard_normal(shape).astype(np.float32) for kind, shape in shapes.items()}
    trunk = Trunk("vit", "0" * 64, View("squash", 42), "class token", WIDTH)
    one = load.Blueprint(trunk, lambda: build_vit(vit_tensors(), 42, VIT, every_token=True))
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path))
    monkeypatch.setattr(load, "blueprints", lambda *_, **__: [one])
    picture = pictures(1, 42)[0]
    plain = patches.patches_of("dino", Settings(threads=1))(picture)

    (tmp_path / adapted.ADAPTORS).touch()
    monkeypatch.setattr(load, "adapted_folder", lambda _: tmp_path)
    monkeypatch.setattr(adapted, "read_about", lambda _: adapted.About("dino", "", "", {}))
    for extra, width in (({}, WIDTH), ({"apart": np.array([2], np.float32)}, 2 * WIDTH)):
        monkeypatch.setattr(adapted, "read_adaptors", lambda _, extra=extra: {"vit": own | extra})
        changed = patches.patches_of("somewhere", Settings(threads=1))(picture)
        assert changed.shape == (3, 3, width)
        assert not np.allclose(changed[..., :WIDTH], plain, atol=0.1)


@pytest.mark.parametrize("kind", ["vit", "dinov2_with_registers", "siglip"])
def test_patches_of_hub_models_are_torchs_last_tokens(kind: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    found = convert(hubs.save(tmp_path, kind), kind)
    batch = pictures(1, found.seen.view.side)
    made = hubs.model(kind)
    tower = {"vit": "vit", "siglip": "vision_model"}.get(kind)
    normal = (batch / found.seen.scale - np.array(found.seen.mean)) / np.array(found.seen.std)
    with torch.no_grad():
        pixels = torch.from_numpy(normal.transpose(0, 3, 1, 2).astype(np.float32))
        wanted = (getattr(made, tower) if tower else made)(pixel_values=pixels).last_hidden_state[:, -16:]
    patches = run(patch_graph(found.model, kind), batch)
    np.testing.assert_allclose(patches, wanted.numpy().reshape(1, 4, 4, -1), atol=1e-3)
