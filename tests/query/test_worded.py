"""Queries with words, on drawn pictures: what is drawn has colours, and colours have names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.collection import Collection
from samekind.collection.concepts import CONCEPTS
from samekind.errors import UsageError
from samekind.meaning import MeaningSpace, concept_names, sentence_vectors, sentences
from samekind.meaning.shipped import class_vectors
from samekind.query import Drop, Hits, Keep, Like, Part, Picture, Query, Words, search
from samekind.query.wordings import wording_of
from samekind.query.wordings.concepts import HUB, HUB_NAMES, ConceptWording
from tests.collection.mock import MockEncoder

ENCODER = MockEncoder()
COLOURS = {"red": (200, 25, 35), "green": (40, 140, 50), "blue": (30, 70, 185), "yellow": (250, 215, 40)}


@pytest.fixture(autouse=True)
def _by_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders here are called after the colours that are in them."""
    monkeypatch.setenv("SAMEKIND_WEAK_CAPTIONS", "none")


def drawn(file: Path, colour: tuple[int, int, int], side: int) -> None:
    pixels = np.full((96, 96, 3), 255, np.uint8)
    pixels[48 - side : 48 + side, 48 - side : 48 + side] = colour
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    for name, colour in COLOURS.items():
        for n in range(4):
            drawn(folder / name / f"{n}.png", colour, 26 + 4 * n)
    return folder


@pytest.fixture(scope="module")
def collection(folder: Path) -> Collection:
    held = Collection.create(folder.parent / f"{folder.name}.samekind", ENCODER)
    held.sync([folder], encoder=ENCODER, tune=False).result()
    return held


def ask(collection: Collection, *parts: Part, **more: object) -> Hits:
    return search(collection, Query(*parts), encoder=ENCODER, collapse=None, **more)  # type: ignore[arg-type]


def colours_of(hits: Hits) -> list[str]:
    return [hit.path.partition("/")[0] for hit in hits]


@pytest.mark.parametrize("colour", COLOURS)
def test_words_find_colours(collection: Collection, colour: str) -> None:
    hits = ask(collection, Words(colour), k=4)
    assert colours_of(hits) == [colour] * 4
    assert hits.understood is not None
    assert hits.understood.method == ""
    assert hits.understood.texts[0].colours == (colour,)
    assert all(set(hit.roles) == {"words"} for hit in hits)
    assert hits[0].score == pytest.approx(hits[0].roles["words"], abs=1e-5)


