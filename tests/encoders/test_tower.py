"""Image towers as graphs: what torch gives, at every block by name, and a sentence for what cannot be one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

pytest.importorskip("transformers")

from samekind.encoders import tower
from samekind.encoders.engine import openvino
from samekind.encoders.graph import cut_at, operator_at, with_adaptors
from samekind.encoders.processor import Seen
from samekind.encoders.tower import KINDS, convert
from samekind.encoders.vit import build_vit
from samekind.errors import EncoderError
from tests.encoders.hubs import IMAGENET, SIDE, model, save
from tests.encoders.small import VIT, hub_tensors, pictures, run, vit_tensors


def normal(seen: Seen, batch: np.ndarray) -> Any:
    import torch

    values = (batch / seen.scale - np.array(seen.mean)) / np.array(seen.std)
    return torch.from_numpy(values.transpose(0, 3, 1, 2).astype(np.float32))


def features(kind: str, made: Any, pixels: Any) -> np.ndarray:
    """The descriptor by the classes' own methods, apart from the code under test."""
    import torch

    with torch.no_grad():
        if KINDS[kind].words:
            found = made.get_image_features(pixel_values=pixels)
            found = getattr(found, "pooler_output", found)
        elif kind == "clip_vision_model":
            found = made(pixel_values=pixels).image_embeds
        elif kind == "siglip_vision_model":
            found = made(pixel_values=pixels).pooler_output
        else:
            found = getattr(made, "vit", made)(pixel_values=pixels).last_hidden_state[:, 0]
    return np.asarray(found.numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_torch(kind: str, tmp_path: Path) -> None:
    found = convert(save(tmp_path, kind), "a")
    batch = pictures(3, SIDE)
    wanted = features(kind, model(kind), normal(found.seen, batch))
    assert (found.kind, found.dim) == (kind, wanted.shape[1])
    assert found.dim == (24 if "clip" in kind else 32)
    np.testing.assert_allclose(run(found.model, batch), wanted, atol=2e-4)
    np.testing.assert_allclose(run(found.model, batch[:1]), wanted[:1], atol=2e-4)


def flow_goes_through(graph: Any) -> list[str]:
    """The operators that every path from the pictures to the result goes through, shapes aside, in order."""
    order = graph.get_ordered_ops()
    place = {operator.get_name(): at for at, operator in enumerate(order)}
    shapes = (openvino().Type.i32, openvino().Type.i64, openvino().Type.boolean)
    fed: set[str] = set()
    names, furthest = [], -1
    for at, operator in enumerate(order):
        sources = [one.get_source_output().get_node().get_name() for one in operator.inputs()]
        starts = operator.get_type_name() == "Parameter"
        if not starts and not fed.intersection(sources):
            continue
        if operator.get_output_element_type(0) in shapes:
            continue
        fed.add(operator.get_name())
        if furthest <= at:
            names.append(operator.get_friendly_name())
        for output in operator.outputs():
            users = [user.get_node() for user in output.get_target_inputs()]
            data = [user for user in users if user.get_output_element_type(0) not in shapes]
            furthest = max([furthest, *(place[user.get_name()] for user in data)])
    return names


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_are_named_and_everything_goes_through_them(kind: str, tmp_path: Path) -> None:
    graph = convert(save(tmp_path, kind), "a").model
    path = flow_goes_through(graph)
    blocks = [name for name in path if name.startswith("blocks.")]
    assert blocks == ["blocks.0", "blocks.1", "blocks.2"]
    for name in blocks:
        assert operator_at(graph, name).get_type_name() == "Add"
        assert list(operator_at(graph, name).get_output_partial_shape(0))[2] == 32


def test_the_names_of_blocks_are_where_the_tower_says(tmp_path: Path) -> None:
    import torch

    found = convert(save(tmp_path, "clip"), "a")
    batch, seen = pictures(2, SIDE), []
    made = model("clip")
    for layer in made.vision_model.encoder.layers:
        layer.register_forward_hook(lambda _, __, output: seen.append(getattr(output, "last_hidden_state", output)))
    with torch.no_grad():
        made.get_image_features(pixel_values=normal(found.seen, batch))
    for block, wanted in enumerate(seen):
        tokens = run(cut_at(convert(tmp_path, "a").model, f"blocks.{block}"), batch)
        np.testing.assert_allclose(tokens, wanted.numpy(), atol=2e-2)  # float16


def test_adaptors_fit_into_it(tmp_path: Path) -> None:
    save(tmp_path, "siglip")
    rng, batch = np.random.default_rng(0), pictures(2, SIDE)
    shapes = {"down": (1, 32, 4), "bias": (1, 4), "up": (1, 4, 32), "offset": (1, 32)}
    adaptors = {f"{name}.blocks.1": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    nothing = {name: np.zeros_like(values) for name, values in adaptors.items()}
    plain = run(convert(tmp_path, "a").model, batch)
    np.testing.assert_allclose(run(with_adaptors(convert(tmp_path, "a").model, nothing), batch), plain, atol=1e-5)
    assert np.abs(run(with_adaptors(convert(tmp_path, "a").model, adaptors), batch) - plain).max() > 0.01


def test_dinov2_is_the_network_that_we_build_ourselves(tmp_path: Path) -> None:
    tensors = vit_tensors(grid=3, blocks=2)
    save_file(
        {name: np.ascontiguousarray(one) for name, one in hub_tensors(tensors).items()}, tmp_path / "model.safetensors"
    )
    config = {"model_type": "dinov2", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config |= {"mlp_ratio": 4, "image_size": 42, "patch_size": 14, "layer_norm_eps": 1e-6, "hidden_act": "gelu"}
    (tmp_path / "config.json").write_text(json.dumps({**config, "qkv_bias": True, "architectures": ["Dinov2Model"]}))
    processor = {"image_processor_type": "BitImageProcessor", "do_center_crop": False, "resample": 3, **IMAGENET}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**processor, "size": {"height": 42, "width": 42}}))
    batch = pictures(3, 42)
    ours = run(build_vit(tensors, 42, VIT), batch)
    np.testing.assert_allclose(run(convert(tmp_path, "a").model, batch), ours, atol=2e-3)


