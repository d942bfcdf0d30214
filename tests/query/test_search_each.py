"""Several queries in one pass find what each of them finds by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samekind.collection import Collection
from samekind.collection.where import In
from samekind.encoders.base import Prepared, Vectors
from samekind.encoders.by_text import ByText
from samekind.meaning import sentences
from samekind.pictures import decode
from samekind.pictures.views import Box
from samekind.query import Drop, Hits, Keep, Like, Picture, Query, Unlike, Vector, Where, Words, search, search_several
from samekind.query.search import search_each
from tests.collection.mock import MockEncoder, draw_many
from tests.query.test_explain import fitted


class Counting(MockEncoder):
    """Knows how many pictures each call of it had."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []

    def encode(self, batch: list[Prepared]) -> Vectors:  # type: ignore[override]
        self.calls.append(len(batch))
        return super().encode(batch)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("each")
    draw_many(place / "pictures", 40)
    return place


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "tuned"])
def collection(request: pytest.FixtureRequest, place: Path) -> Collection:
    held = Collection.create(place / f"drawn-{request.param}.samekind", MockEncoder())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("samekind.tuning.fit", fitted)
        held.sync([place / "pictures"], encoder=MockEncoder(), tune=request.param).result()
    return held


@pytest.fixture(scope="module")
def ways(place: Path) -> list[Query]:
    """One of each kind."""
    one, other = Picture(place / "pictures/3/00010.png"), Picture(place / "pictures/5/00005.png", Box(2, 3, 15, 18))
    return [
        Query(one),
        Query(other),
        Query(one, Picture(np.full((20, 30, 3), 90, np.uint8), weight=-0.5)),
        Query(Like("5/00005.png")),
        Query(Vector(np.arange(1, MockEncoder().dim + 1))),
        Query(one, Where("path~=4/")),
        Query(other, Like("1/00001.png"), Unlike("2/00002.png")),
        Query(Words("red")),
        Query(other, Words("a blue thing"), Drop("red"), Keep("the ground")),
    ]


HOW: list[dict[str, Any]] = [
    {},
    {"collapse": None, "k": 30},
    {"where": "path~=3/"},
    {"min_confidence": 0.6, "k": 3},
    {"tune": False, "exact": True},
]


def told(hits: Hits) -> list[tuple[str, bool, tuple[str, ...], list[str]]]:
    return [(hit.id, hit.same_file, hit.copies, list(hit.roles)) for hit in hits]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=7), st.sampled_from(HOW))
def test_in_one_pass_is_as_one_by_one(
    collection: Collection, ways: list[Query], chosen: list[int], how: dict[str, Any]
) -> None:
    encoder = MockEncoder()
    together = search_each(collection, [ways[n] for n in chosen], encoder=encoder, **how)
    for n, hits in zip(chosen, together, strict=True):
        alone = search(collection, ways[n], encoder=encoder, **how)
        assert told(hits) == told(alone)
        for name in ("score", "confidence"):
            assert [getattr(hit, name) for hit in hits] == pytest.approx(
                [getattr(hit, name) for hit in alone], abs=1e-6
            )
        assert hits.marks == alone.marks
        assert (hits.understood is None) == (alone.understood is None)


def test_all_pictures_are_one_batch_and_a_file_is_decoded_once(
    collection: Collection, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    whole = decode.decode
    monkeypatch.setattr(decode, "decode", lambda *more: read.append(more[0]) or whole(*more))
    file = place / "pictures/3/00010.png"
    encoder = Counting()
    crops = [Query(Picture(file, Box(n, n, 15, 15))) for n in range(5)]
    hits = search_several(collection, [*crops, Query(Like("5/00005.png"))], encoder=encoder)
    assert encoder.calls == [5]
    assert len(read) == 1
    assert hits[0].roles.keys() <= {f"query {n}" for n in range(1, 7)}


def test_all_texts_are_one_batch(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    search(collection, Query(Words("a thing")))  # what all words need
    encoded: list[list[str]] = []
    whole = sentences._encoder()

    class Watched:
        def encode(self, texts: list[str]) -> Vectors:
            encoded.append(texts)
            return whole.encode(texts)

    monkeypatch.setattr(sentences, "_encoder", Watched)
    monkeypatch.setattr(sentences, "_VECTORS", ByText(sentences._encoded))
    search_several(
        collection, [Query(Words("eine Lampe")), Query(Words("a lamp"), Drop("a shade")), Query(Words("灯"))]
    )
    assert encoded == [["eine Lampe", "a lamp", "a shade", "灯"]]


def test_a_filter_may_hold_a_list(collection: Collection, ways: list[Query]) -> None:
    some = In("path", ["3/00010.png", "5/00005.png"])  # type: ignore[arg-type]
    found = search_each(collection, [ways[0], ways[3]], where=some, encoder=MockEncoder())
    assert [{hit.path for hit in hits} for hits in found] == [{"3/00010.png", "5/00005.png"}, {"3/00010.png"}]


def test_no_query_finds_nothing(collection: Collection) -> None:
    assert search_each(collection, []) == []
