"""Reasons for a hit of a query with words, against what search says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from samekind.cli.app import app
from samekind.collection import Collection
from samekind.encoders import load
from samekind.errors import UsageError
from samekind.query import Drop, Hits, Keep, Like, Part, Picture, Query, Unlike, Words, search, unknown
from samekind.query.composing import METHODS
from samekind.query.explain import explain
from samekind.query.learned import fitting
from samekind.query.learned.saved import save
from samekind.query.overlay import write_overlay
from samekind.query.reasons import Reasons, name_of
from samekind.query.wordings import wording_of
from samekind.query.wordings.concepts import ConceptWording
from samekind.query.wordings.sparse import SparseWording
from samekind.query.wordings.tower import said_by
from tests.collection.mock import MockEncoder
from tests.query.test_explain import fitted
from tests.query.test_worded import COLOURS, drawn

ENCODER = MockEncoder()
TEXTS = ["red", "a red square", "a fire engine", "ein grünes Haus", "hellebore"]


@pytest.fixture(autouse=True)
def _mock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No names unless a test says so: the folders here are called after the colours that are in them."""
    monkeypatch.setenv("SAMEKIND_WEAK_CAPTIONS", "none")
    monkeypatch.setattr(load, "load_encoder", lambda *_: MockEncoder())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    for name, colour in COLOURS.items():
        for n in range(4):
            drawn(folder / name / f"{n}.png", colour, 24 + 6 * n)
    return folder


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "tuned"])
def collection(request: pytest.FixtureRequest, folder: Path) -> Collection:
    held = Collection.create(folder.parent / f"{folder.name}-{request.param}.samekind", ENCODER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("samekind.tuning.fit", fitted)
        held.sync([folder], encoder=ENCODER, tune=request.param).result()
    held.learn_words().result()
    return held


def questions(folder: Path) -> dict[str, tuple[Part, ...]]:
    red = Picture(folder / "red" / "1.png")
    return {
        "words": (Words("a red square"),),
        "several words": (Words("blue", weight=2), Words("a fire engine"), Keep("red"), Drop("green")),
        "a picture": (red, Words("in blue"), Drop("yellow")),
        "items": (Like("red/1.png"), Unlike("green/2.png", weight=0.5), Words("without yellow"), Keep("a square")),
        "no words": (red, Keep("blue"), Drop("green")),
    }


def ask(collection: Collection, parts: tuple[Part, ...], **more: Any) -> Hits:
    return search(collection, Query(*parts), encoder=ENCODER, collapse=None, k=16, **more)


def reasons_for(collection: Collection, parts: tuple[Part, ...], hit: Any = None, **more: Any) -> Reasons:
    return explain(collection, Query(*parts), hit, encoder=ENCODER, match=False, **more)


def assert_sums(reasons: Reasons) -> None:
    assert reasons.splits[0].by == "query"
    for split in reasons.splits:
        assert split.total == pytest.approx(reasons.score, abs=1e-4)
        assert len({term.name for term in split.terms}) == len(split.terms)


@pytest.mark.parametrize("name", ["words", "several words", "a picture", "items", "no words"])
@pytest.mark.parametrize("method", list(METHODS))
def test_contributions_sum_to_the_score_of_search(collection: Collection, folder: Path, method: str, name: str) -> None:
    parts, sliders = questions(folder)[name], {"method": method, "change": 1.3, "keep": 0.6}
    hits = ask(collection, parts, **sliders)
    for hit in (hits[0], hits[7]):
        reasons = reasons_for(collection, parts, hit, **sliders)
        assert reasons.score == pytest.approx(hit.score, abs=1e-5)
        assert reasons.confidence == pytest.approx(hit.confidence, abs=1e-5)
        assert reasons.rank == hit.rank
        assert_sums(reasons)
        assert [one.by for one in reasons.splits] == ["query"] if name == "no words" else ["query", "concept"]
        steps = [one.step for one in reasons.standings]
        assert steps == ["plain"] * (collection.tuned and any(map(shows, parts))) + ["composed"]


def shows(part: Part) -> bool:
    return isinstance(part, Picture | Like)


@pytest.mark.parametrize("name", ["several words", "a picture", "items"])
def test_terms_are_of_the_parts_that_were_asked(collection: Collection, folder: Path, name: str) -> None:
    parts = questions(folder)[name]
    terms = reasons_for(collection, parts).splits[0].terms
    said = {name_of(part) for part in parts} | ({'dropping "yellow"'} if name == "items" else set())
    assert {term.name for term in terms if term.kind != "hubs"} == said
    assert any(term.kind == "hubs" for term in terms) == (collection.tuned and any(map(shows, parts)))


def test_colours_and_concepts_are_named_where_they_give_most(collection: Collection) -> None:
    reasons = reasons_for(collection, (Words("red"),))
    assert reasons.path.startswith("red/")
    by_query, by_concept = reasons.splits
    assert [term.name for term in by_query.terms] == ['"red"']
    assert by_concept.terms[0].name == "the colour red"
    assert sum(term.kind == "concept" for term in by_concept.terms) <= 5
    assert reasons.telling == (by_concept,)
    assert "the colour red gives" in reasons.sentence


def test_hits_of_a_wider_kind_are_in_the_order_of_their_confidences(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unknown, "THERE", 0.0)  # nothing here is a cat
    monkeypatch.setattr(unknown, "LOSES", 3.0)
    hits = ask(collection, (Words("abyssinian"),))
    assert hits.understood is not None
    assert hits.understood.wider == "cat"
    confidences = [hit.confidence for hit in hits]
    assert confidences == sorted(confidences, reverse=True)
    assert hits.nothing_here


def test_a_wider_kind_is_a_term(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown, "THERE", 0.0)
    hits = ask(collection, (Words("abyssinian"),))
    assert hits.understood is not None
    assert hits.understood.wider == "cat"
    for hit in (hits[0], hits[9]):
        reasons = reasons_for(collection, (Words("abyssinian"),), hit)
        assert reasons.score == pytest.approx(hit.score, abs=1e-5)
        assert_sums(reasons)
        assert [term.name for term in reasons.splits[0].terms] == ['"abyssinian"', "the wider kind 'cat'"]


def test_a_part_left_out_is_another_search(collection: Collection, folder: Path) -> None:
    parts = questions(folder)["a picture"]
    hit = ask(collection, parts)[5]
    left = {one.name: one for one in reasons_for(collection, parts, hit).left_out}
    assert set(left) == {name_of(part) for part in parts}
    for part in parts[1:]:
        (again,) = [one for one in ask(collection, tuple(p for p in parts if p is not part)) if one.id == hit.id]
        one = left[name_of(part)]
        assert (one.rank, one.score) == (again.rank, pytest.approx(again.score, abs=1e-5))
        assert one.drop == pytest.approx(hit.score - again.score, abs=1e-4)
    others = {one.id for one in ask(collection, parts)}
    by_picture = [one.id for one in ask(collection, parts[:1]) if one.id in others]
    both_left = {one.name: one for one in reasons_for(collection, parts[:2], hit).left_out}
    assert both_left[name_of(parts[1])].rank == by_picture.index(hit.id) + 1
    assert not reasons_for(collection, (Words("red"),)).left_out


@pytest.mark.parametrize("shown", [(), (Like("blue/1.png"),)], ids=["words", "both"])
def test_what_is_written_is_a_part_of_its_own(collection: Collection, shown: tuple[Part, ...]) -> None:
    parts = (*shown, Words("a red square"))
    for path in ("red/2.png", "green/2.png"):
        reasons = reasons_for(collection, parts, path, weak_captions="folders")
        assert_sums(reasons)
        named = {term.name for term in reasons.splits[0].terms if term.kind == "named"}
        assert named == {"named beside the average picture"} | (
            {"named red (folder)"} if path.startswith("red") else set()
        )


def test_a_cap_is_a_part_of_its_own(collection: Collection) -> None:
    parts = (Like("blue/1.png"), Words("red"))
    reasons = reasons_for(collection, parts, method="roles", weak_captions="folders", change=4.0)
    assert "the cap on words" in {term.name for term in reasons.splits[0].terms}
    assert_sums(reasons)


def test_what_a_method_makes_no_use_of_gives_nothing(collection: Collection) -> None:
    reasons = reasons_for(collection, (Like("blue/1.png"), Words("red"), Keep("a square")), method="align")
    assert [term.value for term in reasons.splits[0].terms if term.kind == "keep"] == [0]


def test_one_of_two_equal_parts_is_left_out(collection: Collection) -> None:
    red = Words("red")
    assert len(reasons_for(collection, (red, red, Drop("blue"))).left_out) == 3


def test_what_was_learned_is_a_part_of_its_own(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "judged", lambda *_: (True, "for the test", {}))
    save(collection, *fitting.fitted(collection))
    parts = (Like("blue/1.png"), Words("in red"), Drop("green"))
    hit = ask(collection, parts, method="learned")[3]
    reasons = reasons_for(collection, parts, hit, method="learned")
    assert reasons.score == pytest.approx(hit.score, abs=1e-5)
    assert "what was learned" in {term.name for term in reasons.splits[0].terms}
    assert_sums(reasons)


@pytest.mark.parametrize("text", TEXTS)
def test_what_text_and_picture_share_is_the_score_above_the_average(collection: Collection, text: str) -> None:
    for wording in (ConceptWording.read(collection), SparseWording.read(collection)):
        (scores,) = wording.scores([text]).astype(np.float64)
        for row in range(0, 16, 5):
            shared = wording.shared(text, row)
            assert sum(term.value for term in shared) == pytest.approx(scores[row] - scores.mean(), abs=1e-5)


@given(st.integers(0, 999), st.integers(0, 8))
def test_a_text_is_said_by_a_few_concepts(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    asked, concepts = rng.normal(size=6).astype(np.float32), rng.normal(size=(count, 6)).astype(np.float32)
    weights = said_by(asked, concepts)
    assert len(weights) <= 5
    assert all(weight > 0 for weight in weights.values())
    left = asked - sum((weight * concepts[at] for at, weight in weights.items()), np.zeros(6, np.float32))
    assert np.linalg.norm(left) <= np.linalg.norm(asked) + 1e-5


def test_what_cannot_be_a_hit_is_told(collection: Collection, folder: Path) -> None:
    parts = questions(folder)["a picture"]
    with pytest.raises(UsageError, match="a copy of it, and so no hit"):
        reasons_for(collection, parts, "red/1.png")
    assert reasons_for(collection, parts, "red/1.png", with_reference=True).rank is not None
    with pytest.raises(UsageError, match="finds nothing"):
        reasons_for(collection, parts, where="path~=nothing/")
    with pytest.raises(UsageError, match="nonsense"):
        reasons_for(collection, parts, method="nonsense")
    assert reasons_for(collection, parts, "red/2.png", where="path~=blue/").rank is None


def test_the_command(collection: Collection, folder: Path, tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["explain", str(collection.path), *words])
        return result.exit_code, result.stdout + result.stderr

    out = tmp_path / "why.png"
    code, said = run("--words", "a red square", "--not", "blue", "--out", str(out))
    assert code == 0
    assert "dropping" in said
    assert "The query has no picture that could be laid beside the hit." in " ".join(said.split())
    assert Image.open(out).width > 800
    picture = ("--picture", str(folder / "red" / "1.png"), "--words", "in blue")
    code, said = run(*picture, "--method", "pdv", "--change", "2", "--keep", ".4", "--json")
    assert code == 0
    told = json.loads(said)
    assert {term["kind"] for term in told["splits"][0]["terms"]} >= {"picture", "caption", "edited"}
    assert sum(term["value"] for term in told["splits"][1]["terms"]) == pytest.approx(told["score"], abs=1e-4)
    code, said = run("--query", '"a red square" keep:"blue"', "--json")
    assert [term["kind"] for term in json.loads(said)["splits"][0]["terms"]] == ["words", "keep"]
    assert run("--picture", str(folder / "red" / "1.png"), "--method", "sum")[0] == 2


def test_the_overlay_shows_the_words_where_there_is_no_picture(collection: Collection, tmp_path: Path) -> None:
    reasons = reasons_for(collection, (Words("a red square that stands on white " * 3), Keep("red")))
    write_overlay(collection, reasons, tmp_path / "why.png")
    left = np.asarray(Image.open(tmp_path / "why.png").convert("L"))[20:440, 20:440]
    assert (left < 100).any()


def test_without_the_sentence_encoder_words_are_looked_up(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMEKIND_WORDS_WITHOUT_SENTENCES", "1")
    assert isinstance(wording_of(collection), SparseWording)
    reasons = reasons_for(collection, (Like("blue/1.png"), Words("in red")))
    assert_sums(reasons)
    assert "red" in {term.name for term in reasons.splits[1].terms}
