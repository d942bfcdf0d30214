from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.collection import Collection
from samekind.encoders.rows import unit_rows
from samekind.errors import UsageError
from samekind.evaluation.metrics import score
from samekind.evaluation.ranking import rank
from samekind.query import Hits, Like, Part, Picture, Query, Unlike, Vector, search
from samekind.query.hits import about_order
from samekind.query.sheet import sheet_of
from samekind.query.wider import NEIGHBOURS, around, level_of, pulled
from tests.collection.mock import MockEncoder, draw, draw_many

ENCODER = MockEncoder()


@pytest.mark.parametrize(("given_as", "level"), [("fine", 0), ("coarse", 1), ("0.25", 0.25), (0.5, 0.5), (1, 1)])
def test_levels(given_as: float | str, level: float) -> None:
    assert level_of(given_as) == level


@pytest.mark.parametrize("bad", ["broad", "", "2", "nan", -0.1, 1.1, float("nan"), float("inf"), None, [1]])
def test_other_levels_are_refused(bad: object) -> None:
    with pytest.raises(UsageError, match="fine, coarse or a number from 0 to 1, not") as told:
        level_of(bad)  # type: ignore[arg-type]
    assert repr(bad) in str(told.value)


@given(st.integers(0, 10_000), st.integers(0, NEIGHBOURS), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_level_pulls_further(seed: int, count: int, one: float, other: float) -> None:
    rng = np.random.default_rng(seed)
    vector, *near = unit_rows(rng.standard_normal((count + 1, 5)).astype(np.float32))
    neighbours = np.array(near, np.float32).reshape(-1, 5)
    made = [pulled(vector, neighbours, level) for level in sorted((one, other))]
    for wide in made:
        assert np.linalg.norm(wide) == pytest.approx(1, abs=1e-5)
    assert made[0] @ vector >= made[1] @ vector - 1e-5
    np.testing.assert_allclose(pulled(vector, neighbours, 0), vector, atol=1e-6)


def test_what_points_away_does_not_pull() -> None:
    vector = np.array([1, 0], np.float32)
    np.testing.assert_allclose(pulled(vector, np.array([[-0.6, 0.8]], np.float32), 1), vector)


def test_copies_are_no_neighbours_or_count_once() -> None:
    plain = np.eye(10, dtype=np.float32)[[0, 1, 1, 1, 2, 3, 4, 5, 6, 7]]
    assert around(plain, np.eye(10, dtype=np.float32)[[0, 2]]) == [1, 5, 6, 7, 8, 9]
    assert len(around(np.eye(10, dtype=np.float32), plain[:0])) == NEIGHBOURS
    assert around(plain[:0], plain[:1]) == []


def test_pictures_of_the_same_wider_kind_come_first() -> None:
    """Twelve wide kinds of four fine ones each: MAP@R by wide kinds rises with the level."""
    rng = np.random.default_rng(0)
    wide = rng.standard_normal((12, 24))
    fine = np.repeat(wide, 4, 0) + rng.standard_normal((48, 24))
    rows = unit_rows((np.repeat(fine, 5, 0) + 0.8 * rng.standard_normal((240, 24))).astype(np.float32))
    own = np.arange(240, dtype=np.int64)
    near = rank(rows, rows, own, {}, 20).top
    chosen = [row[around(rows[row], one[None])] for row, one in zip(near, rows, strict=True)]
    kinds = {"wide": (own // 20, own // 20)}
    found = []
    for level in (0, 0.5, 1):
        asked = np.stack([pulled(one, rows[some], level) for one, some in zip(rows, chosen, strict=True)])
        found.append(score(rank(asked, rows, own, kinds).found["wide"])["map@r"].mean())
    assert found[0] < found[1] < found[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draw_many(folder, 60)
    for n in range(3):
        draw(folder / "copies" / f"{n}.png", 5, side=24 + 4 * n)
    return folder


@pytest.fixture(scope="module", params=["plain", "tuned"])
def collection(folder: Path, request: pytest.FixtureRequest) -> Collection:
    held = Collection.create(folder.parent / f"{folder.name}-{request.param}.samekind", ENCODER)
    held.sync([folder], encoder=ENCODER, tune=request.param == "tuned").result()
    return held


def ask(collection: Collection, *parts: Part, **more: object) -> Hits:
    return search(collection, Query(*parts), encoder=ENCODER, **more)  # type: ignore[arg-type]


def paths(hits: Hits) -> list[str]:
    """Paths in order; equal pictures have equal scores, and stand for each other."""
    return ["copies" if hit.path.startswith("copies/") or hit.path == ONE.item else hit.path for hit in hits]


ONE = Like("5/00005.png")


def test_fine_is_a_search_without_a_level(collection: Collection) -> None:
    plain, fine = ask(collection, ONE), ask(collection, ONE, granularity="fine")
    assert paths(plain) == paths(fine)
    assert (fine.granularity, fine.fine, fine.no_effect) == (0, None, False)
    assert about_order(fine) == ""


def test_the_order_is_wide_and_the_scores_are_fine(collection: Collection) -> None:
    fine = ask(collection, ONE, k=100, collapse=None)
    wide = ask(collection, ONE, k=100, collapse=None, granularity="coarse")
    known = {hit.id: hit for hit in fine}
    assert set(paths(wide)) == set(paths(fine))
    assert paths(wide) != paths(fine)
    assert [hit.rank for hit in wide] == list(range(1, len(wide) + 1))
    for hit in wide:
        assert hit.score == pytest.approx(known[hit.id].score, abs=1e-5)
        assert hit.confidence == pytest.approx(known[hit.id].confidence, abs=1e-4)
    few = ask(collection, ONE, k=7, collapse=None, granularity="coarse")
    assert paths(few) == paths(wide)[:7]
    assert not wide.no_effect
    assert wide.to_dict()["granularity"] == 1
    assert wide.to_dict()["no_effect"] is False


def test_a_filter_takes_away_and_does_not_change_the_order(collection: Collection) -> None:
    every = ask(collection, ONE, k=100, granularity=0.7)
    some = ask(collection, ONE, k=100, granularity=0.7, where="path~=3/")
    assert paths(some) == [path for path in paths(every) if path.startswith("3/")]
    assert len(ask(collection, ONE, k=3, granularity=0.7, where="path~=3/")) == 3
    assert not ask(collection, ONE, where="path~=nothing/", granularity=1)


def test_thresholds_are_those_of_the_fine_search(collection: Collection) -> None:
    fine = ask(collection, ONE, k=100)
    least = fine[7].score
    wide = ask(collection, ONE, k=100, granularity=1, min_score=least)
    assert set(paths(wide)) == set(paths(fine)[:8])
    assert set(paths(ask(collection, ONE, k=100, granularity=1).above(least))) == set(paths(wide))
    assert len(ask(collection, ONE, k=8, granularity=1, min_score=least)) == 8
    best = ask(collection, ONE, k=1)[0]
    assert not ask(collection, ONE, granularity=1, min_score=best.score + 0.01)
    assert wide.nothing_here == ask(collection, ONE, min_score=least).nothing_here


def test_what_asks_is_left_out_and_copies_are_collapsed(collection: Collection) -> None:
    hits = ask(collection, ONE, k=20, granularity=1)
    assert len(hits) == 20
    assert "5/00005.png" not in {hit.path for hit in hits}
    assert sum(len(hit.copies) for hit in hits) == 2
    several = ask(collection, ONE, Unlike("2/00002.png"), Vector(np.ones(16)), k=12, granularity=0.5)
    assert len(several) == 12
    assert not {"5/00005.png", "2/00002.png"} & {hit.path for hit in several}


def test_a_picture_of_the_collection_is_not_its_own_neighbour(collection: Collection, folder: Path) -> None:
    """Asked with as a file or as a stored picture, it is pulled the same way."""
    by_file = ask(collection, Picture(folder / "3/00010.png"), k=30, granularity=1)
    by_item = ask(collection, Like("3/00010.png"), k=30, granularity=1)
    assert [path for path in paths(by_file) if path != "3/00010.png"] == paths(by_item)[:29]


def test_a_level_without_effect_says_so(collection: Collection) -> None:
    hits = ask(collection, ONE, k=5, granularity=1e-6)
    assert hits.no_effect
    assert hits.to_dict()["no_effect"] is True
    assert about_order(hits).startswith("granularity 1e-06 has no effect here")
    assert "has no effect" in sheet_of(collection, Query(ONE), hits).subtitle
    assert [row.apart for row in sheet_of(collection, Query(ONE), hits).rows] == [False]


def test_a_collection_of_nothing_or_one(tmp_path: Path) -> None:
    held = Collection.create(tmp_path / "c.samekind", ENCODER)
    assert len(ask(held, Vector(np.ones(16)), granularity=1)) == 0
    file = draw(tmp_path / "one" / "a.png", 1)
    held.sync([file.parent], encoder=ENCODER, tune=False).result()
    hits = ask(held, Picture(file), granularity=1)
    assert ([hit.same_file for hit in hits], hits.no_effect) == ([True], True)
