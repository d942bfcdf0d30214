"""Words by an encoder's own text tower: a small CLIP without any training, so only what must hold anyhow is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers")

from samekind.collection import Collection
from samekind.collection.concepts import CONCEPTS
from samekind.encoders.load import load_encoder, load_text_tower
from samekind.encoders.prompts import encode_asked
from samekind.errors import EncoderMismatch
from samekind.query import Drop, Like, Query, Words, search, wordings
from samekind.query.explain import explain
from samekind.query.wordings import tower
from tests.collection.mock import draw_many
from tests.encoders.hub_words import save_with_words

LONG = "a red kettle " * 60


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    place = tmp_path_factory.mktemp("towers")
    name = f"hub:{save_with_words(place / 'model', 'clip')}"
    draw_many(place / "pictures", 30)
    held = Collection.create(place / "drawn.samekind", load_encoder(name))
    held.sync([place / "pictures"], tune=False).result()
    return held


def test_words_are_those_of_the_tower(collection: Collection) -> None:
    hits = search(collection, Query(Words("a red kettle")), k=30, collapse=None)
    words = load_text_tower(collection.encoder_name)
    assert words is not None
    loaded = collection.vectors(tuned=False)
    wanted = encode_asked(words, ["a red kettle"]).vectors[0] @ (loaded.matrix - loaded.matrix.mean(axis=0)).T
    assert [hit.id for hit in hits] == [loaded.ids[row] for row in np.argsort(-wanted, kind="stable")]
    assert not (collection.path / CONCEPTS.folder).exists()


def test_a_picture_and_words_by_every_method(collection: Collection) -> None:
    like = Like(collection.vectors(tuned=False).ids[0])
    for method in ("sum", "pdv", "weimocir", "cirevl"):
        hits = search(collection, Query(like, Words("a dog"), Drop("a cat")), method=method, k=3)
        assert set(hits[0].roles) == {"picture", "words", "not a cat"}


@pytest.mark.parametrize("sentences", [True, False])
def test_a_hit_has_reasons_by_concepts(
    collection: Collection, sentences: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tower, "sentences_there", lambda: sentences)
    parts = (Like(collection.vectors(tuned=False).ids[0]), Words("a brown dog"), Drop("a cat"))
    for method in ("sum", "pdv"):
        hit = search(collection, Query(*parts), method=method, k=3)[2]
        reasons = explain(collection, Query(*parts), hit, method=method, match=False)
        assert reasons.score == pytest.approx(hit.score, abs=1e-5)
        for split in reasons.splits:
            assert split.total == pytest.approx(hit.score, abs=1e-4)
        assert {"being near to all words", "what no concept names"} <= {term.name for term in reasons.splits[1].terms}


def test_a_text_that_is_too_long_is_said_to_be_cut(collection: Collection) -> None:
    hits = search(collection, Query(Words(LONG)))
    assert hits.understood is not None
    assert "cut from the end" in hits.understood.notice


def test_another_version_of_the_model_is_refused(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordings, "_KNOWN", {})
    save_with_words(Path(collection.encoder_name.removeprefix("hub:")), "siglip")
    with pytest.raises(EncoderMismatch, match="another version"):
        search(collection, Query(Words("a dog")))