def test_what_words_need_is_looked_for_once_a_version(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """And again where it was forgotten."""
    ask(collection, Words("red"), weak_captions="captions")
    looked: list[str] = []
    for kind in ("learn_words", "learn_captions"):
        whole = getattr(Collection, kind)
        monkeypatch.setattr(
            Collection, kind, lambda self, kind=kind, whole=whole, **more: looked.append(kind) or whole(self, **more)
        )
    assert colours_of(ask(collection, Words("red"), k=4, weak_captions="captions")) == ["red"] * 4
    assert not looked
    collection.purge()
    assert colours_of(ask(collection, Words("red"), k=4, weak_captions="captions")) == ["red"] * 4
    assert looked == ["learn_words", "learn_captions"]


def test_a_picture_changed_by_words(collection: Collection, folder: Path) -> None:
    hits = ask(collection, Picture(folder / "red" / "1.png"), Words("blue"), k=4, change=2.0)
    assert colours_of(hits) == ["blue"] * 4
    assert all(set(hit.roles) == {"picture", "words"} for hit in hits)
    assert "red/1.png" not in {hit.path for hit in ask(collection, Picture(folder / "red" / "1.png"), Words("red"))}


def test_all_of_the_picture_is_the_search_by_picture_without_its_copies(collection: Collection, folder: Path) -> None:
    file = folder / "red" / "1.png"
    by_picture = [hit.id for hit in ask(collection, Picture(file), k=16) if hit.score < 0.99]
    kept = [hit.id for hit in ask(collection, Picture(file), Words("blue"), keep=1.0, k=16)]
    assert kept == by_picture


def test_what_must_not_be_there_goes_down(collection: Collection) -> None:
    like = Like("red/1.png")
    plain = colours_of(ask(collection, like, Words("a square"), k=15))
    without = colours_of(ask(collection, like, Words("a square"), Drop("green"), k=15))
    assert np.mean([n for n, one in enumerate(without) if one == "green"]) > np.mean(
        [n for n, one in enumerate(plain) if one == "green"]
    )
    stays = colours_of(ask(collection, like, Words("a square"), Keep("yellow"), k=15))
    assert stays[:2] == ["yellow"] * 2


@pytest.mark.parametrize("stored", [True, False])
def test_the_reference_is_a_hit_where_asked_for(collection: Collection, folder: Path, stored: bool) -> None:
    reference = Like("red/1.png") if stored else Picture(folder / "red" / "1.png")
    found = [
        [hit.path for hit in ask(collection, reference, Words("red"), k=20, with_reference=asked)]
        for asked in (False, True)
    ]
    assert "red/1.png" not in found[0]
    assert "red/1.png" in found[1]
    assert len(found[1]) > len(found[0])
    with pytest.raises(UsageError, match="the reference among the hits are for queries with words"):
        ask(collection, reference, with_reference=True)


@pytest.mark.parametrize("method", ["sum", "slerp", "align", "analogy", "pdv", "weimocir", "cirevl", "roles"])
def test_every_method_runs(collection: Collection, folder: Path, method: str) -> None:
    hits = ask(collection, Picture(folder / "red" / "1.png"), Words("blue"), method=method, change=3.0, k=3)
    assert len(hits) == 3
    assert hits.understood is not None
    assert hits.understood.method == method
    assert bool(hits.understood.rewritten) == (method in ("analogy", "pdv", "weimocir", "cirevl"))
    assert hits.to_dict()["understood"]["change"] == 3.0


def test_sliders_move_without_anything_encoded(
    collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, words = Picture(folder / "red" / "1.png"), Words("blue")
    hits = ask(collection, picture, words, k=4)
    wanted = [ask(collection, picture, words, k=4, method=method, change=2.0) for method in ("slerp", "roles")]
    monkeypatch.setattr(sentences, "_encoder", None)
    monkeypatch.setattr(ENCODER, "encode", None)
    for method, one in zip(("slerp", "roles"), wanted, strict=True):
        again = hits.slid(method, change=2.0)
        assert [hit.to_dict() for hit in again] == [hit.to_dict() for hit in one]
        assert again.understood is not None
        assert (again.understood.method, again.understood.change) == (method, 2.0)
    monkeypatch.undo()
    with pytest.raises(UsageError, match="no words"):
        ask(collection, picture).slid("sum")


def test_filters_and_thresholds_hold(collection: Collection) -> None:
    assert colours_of(ask(collection, Words("red"), where="path~=blue/", k=10)) == ["blue"] * 4
    assert not ask(collection, Words("red"), where="path~=nothing/")
    assert len(ask(collection, Words("red"), min_score=1.0)) < 8


def test_what_nobody_knows_is_said(collection: Collection) -> None:
    hits = ask(collection, Words("hellebore"))
    assert hits.understood is not None
    assert "no picture stands out for 'hellebore'" in hits.understood.notice
    assert ask(collection, Words("blue")).understood.notice == ""  # type: ignore[union-attr]


def test_what_counts_nothing_is_not_what_is_said(collection: Collection) -> None:
    hits = ask(collection, Words("a red square", 0), Words("zarpel"))
    assert hits.understood is not None
    assert "'zarpel'" in hits.understood.notice
    assert [one.text for one in hits.understood.texts] == ["zarpel", "a red square"]


def test_words_are_learned_once_and_kept_by_a_sync(collection: Collection, folder: Path) -> None:
    assert collection.learn_words().result().looked_at == 0
    drawn(folder / "red" / "9.png", COLOURS["red"], 20)
    collection.sync([folder], encoder=ENCODER, tune=False).result()
    collection.refresh()
    assert len(wording_of(collection).ids) == 17
    (folder / "red" / "9.png").unlink()
    collection.sync([folder], encoder=ENCODER, tune=False).result()
    collection.refresh()
    assert len(wording_of(collection).ids) == 16
    assert (collection.path / CONCEPTS.folder).is_dir()


def test_a_collection_without_pictures_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no pictures that words could be about"):
        ask(Collection.create(tmp_path / "empty.samekind", ENCODER), Words("red"))


def test_a_picture_that_is_near_to_all_words_is_held_back() -> None:
    near_all, near_one = class_vectors()[:100].mean(axis=0), class_vectors()[1]
    wording = wording_with(np.stack([near_all / np.linalg.norm(near_all), near_one]))
    assert wording.hubs[0] == pytest.approx(
        np.sort(class_vectors() @ wording.meanings[0])[-HUB_NAMES:].mean(), abs=1e-5
    )
    found = wording.scores([concept_names()[1]])[0]
    assert found == pytest.approx(
        sentence_vectors([concept_names()[1]])[0] @ wording.meanings.T - HUB * wording.hubs, abs=1e-5
    )
    assert found[1] > found[0]


def wording_with(meanings: np.ndarray) -> ConceptWording:
    """Pictures that show just this."""
    concepts = np.full((len(meanings), len(concept_names())), 0.1, np.float32)
    space = MeaningSpace.of(concepts, meanings, ())
    wording = ConceptWording([], np.arange(len(meanings)), meanings, concepts, space)
    wording.__dict__["meanings"] = meanings
    return wording
