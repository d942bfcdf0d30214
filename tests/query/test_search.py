from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.collection import Collection
from samekind.encoders.base import encode_pictures
from samekind.errors import EncoderMismatch, UsageError
from samekind.pictures.views import Box
from samekind.query import Hits, Like, Part, Picture, Query, Unlike, Vector, Where, Words, search
from samekind.query.feedback import refined
from samekind.query.hits import about_order
from samekind.tuning import Tuning
from samekind.tuning.calibration import Calibration
from samekind.tuning.space import fit_space
from tests.collection.mock import MockEncoder, draw, draw_many

ENCODER = MockEncoder()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draw_many(folder, 40)
    for n in range(3):
        draw(folder / "copies" / f"{n}.png", 5, side=24 + 4 * n)
    return folder


@pytest.fixture(scope="module")
def collection(folder: Path) -> Collection:
    held = Collection.create(folder.parent / f"{folder.name}.samekind", ENCODER)
    held.sync([folder], encoder=ENCODER, tune=False).result()
    return held


def ask(collection: Collection, *parts: Part, **more: object) -> Hits:
    return search(collection, Query(*parts), encoder=ENCODER, **more)  # type: ignore[arg-type]


def pixels_of(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file).convert("RGB"))


def test_a_picture_of_the_collection_is_found_first_and_marked(collection: Collection, folder: Path) -> None:
    file = folder / "3" / "00010.png"
    hits = ask(collection, Picture(file), k=5)
    assert len(hits) == 5
    assert hits[0].same_file
    assert hits[0].path == "3/00010.png"
    assert hits[0].file == file
    assert hits[0].score == pytest.approx(1, abs=1e-3)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert not any(hit.same_file for hit in hits[1:])
    assert all(0 <= hit.confidence <= 1 for hit in hits)
    assert not hits.tuned
    assert hits.seconds.search > 0


def test_file_bytes_and_pixels_ask_the_same(collection: Collection, folder: Path) -> None:
    file = folder / "3" / "00010.png"
    found = [ask(collection, Picture(source), k=6) for source in (file, file.read_bytes(), pixels_of(file))]
    assert len({tuple(hit.id for hit in hits) for hits in found}) == 1
    assert [hits[0].same_file for hits in found] == [True, True, False]


def test_a_stored_picture_is_left_out_of_its_own_results(collection: Collection, folder: Path) -> None:
    by_picture = ask(collection, Picture(folder / "3" / "00010.png"), k=6)
    for item in ("3/00010.png", by_picture[0].id, folder / "3" / "00010.png"):
        by_item = search(collection, Query(Like(item)), k=5)
        assert [hit.id for hit in by_item] == [hit.id for hit in by_picture][1:]


def test_scores_agree_with_a_naive_sum(collection: Collection, folder: Path) -> None:
    files = [folder / "1" / "00001.png", folder / "2" / "00002.png"]
    a, b = encode_pictures(ENCODER, [pixels_of(file) for file in files])
    raw = np.arange(1, 17, dtype=np.float64)
    wanted = 2 * a - 0.5 * b + raw / np.linalg.norm(raw)
    wanted /= np.linalg.norm(wanted)
    hits = ask(
        collection, Picture(files[0], weight=2), Picture(files[1], weight=-0.5), Vector(raw), k=50, collapse=None
    )
    assert len(hits) == 43
    stored = encode_pictures(ENCODER, [pixels_of(hit.file) for hit in hits])
    np.testing.assert_allclose([hit.score for hit in hits], stored @ wanted, atol=2e-3)


def test_marks_change_the_order_and_no_score(collection: Collection, folder: Path) -> None:
    file = folder / "1" / "00001.png"
    fine = ask(collection, Picture(file), k=50, collapse=None)
    marked = ask(collection, Picture(file), Like("2/00002.png"), Unlike("4/00004.png"), k=50, collapse=None)
    score_of = {hit.path: hit.score for hit in fine}
    assert {hit.path for hit in marked} == set(score_of) - {"2/00002.png", "4/00004.png"}
    np.testing.assert_allclose([hit.score for hit in marked], [score_of[hit.path] for hit in marked], atol=1e-6)
    query, liked, disliked = encode_pictures(ENCODER, [pixels_of(folder / n / f"0000{n}.png") for n in "124"])
    wanted = refined(query, liked[None], disliked[None]).vector
    by_marks = encode_pictures(ENCODER, [pixels_of(hit.file) for hit in marked]) @ wanted
    assert (np.diff(by_marks) < 2e-3).all()
    assert marked.marks == 2
    assert not marked.no_effect
    assert "2 marks: ordered by what was liked and disliked" in about_order(marked)


