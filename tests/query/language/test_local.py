"""Captioning models of transformers, small ones with random weights: garbage, but the same garbage always."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from samekind.errors import EncoderError, UsageError, WeightsMissing
from samekind.query.language.cached import CachedCaptioner
from samekind.query.language.local import LocalCaptioner
from samekind.settings import Settings
from tests.query.language.test_endpoint import picture

SIDE = 32
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] [DEC] a photo of red blue dog cat on the grass"
SIZES = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
SEEN = {"image_size": SIDE, "patch_size": 16}
MARKS = {"bos_token_id": 5, "eos_token_id": 3, "pad_token_id": 0}


def saved(folder: Path, kind: str, seed: int = 0) -> Path:
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    words = folder / "vocab.txt"
    words.write_text(WORDS.replace(" ", "\n"), "utf-8")
    tokenizer = transformers.BertTokenizer(vocab=str(words))
    processor = transformers.ViTImageProcessorPil(size={"height": SIDE, "width": SIDE})
    model = blip(transformers) if kind == "blip" else encoder_decoder(transformers)
    for part in (tokenizer, processor, model):
        part.save_pretrained(folder)
    return folder


def blip(transformers: Any) -> Any:
    text = {**SIZES, **MARKS, "vocab_size": 16, "encoder_hidden_size": 16, "projection_dim": 8, "sep_token_id": 3}
    config = transformers.BlipConfig(text_config=text, vision_config={**SIZES, **SEEN}, projection_dim=8)
    return transformers.BlipForConditionalGeneration(config)


def encoder_decoder(transformers: Any) -> Any:
    decoder = transformers.GPT2Config(
        vocab_size=16,
        n_embd=16,
        n_layer=1,
        n_head=2,
        n_positions=64,
        add_cross_attention=True,
        is_decoder=True,
        **MARKS,
    )
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.ViTConfig(**SIZES, **SEEN), decoder, decoder_start_token_id=5, pad_token_id=0
    )
    return transformers.VisionEncoderDecoderModel(config=config)


@pytest.mark.parametrize("kind", ["blip", "vision-encoder-decoder"])
def test_a_model_from_a_folder_captions_and_is_the_same_each_time(tmp_path: Path, kind: str) -> None:
    folder = saved(tmp_path / "model", kind, seed=3)
    first, again = LocalCaptioner(str(folder), Settings()), LocalCaptioner(f"hub:{folder}", Settings())
    caption = first.caption(picture())
    assert set(caption.split()) <= set(WORDS.split())
    assert first.caption(picture()) == again.caption(picture()) == caption
    assert first.name == again.name
    assert first.name.startswith(f"hub:{folder} ")


def test_other_weights_are_another_name(tmp_path: Path) -> None:
    one, other = saved(tmp_path / "one", "blip", seed=0), saved(tmp_path / "two", "blip", seed=1)
    before = LocalCaptioner(str(one), Settings()).name
    (one / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    assert LocalCaptioner(str(one), Settings()).name != before


def test_a_kept_caption_reads_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    folder = saved(tmp_path / "model", "blip", seed=3)
    caption = CachedCaptioner(LocalCaptioner(str(folder), Settings())).caption(picture())
    fresh = LocalCaptioner(str(folder), Settings())
    assert CachedCaptioner(fresh).caption(picture()) == caption
    assert "_parts" not in vars(fresh)


def test_what_is_no_captioning_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no model"):
        LocalCaptioner("blip", Settings())
    with pytest.raises(EncoderError, match="There is no folder"):
        LocalCaptioner(str(tmp_path / "none"), Settings())
    with pytest.raises(EncoderError, match=r"config\.json .* cannot be read"):
        LocalCaptioner(str(tmp_path), Settings())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2_vl"}))
    with pytest.raises(EncoderError, match="of type qwen2_vl"):
        LocalCaptioner(str(tmp_path), Settings())


def test_a_model_that_lacks_weights(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    folder = saved(tmp_path / "model", "blip")
    file = folder / "model.safetensors"
    weights = safetensors.load_file(file)
    del weights["vision_model.embeddings.class_embedding"]
    safetensors.save_file(weights, file, {"format": "pt"})
    with pytest.raises(EncoderError, match="lacks 1 weights, such as vision_model"):
        LocalCaptioner(str(folder), Settings()).caption(picture())
    file.write_bytes(b"no tensors")
    with pytest.raises(EncoderError, match="cannot be read"):
        LocalCaptioner(str(folder), Settings()).caption(picture())


def test_a_repository_that_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsMissing, match="offline"):
        LocalCaptioner("hub:nobody/nothing", Settings(offline=True))
