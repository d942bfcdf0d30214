from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from samekind.cli.app import app
from samekind.collection import Collection
from samekind.collection.lock import writing
from samekind.encoders import load
from samekind.errors import CollectionBusy, DamagedCollection, UsageError
from samekind.query import Like, Picture, Query, Unlike, Vector, Words, drop_eye, eyes, save_eye, search
from samekind.query.explain import explain
from samekind.query.feedback import FURTHEST
from samekind.query.hits import about_order
from samekind.query.kept_eyes import FOLDER, eye_named
from tests.collection.mock import MockEncoder, OtherEncoder, draw_many

ENCODER = MockEncoder()


@pytest.fixture(params=[False, True], ids=["plain", "tuned"])
def held(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Collection:
    monkeypatch.setattr(load, "load_encoder", lambda *_: MockEncoder())
    draw_many(tmp_path / "birds", 40)
    collection = Collection.create(tmp_path / "birds.samekind", ENCODER)
    collection.sync([tmp_path / "birds"], encoder=ENCODER, tune=request.param).result()
    return collection


def asked(held: Collection, name: str = "3/00010.png") -> Picture:
    return Picture(held.path.parent / "birds" / name)


def marks(held: Collection) -> Query:
    """The second hit is liked, the third is not."""
    _, liked, disliked = search(held, Query(asked(held)), k=3)
    return Query(asked(held), Like(liked.id), Unlike(disliked.id))


def test_what_is_kept_is_what_is_loaded(held: Collection) -> None:
    eye = save_eye(held, "mine", marks(held))
    assert eye_named(held, "mine") == eye == eyes(held)[0]
    file = held.path / FOLDER / "mine.json"
    once = json.loads(file.read_bytes())["searches"]
    save_eye(held, "mine", marks(held))
    again = json.loads(file.read_bytes())["searches"]
    assert len(again) == 1
    assert [one | {"when": ""} for one in once] == [one | {"when": ""} for one in again]
    assert [one.name for one in (held.path / FOLDER).iterdir()] == ["mine.json"]
    assert eye.to_dict() | {"when": ""} == {"name": "mine", "searches": 1, "liked": 1, "disliked": 1, "when": ""}


def test_the_order_follows_and_scores_stay(held: Collection) -> None:
    query = Query(asked(held))
    eye = save_eye(held, "mine", marks(held))
    alone, seen = search(held, query, k=40), search(held, query, k=40, eye="mine")
    assert [(hit.id, hit.score) for hit in seen] == [
        (hit.id, hit.score) for hit in search(held, query, k=40, eye="mine")
    ]
    for part in ("score", "confidence"):
        assert {hit.id: getattr(hit, part) for hit in seen} == pytest.approx(
            {hit.id: getattr(hit, part) for hit in alone}, abs=1e-5
        )
    assert [hit.id for hit in seen] != [hit.id for hit in alone]
    assert (seen.eye, seen.to_dict()["eye"], alone.to_dict()["eye"]) == ("mine", "mine", None)
    assert about_order(seen).startswith("eye mine: ordered by what was liked and disliked")
    (liked,) = eye.searches[0].liked
    places = [[hit.id for hit in hits].index(liked) for hits in (alone, seen)]
    assert places[1] <= places[0]


@pytest.mark.parametrize("marked", [False, True])
def test_reasons_know_it(held: Collection, marked: bool) -> None:
    save_eye(held, "mine", marks(held))
    query = Query(asked(held), Like("4/00018.png")) if marked else Query(asked(held))
    for hit in search(held, query, k=40, eye="mine", collapse=None)[1:9]:
        reasons = explain(held, query, hit, eye="mine", match=False)
        assert (reasons.rank, reasons.score) == (hit.rank, pytest.approx(hit.score, abs=1e-5))
        steps = [one.step for one in reasons.standings]
        assert steps[steps.index("eye") :] == ["eye", *["marks"] * marked]
        before = reasons.standings[steps.index("eye") - 1]
        if not marked and before.rank != hit.rank:
            assert "without the eye it would come " in reasons.sentence
    with pytest.raises(UsageError, match="without words"):
        explain(held, Query(Words("red")), eye="mine")
    said = run(held, "explain", "--picture", str(asked(held).source), "--eye", "mine", "--json")
    assert [one["step"] for one in json.loads(said.stdout)["standings"]][-1] == "eye"


def test_far_from_the_marks_nothing_changes(held: Collection) -> None:
    save_eye(held, "mine", marks(held))
    opposite = Query(Vector(tuple(-held.stored(held.find(["3/00010.png"]), tuned=False)[0])))
    alone, seen = search(held, opposite), search(held, opposite, eye="mine")
    assert seen.no_effect
    assert [hit.id for hit in seen] == [hit.id for hit in alone]
    assert about_order(seen) == "eye mine has no effect here: these are the hits of the fine search"


def test_marks_and_a_granularity_come_on_top(held: Collection) -> None:
    save_eye(held, "mine", marks(held))
    seen = search(held, marks(held), eye="mine", granularity="coarse")
    assert about_order(seen).startswith("eye mine and 2 marks and granularity 1")
    assert (seen.eye, seen.marks) == ("mine", 2)


def test_marks_on_top_never_turn_too_far(held: Collection) -> None:
    from samekind.query.shown import shown

    given = shown(held, marks(held), True, ENCODER)
    aside = np.zeros_like(given.vector)
    aside[np.argmin(np.abs(given.vector))] = 1
    assert given.refined(aside).vector @ given.vector >= FURTHEST - 1e-5


def test_marks_of_several_searches(held: Collection) -> None:
    save_eye(held, "mine", marks(held))
    other = asked(held, "4/00011.png")
    eye = save_eye(held, "mine", Query(other, Like("5/00012.png"), Like("6/00013.png")))
    assert eye.to_dict()["searches"] == 2
    assert eye.to_dict()["liked"] == 3
    assert len(search(held, Query(other), eye="mine")) == 10


def test_syncs_and_tunings_leave_it(held: Collection) -> None:
    save_eye(held, "mine", marks(held))
    draw_many(held.path.parent / "birds", 5, start=100)
    held.sync(encoder=ENCODER).result()
    held.tune().result()
    assert search(held, Query(asked(held)), eye="mine").eye == "mine"


def test_after_a_change_of_encoder_the_marks_are_left(held: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    save_eye(held, "mine", marks(held))
    monkeypatch.setattr(load, "load_encoder", lambda *_: OtherEncoder())
    held.migrate(OtherEncoder()).result()
    space = held.tuning.space if held.tuning else None
    (one,), _ = eye_named(held, "mine").marked(held, space)
    assert one.looks.shape == (1, OtherEncoder.dim)
    assert search(held, Query(asked(held)), eye="mine", encoder=OtherEncoder()).eye == "mine"


def test_pictures_that_are_gone(held: Collection) -> None:
    eye = save_eye(held, "mine", marks(held))
    save_eye(held, "mine", Query(asked(held, "4/00011.png"), Like("5/00012.png")))
    held.remove(ids=[*eye.searches[0].liked, *eye.searches[0].disliked])
    assert search(held, Query(asked(held)), eye="mine").eye == "mine"
    held.remove(ids=["5/00012.png"])
    with pytest.raises(UsageError, match=r"All pictures that eye 'mine' liked are gone from birds.samekind; drop it"):
        search(held, Query(asked(held)), eye="mine")


def test_what_makes_no_eye(held: Collection) -> None:
    for name in ("", "../mine", "a b", "-x", "x" * 41):
        with pytest.raises(UsageError, match="name is up to 40 letters"):
            save_eye(held, name, marks(held))
    liked = Like("5/00012.png")
    for query in (Query(asked(held)), Query(liked), Query(asked(held), Unlike("5/00012.png"))):
        with pytest.raises(UsageError, match="name at least one liked hit"):
            save_eye(held, "mine", query)
    with pytest.raises(UsageError, match="name at least one liked hit"):
        save_eye(held, "mine", Query(asked(held), liked, Unlike("5/00012.png")))
    with pytest.raises(UsageError, match="without words"):
        save_eye(held, "mine", Query(asked(held), liked, Words("red")))
    assert eyes(held) == []


def test_unknown_and_damaged_ones(held: Collection) -> None:
    save_eye(held, "mine", marks(held))
    with pytest.raises(UsageError, match="Did you mean 'mine'"):
        search(held, Query(asked(held)), eye="mime")
    with pytest.raises(UsageError, match=r"There is no eye in birds.samekind called 'yours'"):
        drop_eye(held, "yours")
    for text in ("", "[]", "{}", '{"searches": []}', '{"searches": [{"asked": 1}]}'):
        (held.path / FOLDER / "mine.json").write_text(text, "utf-8")
        with pytest.raises(DamagedCollection, match=r"cannot be read .*--drop mine"):
            eyes(held)
    drop_eye(held, "mine")
    assert eyes(held) == []


def test_one_writer_at_a_time(held: Collection) -> None:
    query = marks(held)
    with writing(held.path), pytest.raises(CollectionBusy):
        save_eye(held, "mine", query)


def run(held: Collection, verb: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, [verb, str(held.path), *arguments])


def test_the_command_from_end_to_end(held: Collection) -> None:
    picture = ("--picture", str(asked(held).source))
    kept = run(held, "search", *picture, "--like", "5/00012.png", "--save-eye", "mine", "--json")
    assert kept.exit_code == 0
    assert kept.stderr == "Eye mine now holds 1 liked and 0 disliked pictures.\n"
    assert json.loads(kept.stdout)["marks"] == 1
    told = json.loads(run(held, "eyes", "--json").stdout)
    assert [(one["name"], one["liked"]) for one in told] == [("mine", 1)]
    assert "mine" in run(held, "eyes").stdout
    by_eye = run(held, "search", *picture, "--eye", "mine")
    assert by_eye.exit_code == 0
    assert "Eye mine" in by_eye.stdout
    several = run(held, "search", "--query", "like:5/00012.png", "--query", "like:6/00013.png", "--save-eye", "mine")
    assert several.exit_code == 2
    assert "one query at a time" in several.stderr
    assert run(held, "search", "--words", "red", "--eye", "mine").exit_code == 2
    dropped = run(held, "eyes", "--drop", "mine")
    assert dropped.exit_code == 0
    assert dropped.stdout == "No marks were kept in birds.samekind.\n"
    gone = run(held, "search", *picture, "--eye", "mine")
    assert gone.exit_code == 2
    assert "There is no eye in birds.samekind called 'mine'" in gone.stderr
