"""Words looked up in what is written beside pictures, on drawn pictures: none of the words means a colour."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from samekind.collection import Collection
from samekind.collection.captions import FILE
from samekind.errors import UsageError
from samekind.query import Hits, Like, Query, Words, search, wordings
from samekind.query.named import NAMED, SOURCES, asked_terms, named_of, sources_of
from samekind.query.wordings.sparse import SparseWording
from tests.collection.mock import MockEncoder, draw

ENCODER = MockEncoder()


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Twelve pictures; four say "zarpel", each in another place."""
    place = tmp_path_factory.mktemp("named")
    folder = place / "things"
    for n in range(12):
        draw(folder / f"IMG_{n:04}.png", n)
    (folder / "Zarpels 2020").mkdir()
    (folder / "IMG_0000.png").rename(folder / "Zarpels 2020" / "IMG_0000.png")
    (folder / "IMG_0001.png").rename(folder / "oldZarpel_1.png")
    exif = Image.Exif()
    exif[0x9C9B] = "Ein Zärpel".encode("utf-16-le")
    Image.open(folder / "IMG_0002.png").save(folder / "IMG_0002.png", exif=exif)
    with (place / "things.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "note", "number"])
        for one in sorted(folder.rglob("*.png")):
            rows.writerow([f"things/{one.relative_to(folder)}", "zarpel" if one.stem == "IMG_0003" else "", 3])
    held = Collection.create(place / "things.samekind", ENCODER)
    held.sync([place / "things.csv"], encoder=ENCODER, tune=False).result()
    return held


def ask(collection: Collection, text: str, **more: object) -> Hits:
    return search(collection, Query(Words(text)), k=12, collapse=None, encoder=ENCODER, **more)  # type: ignore[arg-type]


def said(hits: Hits) -> dict[str, str]:
    """File -> the role that names words, of the hits that have one."""
    return {hit.file.name: role for hit in hits for role in hit.roles if role.startswith("named ")}


WHERE = {
    "folders": {"IMG_0000.png": "named zarpel (folder)"},
    "files": {"oldZarpel_1.png": "named zarpel (file)"},
    "captions": {"IMG_0002.png": "named zarpel (caption)"},
    "columns": {"IMG_0003.png": "named zarpel (note)"},
}


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_is_used_alone(collection: Collection, source: str) -> None:
    hits = ask(collection, "a zarpel", weak_captions=source)
    assert said(hits) == WHERE[source]
    assert hits[0].file.name in WHERE[source]
    before = {hit.id: hit.confidence for hit in ask(collection, "a zarpel", weak_captions="none")}
    surer = {hit.file.name for hit in hits if hit.confidence > before[hit.id]}
    assert surer == set(WHERE[source])
    assert hits.to_dict()["understood"]["weak_captions"] == [source]


def test_all_together_are_usual(collection: Collection) -> None:
    hits = ask(collection, "zarpels")
    assert said(hits) == WHERE["folders"] | WHERE["files"] | WHERE["captions"] | WHERE["columns"]
    before = {hit.id: hit.rank for hit in ask(collection, "zarpels", weak_captions="none")}
    assert hits[0].file.name in said(hits)
    assert all(hit.rank <= before[hit.id] for hit in hits if hit.file.name in said(hits))
    assert hits[0].score == pytest.approx(hits[0].roles["words"], abs=1e-5)


def test_nothing_changes_where_nothing_is_written(collection: Collection) -> None:
    for text in ("hellebore", "a room without zarpels", "IMG 0003"):
        with_texts, without = ask(collection, text), ask(collection, text, weak_captions="none")
        assert [(hit.id, hit.score, hit.confidence, hit.roles) for hit in with_texts] == [
            (hit.id, hit.score, hit.confidence, hit.roles) for hit in without
        ]


def test_the_setting_switches_off(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEKIND_WEAK_CAPTIONS", "none")
    assert said(ask(collection, "zarpel")) == {}
    assert said(ask(collection, "zarpel", weak_captions="files")) == WHERE["files"]


def test_a_picture_and_words(collection: Collection) -> None:
    like = Like("things/IMG_0009.png")
    for method in ("sum", "roles", "align"):
        hits = search(collection, Query(like, Words("zarpel")), method=method, change=9.0, k=12, collapse=None)
        assert said(hits).keys() >= {"oldZarpel_1.png"}
    kept = [search(collection, Query(like, Words(text)), keep=1.0, k=12, collapse=None) for text in ("zarpel", "red")]
    assert [hit.id for hit in kept[0]] == [hit.id for hit in kept[1]]


def test_the_score_is_that_of_the_words_and_what_matched(collection: Collection) -> None:
    plain = {hit.id: hit.score for hit in ask(collection, "zarpel", weak_captions="none")}
    hits = ask(collection, "zarpel", weak_captions="files")
    named = named_of(collection, list(plain), ["files"])
    assert named is not None
    matched = dict(zip(plain, named.matched("zarpel"), strict=True))
    wanted = np.array([plain[id_] + NAMED * matched[id_] for id_ in plain])
    wanted = (wanted - wanted.mean()) / wanted.std()
    found = {hit.id: hit.score for hit in hits}
    np.testing.assert_allclose([found[id_] for id_ in plain], wanted, atol=1e-5)
    (one,) = (hit for hit in hits if len(hit.roles) > 1)
    lift = one.roles["named zarpel (file)"]
    assert lift == pytest.approx(NAMED * matched[one.id] / np.std([plain[i] + NAMED * matched[i] for i in plain]))


def test_captions_are_read_once_and_forgotten_by_a_purge(collection: Collection) -> None:
    assert collection.learn_captions().result() == 0
    torn = (collection.path / FILE).read_text().splitlines()
    (collection.path / FILE).write_text("\n".join(torn[:-1]) + '\n["torn')
    assert collection.learn_captions().result() == 1
    assert collection.learn_captions().result() == 0
    collection.purge()
    assert not (collection.path / FILE).exists()
    assert said(ask(collection, "zarpel", weak_captions="captions")) == WHERE["captions"]


def test_what_is_asked_for() -> None:
    assert asked_terms("a room without chairs, no lamp") == ["room"]
    assert sources_of("columns, files") == ("files", "columns")
    assert sources_of("none") == sources_of("") == ()
    with pytest.raises(UsageError, match="Did you mean 'files'"):
        sources_of("file")


def test_words_without_the_sentence_encoder(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(texts: object) -> None:
        raise ImportError

    monkeypatch.setattr("samekind.meaning.sentences._encoder", gone)
    monkeypatch.setenv("SAMEKIND_WORDS_WITHOUT_SENTENCES", "true")
    hits = ask(collection, "a red teapot", weak_captions="none")
    wording = wordings.wording_of(collection)
    assert isinstance(wording, SparseWording)
    scores = wording.scores(["a red teapot"])[0]
    assert [hit.id for hit in hits] == [wording.ids[row] for row in np.argsort(-scores, kind="stable")]
    assert hits.understood is not None
    assert hits.understood.texts[0].nearest[0] == ("teapot", 1.0)
    vain = ask(collection, "hellebore", weak_captions="none")
    assert vain.understood is not None
    assert "nothing that is known by name" in vain.understood.notice
    assert ask(collection, "zarpel")[0].file.name in {name for one in WHERE.values() for name in one}
    monkeypatch.delenv("SAMEKIND_WORDS_WITHOUT_SENTENCES")
    monkeypatch.setattr(wordings, "sentences_there", lambda: False)
    assert isinstance(wordings.wording_of(collection), SparseWording)
