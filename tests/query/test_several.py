from __future__ import annotations

from pathlib import Path

import pytest

from samekind.collection import Collection
from samekind.errors import UsageError
from samekind.query import Like, Picture, Query, Words, search, search_several
from tests.collection.mock import MockEncoder, draw_many

ENCODER = MockEncoder()


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    place = tmp_path_factory.mktemp("several")
    draw_many(place / "pictures", 40)
    held = Collection.create(place / "drawn.samekind", ENCODER)
    held.sync([place / "pictures"], encoder=ENCODER, tune=False).result()
    return held


def ids(hits: object) -> list[str]:
    return [hit.id for hit in hits]  # type: ignore[attr-defined]


def test_one_query_several_times_is_the_same_order(collection: Collection) -> None:
    query = Query(Like("5/00005.png"))
    alone = search(collection, query, k=8, collapse=None)
    for fuse in ("rank", "confidence"):
        found = search_several(collection, [query] * 3, k=8, fuse=fuse, collapse=None)
        assert ids(found) == ids(alone)
        assert [hit.confidence for hit in found] == pytest.approx([hit.confidence for hit in alone], abs=1e-6)


def test_scores_are_sums_over_the_queries(collection: Collection) -> None:
    ways = [Query(Like("5/00005.png")), Query(Like("3/00010.png")), Query(Words("red"))]
    found = search_several(collection, ways, k=100, collapse=None)
    each = [ids(search(collection, query, k=100, collapse=None)) for query in ways]
    for hit in found:
        wanted = sum(1 / (61 + ranked.index(hit.id)) for ranked in each if hit.id in ranked)
        assert hit.score == pytest.approx(wanted)
        assert sum(hit.roles.values()) == pytest.approx(hit.score)
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert set(ids(found)) == set().union(*each)


def test_a_filter_and_thresholds_hold(collection: Collection, tmp_path: Path) -> None:
    ways = [Query(Like("5/00005.png")), Query(Like("3/00010.png"))]
    assert {hit.path[0] for hit in search_several(collection, ways, where="path~=4/")} == {"4"}
    assert not search_several(collection, ways, where="path~=nothing/")
    assert len(search_several(collection, ways, min_confidence=1.0)) < 40


def test_bad_ways_are_refused(collection: Collection) -> None:
    with pytest.raises(UsageError, match="at least one way"):
        search_several(collection, [])
    with pytest.raises(UsageError, match="Did you mean 'rank'"):
        search_several(collection, [Query(Like("5/00005.png"))], fuse="ranks")
    for more, said in (
        ({"k": 0}, "at least 1"),
        ({"min_score": 0.5}, "fused ones"),
        ({"parts": "mine"}, "of parts|fuse"),
    ):
        with pytest.raises(UsageError, match=said):
            search_several(collection, [Query(Like("5/00005.png"))], fuse="confidence", **more)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="cannot be used"):
        search_several(collection, [Query(Picture("nothing.png"))], encoder=ENCODER)
