from __future__ import annotations

from pathlib import Path

import pytest

from samekind.collection import Collection
from samekind.errors import LanguageError, UsageError
from samekind.query import Like, Query, Words, search
from samekind.query.judged import FIRST, judged
from tests.collection.mock import MockEncoder, draw_many

ENCODER = MockEncoder()


class Judge:
    """Answers by the number of questions so far, or fails at one."""

    name = "mock"

    def __init__(self, answers: list[float], fails_at: int = -1) -> None:
        self.answers, self.fails_at, self.asked = answers, fails_at, 0

    def judge(self, reference: bytes | None, change: str, candidate: bytes) -> float:
        assert (reference is None, change) == (False, "red")
        assert candidate.startswith(b"\x89PNG")
        if self.asked == self.fails_at:
            raise LanguageError("The endpoint hangs; try later.")
        self.asked += 1
        return self.answers[self.asked - 1]


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    place: Path = tmp_path_factory.mktemp("judged")
    draw_many(place / "pictures", 30)
    held = Collection.create(place / "drawn.samekind", ENCODER)
    held.sync([place / "pictures"], encoder=ENCODER, tune=False).result()
    return held


def test_the_first_ten_are_put_in_order(collection: Collection) -> None:
    query = Query(Like("5/00005.png"), Words("red"))
    hits = search(collection, query, k=15, collapse=None)
    found, why_not = judged(collection, query, hits, Judge([n / 10 for n in range(FIRST)]))
    assert why_not is None
    assert [hit.id for hit in found] == [hit.id for hit in hits[:FIRST]][::-1] + [hit.id for hit in hits[FIRST:]]
    assert [hit.rank for hit in found] == list(range(1, 16))
    assert found[0].roles["judge"] == 0.9
    assert (found.vectors[0] == hits.vectors[FIRST - 1]).all()


def test_a_constant_judge_leaves_the_order_and_a_failing_one_too(collection: Collection) -> None:
    query = Query(Like("5/00005.png"), Words("red"))
    hits = search(collection, query, k=15, collapse=None)
    found, _ = judged(collection, query, hits, Judge([0.5] * FIRST))
    assert [hit.id for hit in found] == [hit.id for hit in hits]
    same, why_not = judged(collection, query, hits, Judge([0.5] * FIRST, fails_at=4))
    assert same is hits
    assert why_not is not None
    assert "left the order as it was" in why_not


def test_without_words_there_is_nothing_to_judge_by(collection: Collection) -> None:
    query = Query(Like("5/00005.png"))
    with pytest.raises(UsageError, match="wants words"):
        judged(collection, query, search(collection, query), Judge([]))