def changed(file: Path, **values: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **values}), "utf-8")


def test_models_that_cannot_be_used(tmp_path: Path) -> None:
    folder = save(tmp_path / "clip", "clip")
    tensors = load_file(folder / "model.safetensors")
    save_file(
        {name: one for name, one in tensors.items() if "visual_projection" not in name}, folder / "model.safetensors"
    )
    with pytest.raises(EncoderError, match=r"the-model lacks 1 weights .*visual_projection"):
        convert(folder, "the-model")
    (folder / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(EncoderError, match="the-model cannot be converted"):
        convert(folder, "the-model")
    changed(folder / "config.json", model_type="bert")
    with pytest.raises(EncoderError, match="of type bert; samekind takes vit, dinov2"):
        convert(folder, "the-model")
    changed(folder / "config.json", model_type="siglip2")
    with pytest.raises(EncoderError, match="NaFlex"):
        convert(folder, "the-model")
    (folder / "config.json").write_text("{")
    with pytest.raises(EncoderError, match=r"config\.json of the-model cannot be read"):
        convert(folder, "the-model")


def test_a_processor_of_another_side_than_the_network(tmp_path: Path) -> None:
    changed(save(tmp_path, "vit") / "preprocessor_config.json", size=48)
    with pytest.raises(EncoderError, match=r"cannot be converted \(.*48"):
        convert(tmp_path, "a")


def test_a_siglip_without_its_head(tmp_path: Path) -> None:
    save(tmp_path, "siglip", vision_use_head=False)
    with pytest.raises(EncoderError, match="cannot be converted"):
        convert(tmp_path, "a")


def test_a_graph_that_differs_from_torch_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, "vit")
    plain = tower.with_normalisation
    monkeypatch.setattr(tower, "with_normalisation", lambda graph, mean, std, scale: plain(graph, mean, std, scale / 9))
    with pytest.raises(EncoderError, match=r"does not give what torch gives \(cosine"):
        convert(tmp_path, "a")
