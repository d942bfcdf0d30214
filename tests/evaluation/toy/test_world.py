"""Scenes, their captions, and what is heard in a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from samekind.errors import UsageError
from samekind.evaluation.toy.language import Heard, Phrase, caption, described, hear, shows
from samekind.evaluation.toy.world import Scene, Thing
from tests.evaluation.toy.conftest import scenes

CIRCLE, SQUARE = Thing("circle", "red", "small"), Thing("square", "blue", "large")


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (Scene.of([CIRCLE], "white"), "a small red circle on a white background"),
        (Scene.of([CIRCLE] * 2, "green"), "two small red circles on a green background"),
        (Scene.of([CIRCLE] * 3, "green", True), "three small red circles in a column on a green background"),
        (Scene.of([SQUARE, CIRCLE], "white"), "a large blue square left of a small red circle on a white background"),
        (
            Scene.of([SQUARE, CIRCLE, CIRCLE], "black", True),
            "a large blue square above two small red circles on a black background",
        ),
    ],
)
def test_captions(scene: Scene, words: str) -> None:
    assert caption(scene) == words


@given(scenes)
@settings(max_examples=300)
def test_a_caption_identifies_its_scene(scene: Scene) -> None:
    heard = hear(caption(scene))
    assert heard == described(scene)
    things = [
        Thing(str(one.shape), str(one.colour), str(one.size)) for one in heard.phrases for _ in range(one.count or 0)
    ]
    assert Scene.of(things, str(heard.background), heard.column) == scene


@given(scenes)
def test_a_scene_shows_its_caption(scene: Scene) -> None:
    assert shows(scene, caption(scene))


RED_CIRCLE = Phrase(colour="red", shape="circle")


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("red", Heard((Phrase(colour="red"),))),
        ("Red circles", Heard((RED_CIRCLE,))),
        ("a red circle", Heard((Phrase(1, colour="red", shape="circle"),))),
        ("make the circle red", Heard((RED_CIRCLE,))),
        ("remove the red circle", Heard((RED_CIRCLE,))),
        ("no red circle", Heard((RED_CIRCLE,))),
        ("turn the red thing into a circle", Heard((RED_CIRCLE,))),
        ("turn the red things into circles", Heard((RED_CIRCLE,))),
        ("three stars instead", Heard((Phrase(3, shape="star"),))),
        ("on a green background", Heard(background="green")),
        ("people", Heard(unknown=("people",))),
        ("red people and dogs", Heard((Phrase(colour="red"),), unknown=("dogs", "people"))),
        ("", Heard()),
        ("red and blue circle", Heard((Phrase(colour="red"), Phrase(colour="blue", shape="circle")))),
        (
            "the star right of the square",
            Heard(
                (Phrase(shape="star"), Phrase(shape="square")),
                ((Phrase(shape="square"), "left of", Phrase(shape="star")),),
            ),
        ),
    ],
)
def test_what_is_heard(text: str, heard: Heard) -> None:
    assert hear(text) == heard


def test_a_chain_of_relations_says_what_follows() -> None:
    heard = hear("a star above a square above a circle")
    assert [(a.shape, b.shape) for a, _, b in heard.relations] == [
        ("star", "square"),
        ("star", "circle"),
        ("square", "circle"),
    ]
    assert heard.column


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("red", True),
        ("red square", False),
        ("two circles", True),
        ("a circle", False),
        ("blue square above red circle", True),
        ("red circle above blue square", False),
        ("circles below a square", True),
        ("square left of circle", False),
        ("black background", True),
        ("black", False),
        ("people", False),
        ("", False),
    ],
)
def test_what_a_scene_shows(text: str, true: bool) -> None:
    assert shows(Scene.of([SQUARE, CIRCLE, CIRCLE], "black", True), text) is true


def test_alike_scenes_are_equal() -> None:
    assert Scene.of([CIRCLE], "white", column=True) == Scene.of([CIRCLE], "white")
    assert Scene.of([CIRCLE, SQUARE], "white") == Scene.of(Scene.of([CIRCLE, SQUARE], "white", True).things, "white")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Thing("cube", "red", "small"), "no 'cube'; choose one of circle"),
        (lambda: Scene.of([], "white"), "one to 3 things, not 0"),
        (lambda: Scene.of([CIRCLE] * 4, "white"), "one to 3 things, not 4"),
        (lambda: Scene.of([CIRCLE], "grey"), "no 'grey' ground"),
        (lambda: Scene.of([CIRCLE], "red"), "cannot be seen on a red ground"),
        (lambda: Scene((CIRCLE, SQUARE), "white"), "2 things cannot be at middle, middle"),
    ],
)
def test_what_is_no_scene(make: object, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        make()  # type: ignore[operator]
