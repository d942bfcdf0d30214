"""Reasons for a hit, against what search says of it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from samekind.cli.app import app
from samekind.collection import Collection
from samekind.encoders import load, patches
from samekind.encoders.patches import PatchNetwork
from samekind.errors import EncoderError, UsageError
from samekind.pictures.views import Box, View
from samekind.query import Like, Part, Picture, Query, Unlike, Vector, search
from samekind.query.explain import explain
from samekind.query.geometry import SURE, Same, Similarity
from samekind.query.overlay import write_overlay
from samekind.query.reasons import LeftOut, Reasons, Standing, _place, _where, name_of
from samekind.tuning import Tuning
from samekind.tuning.calibration import Calibration
from samekind.tuning.space import fit_space
from tests.collection.mock import DIM, MockEncoder, draw, draw_many

ENCODER = MockEncoder()


class CellNetwork:
    """The colours of the cells themselves."""

    shape = (4, 4, 3)

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        return pictures.reshape(len(pictures), 4, 2, 4, 2, 3).mean((2, 4)).reshape(len(pictures), -1)


@pytest.fixture(autouse=True)
def _mock(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = PatchNetwork("cells", View("squash", 8), CellNetwork())  # type: ignore[arg-type]
    monkeypatch.setattr(patches, "patches_of", lambda *_: cells)
    monkeypatch.setattr(load, "load_encoder", lambda *_: MockEncoder())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draw_many(folder, 40)
    return folder


def fitted(vectors: np.ndarray, parts: object, views: np.ndarray, view_rows: np.ndarray) -> Tuning:
    """A space that counts, whether or not it helps an encoder of mean colours."""
    rng = np.random.default_rng(0)
    space = fit_space(vectors, ENCODER.parts, views, view_rows, np.arange(len(vectors)), rng)
    return Tuning(space, Calibration(0.0, 0.5), Calibration(0.0, 0.5), True, "for the test", len(vectors), 0, {})


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "tuned"])
def collection(request: pytest.FixtureRequest, folder: Path) -> Collection:
    held = Collection.create(folder.parent / f"{folder.name}-{request.param}.samekind", ENCODER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("samekind.tuning.fit", fitted)
        held.sync([folder], encoder=ENCODER, tune=request.param).result()
    return held


def file_of(folder: Path, n: int) -> Path:
    return folder / f"{n % 7}" / f"{n:05}.png"


def questions(folder: Path) -> dict[str, tuple[Part, ...]]:
    one, other = Picture(file_of(folder, 3)), Picture(file_of(folder, 8), weight=-0.4)
    vector = Vector(np.arange(1, DIM + 1, dtype=np.float64), weight=0.5)
    return {
        "one": (one,),
        "several": (one, other, vector),
        "items": (Like("5/00005.png"), Unlike("6/00006.png", weight=0.3)),
        "marks": (one, vector, Like("5/00005.png"), Unlike("6/00006.png")),
    }


@pytest.mark.parametrize("name", ["one", "several", "items", "marks"])
def test_contributions_sum_to_the_score_and_ranks_are_those_of_search(
    collection: Collection, folder: Path, name: str
) -> None:
    query = Query(*questions(folder)[name])
    hits = search(collection, query, k=40, collapse=None, encoder=ENCODER)
    assert hits.tuned == collection.tuned
    for hit in (hits[1], hits[17]):
        reasons = explain(collection, query, hit, encoder=ENCODER, match=False)
        assert reasons.id == hit.id
        assert reasons.score == pytest.approx(hit.score, abs=1e-5)
        assert reasons.confidence == pytest.approx(hit.confidence, abs=1e-4)
        assert reasons.rank == hit.rank
        for split in reasons.splits:
            assert split.total == pytest.approx(hit.score, abs=1e-4)
        steps = [standing.step for standing in reasons.standings]
        tuned, marked = ["map", "hubs"] * hits.tuned, ["marks"] * (name == "marks")
        assert steps == ["plain", *tuned, *marked]
        untuned = search(collection, Query(*query.parts), k=40, collapse=None, tune=False, encoder=ENCODER)
        if name != "marks":
            assert reasons.standings[0].rank == next(one.rank for one in untuned if one.id == hit.id)


@pytest.mark.parametrize(("name", "count"), [("one", 0), ("several", 3), ("items", 1), ("marks", 4)])
def test_what_is_left_out_is_another_search(collection: Collection, folder: Path, name: str, count: int) -> None:
    query = Query(*questions(folder)[name])
    hit = search(collection, query, k=9, encoder=ENCODER)[8]
    left = explain(collection, query, hit, encoder=ENCODER, match=False).left_out
    assert len(left) == count
    assert [one.rank for one in left] == sorted((one.rank for one in left), reverse=True)
    items = {collection.find([part.item])[0] for part in query.items}
    for one in left:
        rest = Query(*(part for part in query.parts if name_of(part) != one.name))
        again = [found.id for found in search(collection, rest, k=40, collapse=None, encoder=ENCODER)]
        assert one.rank == [id_ for id_ in again if id_ not in items].index(hit.id) + 1


def test_the_first_other_hit_is_taken_and_told_in_one_sentence(collection: Collection, folder: Path) -> None:
    query = Query(Picture(file_of(folder, 3)))
    reasons = explain(collection, query, encoder=ENCODER)
    assert reasons.rank == 2
    assert reasons.sentence.startswith(f"{reasons.path} comes 2nd with a score of")
    assert "of it looks most like" in reasons.sentence
    assert reasons.sentence.count(". ") == 0
    told = json.loads(json.dumps(reasons.to_dict()))
    assert told["match"]["network"] == "cells"
    assert reasons.same
    assert told["same"]["sure"] == (reasons.same.score >= SURE) == ("the very same thing" in reasons.sentence)
    mirrored = Same(0.6, 9, 9, Similarity(1 + 0j, 0j, True), Box(0, 0, 1, 1), Box(0, 0, 1, 1))
    assert "both show the very same thing, mirrored" in replace(reasons, same=mirrored).sentence
    assert told["beside"] == "00003.png"
    assert sum(term["value"] for term in told["splits"][0]["terms"]) == pytest.approx(told["score"], abs=1e-4)


def test_the_overlay_is_a_picture(collection: Collection, folder: Path, tmp_path: Path) -> None:
    for number, parts in enumerate(questions(folder).values()):
        reasons = explain(collection, Query(*parts), encoder=ENCODER)
        write_overlay(collection, reasons, tmp_path / f"{number}.png")
        assert Image.open(tmp_path / f"{number}.png").width > 800
    crop = Query(Picture(file_of(folder, 3), crop=Box(0, 0, 12, 6)))
    reasons = explain(collection, crop, "4/00004.png", encoder=ENCODER)
    assert reasons.match
    write_overlay(collection, reasons, tmp_path / "crop.png")
    with pytest.raises(UsageError, match=r"An overlay is a \.png"):
        write_overlay(collection, reasons, tmp_path / "crop.jpg")


def test_what_cannot_be_laid_side_by_side(
    collection: Collection, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vector = Query(Vector(np.arange(1, DIM + 1)))
    reasons = explain(collection, vector)
    assert reasons.match is None
    assert "no picture" in reasons.why_no_match
    write_overlay(collection, reasons, tmp_path / "without.png")

    def refuse(*_: object) -> None:
        raise EncoderError("mock does not show what it sees where.")

    monkeypatch.setattr(patches, "patches_of", refuse)
    assert explain(collection, Query(Like("5/00005.png"))).why_no_match == "mock does not show what it sees where."


def test_bad_input(collection: Collection, folder: Path) -> None:
    with pytest.raises(UsageError, match="part of the query itself"):
        explain(collection, Query(Like("5/00005.png")), "5/00005.png")
    with pytest.raises(UsageError, match="no picture 'nowhere'"):
        explain(collection, Query(Like("5/00005.png")), "nowhere")
    with pytest.raises(UsageError, match="for queries with words"):
        explain(collection, Query(Like("5/00005.png")), method="sum")
    hidden = explain(collection, Query(Like("5/00005.png")), "4/00004.png", where="path~=3/", match=False)
    assert hidden.rank is None
    assert "comes far behind" in hidden.sentence


def test_a_hit_whose_file_is_gone(tmp_path: Path) -> None:
    for n in range(5):
        draw(tmp_path / "pictures" / f"{n}.png", n)
    held = Collection.create(tmp_path / "c.samekind", ENCODER)
    held.sync([tmp_path / "pictures"], encoder=ENCODER, tune=False).result()
    (tmp_path / "pictures" / "1.png").unlink()
    reasons = explain(held, Query(Like("0.png")), "1.png")
    assert reasons.match is None
    assert "cannot be read any more" in reasons.why_no_match
    write_overlay(held, reasons, tmp_path / "why.png")


def test_the_command(collection: Collection, folder: Path, tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["explain", str(collection.path), *words])
        return result.exit_code, result.stdout + result.stderr

    file, out = str(file_of(folder, 3)), tmp_path / "why.png"
    code, said = run("--picture", file, "--hit", "4/00004.png", "--out", str(out))
    assert code == 0
    assert said.replace("\n", " ").startswith("4/00004.png comes")
    assert out.exists()
    code, said = run("--picture", file, "--like", "5/00005.png", "--json")
    assert code == 0
    assert [one["kind"] for one in json.loads(said)["left_out"]] == ["like"]
    code, said = run("--query", "like:5/00005.png", "--json")
    assert code == 0
    assert run()[0] == 2
    assert run("--picture", file, "--query", "like:5/00005.png")[0] == 2
    assert run("--picture", file, "--out", "why.jpg")[0] == 2


def test_places_in_words() -> None:
    assert [_place(rank) for rank in (1, 2, 3, 4, 11, 22, 113, 1001, None)] == [
        "1st", "2nd", "3rd", "4th", "11th", "22nd", "113th", "1,001st", "far behind",
    ]  # fmt: skip
    assert _where((0.5, 0.5)) == "the middle"
    assert _where((0.9, 0.1)) == "the top right"
    assert _where((1.0, 0.5)) == "the right"


def test_the_step_that_changed_most_is_told() -> None:
    steps = (Standing("plain", 0.5, 40), Standing("map", 0.6, 2), Standing("hubs", 0.4, 3))
    reasons = Reasons("1", "a.jpg", Path("a.jpg"), 0.4, 0.9, (), steps, (), None, None, None, "")
    assert reasons.sentence == "a.jpg comes 3rd with a score of 0.40 (90% sure): untuned it would come 40th."
    marked = replace(
        reasons, standings=(*steps, Standing("marks", 0.3, 1)), left_out=(LeftOut("b", "like", 0.2, 5, 0.1),)
    )
    assert marked.sentence.endswith("without the marks it would come 3rd; without b it would come 5th.")