def test_a_mark_has_no_weight(collection: Collection, folder: Path) -> None:
    with pytest.raises(UsageError, match="have no weights"):
        ask(collection, Picture(folder / "1" / "00001.png"), Unlike("2/00002.png", 0.5))
    assert ask(collection, Like("1/00001.png", 2), Unlike("2/00002.png", 0.5))


def test_a_crop_is_what_is_looked_at(collection: Collection, folder: Path) -> None:
    file = folder / "4" / "00004.png"
    wide = np.zeros((40, 60, 3), np.uint8)
    wide[8:32, 20:44] = pixels_of(file)
    png = BytesIO()
    Image.fromarray(wide).save(png, "PNG")
    for source in (wide, png.getvalue()):
        assert ask(collection, Picture(source, Box(20, 8, 24, 24)), k=1)[0].file == file
    with pytest.raises(UsageError, match="outside"):
        ask(collection, Picture(wide, Box(50, 0, 20, 20)))


def test_near_duplicates_are_collapsed_and_k_is_filled(collection: Collection) -> None:
    hits = search(collection, Query(Like("5/00005.png")), k=20)
    assert len(hits) == 20
    assert len(hits[0].copies) == 2
    assert {hits[0].path, *(row["path"] for row in collection.rows(hits[0].copies))} == {
        f"copies/{n}.png" for n in range(3)
    }
    apart = [hit.path for hit in hits.collapsed(None)]
    assert len(apart) == 20
    assert {f"copies/{n}.png" for n in range(3)} == set(apart[:3])


def test_k_is_filled_where_everything_is_a_copy_of_something(tmp_path: Path) -> None:
    for n in range(60):
        draw(tmp_path / "many" / f"{n}.png", n % 4, side=24 + n)
    held = Collection.create(tmp_path / "many.samekind", ENCODER)
    held.sync([tmp_path / "many"], encoder=ENCODER, tune=False).result()
    hits = search(held, Query(Like("0.png")), k=4, collapse=0.9)
    assert len(hits) == 4
    assert sum(len(hit.copies) + 1 for hit in hits) == 59


def test_filters_and_thresholds(collection: Collection) -> None:
    hits = search(collection, Query(Like("5/00005.png")), k=50, where="path~=3/")
    assert {hit.path.split("/")[0] for hit in hits} == {"3"}
    best = hits[0].confidence
    assert not search(collection, Query(Like("5/00005.png")), where="path~=nothing/")
    assert not search(collection, Query(Like("5/00005.png")), where="path~=3/", min_confidence=min(1, best + 0.01))
    assert len(search(collection, Query(Like("5/00005.png")), min_score=0.99)) == 1


def test_filters_in_the_query_and_beside_it_must_all_hold(collection: Collection) -> None:
    def found(*parts: Part, **more: object) -> set[str]:
        return {hit.path for hit in ask(collection, Like("5/00005.png"), *parts, k=50, collapse=None, **more)}

    third, tens = Where("path~=3/"), Where("path~=*0.png or path~=*7.png")
    assert found(third) == found(where="path~=3/") == found(where=third.filter)
    both = {path for path in found(third) if path.endswith(("0.png", "7.png"))}
    assert both
    assert found(third, tens) == found(third, where=tens.filter) == both
    assert found(third, where="path~=*0.png or path~=*7.png") == both
    assert not found(third, where="path~=4/")


