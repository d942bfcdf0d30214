"""Adapting a two-tower encoder keeps its words: closed form, on a small CLIP without any training."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("transformers")

from samekind.adapt import adapt
from samekind.collection import Collection
from samekind.encoders.adapted import WORDS
from samekind.encoders.load import load_encoder, load_text_tower
from samekind.query import Query, Words, search
from tests.collection.mock import draw_many
from tests.encoders.hub_words import save_with_words


def test_words_of_an_adapted_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    name = f"hub:{save_with_words(tmp_path / 'model', 'clip')}"
    draw_many(tmp_path / "pictures", 80)
    plain = Collection.create(tmp_path / "drawn.samekind", load_encoder(name))
    plain.sync([tmp_path / "pictures"], tune=False).result()
    found = adapt([plain.path], tmp_path / "mine", name, "experts").result()
    assert found.encoder is not None
    words = found.insight.words
    assert words is not None
    assert words.after >= words.before
    assert found.to_dict()["words"]["kept"] == words.kept == (tmp_path / "mine" / WORDS).exists()
    tower = load_text_tower(found.encoder)
    assert (tower is not None) == words.kept
    adapted = Collection.create(tmp_path / "again.samekind", load_encoder(found.encoder))
    adapted.sync([tmp_path / "pictures"], tune=False).result()
    assert len(search(adapted, Query(Words("a red kettle")), k=5, collapse=None)) == 5
    (tmp_path / "mine" / WORDS).unlink(missing_ok=True)
    assert load_text_tower(found.encoder) is None
