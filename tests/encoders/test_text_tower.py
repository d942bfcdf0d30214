"""Text towers as graphs: what torch gives, beside the pictures, and a sentence for what cannot be one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

pytest.importorskip("transformers")

from samekind.encoders import text_tower
from samekind.encoders.rows import unit_rows
from samekind.encoders.text_tower import SENTENCES, convert_text
from samekind.encoders.tokenizer import library, tokens_of
from samekind.encoders.tower import convert
from samekind.errors import EncoderError, MissingExtra
from tests.encoders.hub_words import LIMITS, STYLES, made, numbers_by_hand, save_with_words, tokenizer, write
from tests.encoders.hubs import SIDE, save
from tests.encoders.small import pictures, run
from tests.encoders.test_tower import normal

TEXTS = ["a photo of a cat", "Two  RED kettles, on a table!", "x", "a dog " * 60]


def by_torch(call: Any, **given: Any) -> np.ndarray:
    """Features by the classes' own methods, apart from the code under test: (n, dim) unit rows."""
    import torch

    with torch.no_grad():
        found = call(**given)
    return unit_rows(getattr(found, "pooler_output", found).numpy())


def tokens(found: text_tower.Converted, texts: list[str]) -> np.ndarray:
    reader = library().Tokenizer.from_str(found.tokenizer)
    return found.filling.fill([tokens_of(reader, text) for text in texts])


@pytest.mark.parametrize("style", STYLES)
def test_agrees_with_torch(style: str, tmp_path: Path) -> None:
    found = convert_text(save_with_words(tmp_path, style), "a")
    assert found.filling.limit == LIMITS[style]
    wanted = by_torch(made(style).get_text_features, input_ids=numbers_by_hand(style, tmp_path, TEXTS))
    assert found.dim == wanted.shape[1]
    for texts in (TEXTS, TEXTS[:1], TEXTS[2:3]):
        rows = unit_rows(run(found.model, tokens(found, texts)))
        np.testing.assert_allclose(rows, wanted[[TEXTS.index(text) for text in texts]], atol=2e-4)


@pytest.mark.parametrize("style", STYLES)
def test_words_and_pictures_compare_as_the_model_compares_them(style: str, tmp_path: Path) -> None:
    folder = save_with_words(tmp_path, style)
    words, tower, model = convert_text(folder, "a"), convert(folder, "a"), made(style)
    batch = pictures(3, SIDE)
    ours = unit_rows(run(words.model, tokens(words, TEXTS))) @ unit_rows(run(tower.model, batch)).T
    text_rows = by_torch(model.get_text_features, input_ids=numbers_by_hand(style, folder, TEXTS))
    picture_rows = by_torch(model.get_image_features, pixel_values=normal(tower.seen, batch))
    np.testing.assert_allclose(ours, text_rows @ picture_rows.T, atol=5e-4)


def changed(file: Path, **values: Any) -> None:
    write(file, {**json.loads(file.read_text("utf-8")), **values})


def test_the_lower_limit_counts(tmp_path: Path) -> None:
    folder = save_with_words(tmp_path, "siglip")
    changed(folder / "tokenizer_config.json", model_max_length=16)
    found = convert_text(folder, "a")
    assert found.filling.limit == 16
    assert tokens(found, ["x"]).shape == (1, 16)


def test_what_training_did_to_texts(tmp_path: Path) -> None:
    def same(style: str, one: str, other: str, **settings: Any) -> bool:
        folder = save_with_words(tmp_path / style, style)
        changed(folder / "tokenizer_config.json", **settings)
        found = convert_text(folder, "a")
        return bool(np.array_equal(*tokens(found, [one, other])))

    assert same("siglip", "A  red, Kettle!", "a red kettle")
    assert same("siglip 2", "A red Kettle", "a red kettle")
    assert not same("siglip 2", "a red, kettle!", "a red kettle")
    assert same("clip", "A  red Kettle", "a red kettle")
    assert not same("metaclip 2", "A red kettle", "a red kettle")
    assert not same("siglip 2", "A red Kettle", "a red kettle", do_lower_case=False)


def test_weights_that_are_absent(tmp_path: Path) -> None:
    folder = save_with_words(tmp_path, "clip")
    tensors = load_file(folder / "model.safetensors")
    save_file({name: one for name, one in tensors.items() if "text" not in name}, folder / "model.safetensors")
    with pytest.raises(EncoderError, match=r"the-model lacks \d+ weights of its text tower, such as text_"):
        convert_text(folder, "the-model")
    assert convert(folder, "the-model").dim == 24


def test_a_tokenizer_of_another_model(tmp_path: Path) -> None:
    folder = save_with_words(tmp_path / "a", "clip")
    pieces = {f"word{number}": number for number in range(700)}
    wrong = library().Tokenizer(library().models.WordLevel(pieces, unk_token="word0"))
    wrong.save(str(folder / "tokenizer.json"))
    with pytest.raises(EncoderError, match=r"tokenizer of the-model counts up to \d+ and its text tower to 599"):
        convert_text(folder, "the-model")
    for style in ("clip", "metaclip 2"):
        folder = save_with_words(tmp_path / style, style)
        tokenizer("siglip 2")[0].save(str(folder / "tokenizer.json"))
        with pytest.raises(EncoderError, match="tokenizer of the-model does not end texts"):
            convert_text(folder, "the-model")
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(EncoderError, match="the-model cannot be converted"):
        convert_text(folder, "the-model")


def test_models_that_have_no_words(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="of type clip_vision_model, which has no words"):
        convert_text(save(tmp_path, "clip_vision_model"), "a")


def test_models_that_need_code_of_their_own(tmp_path: Path) -> None:
    folder = save_with_words(tmp_path, "clip")
    changed(folder / "config.json", model_type="jina_clip", auto_map={"AutoModel": "a--modeling_clip.JinaCLIPModel"})
    for make in (convert, convert_text):
        with pytest.raises(
            EncoderError, match="of type jina_clip, which needs code of its repository, and samekind runs"
        ):
            make(folder, "the-model")


def test_a_graph_that_differs_from_torch_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save_with_words(tmp_path / "one", "clip")
    other = text_tower.openvino().convert_model

    class Wrong:
        @staticmethod
        def convert_model(module: Any, **given: Any) -> Any:
            import torch

            with torch.no_grad():
                module.tower.text_projection.weight[0] *= -3
            return other(module, **given)

    monkeypatch.setattr(text_tower, "openvino", lambda: Wrong)
    with pytest.raises(EncoderError, match=r"does not give what torch gives \(cosine .* on the test sentences\)"):
        convert_text(folder, "a")


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtra, match=r"pip install 'samekind\[hub\]'"):
        library.__wrapped__()


def test_the_sentences_are_short_and_long(tmp_path: Path) -> None:
    found = convert_text(save_with_words(tmp_path, "clip"), "a")
    reader = library().Tokenizer.from_str(found.tokenizer)
    assert {tokens_of(reader, text).cut for text in SENTENCES} == {True, False}