@pytest.mark.parametrize(
    ("parts", "more", "says"),
    [
        ((Like("5/00005.png"),), {"k": 0}, "at least 1"),
        ((Like("5/00005.png"),), {"min_confidence": 2}, "between 0 and 1"),
        ((Like("5/00005.png"),), {"collapse": 0}, "near-duplicates"),
        ((Like("5/00005.png"),), {"where": "colour=red"}, "colour"),
        ((Like("no/such.png"),), {}, "no picture"),
        ((Like("5/00005.png"), Unlike("5/00005.png")), {}, "cancel"),
        ((Like("5/00005.png"), Where("colour=red")), {}, "colour"),
        ((Words("red"),), {"granularity": "coarse"}, "without words"),
        ((Words("red"),), {"method": "sums"}, "Did you mean 'sum'"),
        ((Words("red"),), {"keep": 1.5}, "between 0 and 1"),
        ((Words("red"),), {"change": -1}, "from 0 on"),
        ((Like("5/00005.png"),), {"keep": 0.5}, "queries with words"),
        ((Vector(np.ones(3)),), {}, "16 numbers"),
        ((Picture(b"no picture"),), {}, "query picture"),
        ((Picture(Path("no/such.jpg")),), {}, "no/such.jpg"),
    ],
)
def test_bad_questions_are_refused(collection: Collection, parts: tuple, more: dict, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        ask(collection, *parts, **more)


def test_another_encoder_is_refused(collection: Collection, folder: Path) -> None:
    with pytest.raises(EncoderMismatch, match="other"):
        search(collection, Query(Picture(folder / "1" / "00001.png")), encoder=MockEncoder("other"))


@pytest.fixture(scope="module")
def tuned(folder: Path, collection: Collection) -> Collection:
    """The same pictures with a tuned space, whether or not it helps an encoder of mean colours."""
    rng = np.random.default_rng(0)

    def fitted(vectors: np.ndarray, parts: object, views: np.ndarray, view_rows: np.ndarray) -> Tuning:
        space = fit_space(vectors, ENCODER.parts, views, view_rows, np.arange(len(vectors)), rng)
        calibration = Calibration(0.0, 0.5)
        return Tuning(space, calibration, calibration, True, "for the test", len(vectors), 0, {})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("samekind.tuning.fit", fitted)
        held = Collection.create(folder.parent / f"{folder.name}-tuned.samekind", ENCODER)
        held.sync([folder], encoder=ENCODER).result()
    return held


def test_the_tuned_space_is_searched_unless_told_otherwise(tuned: Collection, folder: Path) -> None:
    files = [folder / "1" / "00001.png", folder / "2" / "00002.png"]
    a, b = encode_pictures(ENCODER, [pixels_of(file) for file in files])
    hits = ask(tuned, Picture(files[0], weight=2), Picture(files[1], weight=-0.5), k=50, collapse=None)
    assert hits.tuned
    assert len(hits) == 43
    assert tuned.tuning is not None
    assert tuned.tuning.space is not None
    wanted = np.array([2, -0.5]) @ tuned.tuning.space.apply(np.stack([a, b]))
    wanted = np.append(wanted / np.linalg.norm(wanted), 1)
    stored = tuned.tuning.stored(encode_pictures(ENCODER, [pixels_of(hit.file) for hit in hits]))
    np.testing.assert_allclose([hit.score for hit in hits], stored @ wanted, atol=5e-3)
    expected = tuned.tuning.confidence(np.array([hit.score for hit in hits], np.float32))
    np.testing.assert_allclose([hit.confidence for hit in hits], expected, atol=1e-6)
    assert not ask(tuned, Picture(files[0]), tune=False).tuned


def test_plain_search_is_the_same_in_a_tuned_collection(tuned: Collection, collection: Collection) -> None:
    query = Query(Like("3/00010.png"))
    plain = [[hit.path for hit in search(held, query, tune=False)] for held in (tuned, collection)]
    assert plain[0] == plain[1]


def test_a_collection_with_nothing_or_one_picture_in_it(tmp_path: Path) -> None:
    held = Collection.create(tmp_path / "c.samekind", ENCODER)
    hits = ask(held, Vector(np.ones(16)))
    assert len(hits) == 0
    assert hits.nothing_here
    file = draw(tmp_path / "one" / "a.png", 1)
    held.sync([file.parent], encoder=ENCODER, tune=False).result()
    assert [hit.same_file for hit in ask(held, Picture(file))] == [True]
    assert len(ask(held, Like("a.png"))) == 0


def test_marks_in_a_tuned_space_with_and_without_a_granularity(tuned: Collection, folder: Path) -> None:
    parts = Picture(folder / "1" / "00001.png"), Like("2/00002.png")
    for level, words in ((0.0, "1 mark: ordered by what was liked"), (1.0, "1 mark and granularity 1: ordered by the")):
        hits = ask(tuned, *parts, k=5, granularity=level)
        assert hits.tuned
        assert len(hits) == 5
        assert words in about_order(hits)
        assert hits.to_dict()["marks"] == 1
