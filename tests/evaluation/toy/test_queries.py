"""Edits, the gallery, and queries whose right answers are exact."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings

from samekind.errors import UsageError
from samekind.evaluation.toy.edits import EDITS, edits
from samekind.evaluation.toy.language import caption, shows
from samekind.evaluation.toy.queries import KINDS, ToyQuery, gallery, has_change, queries
from samekind.evaluation.toy.swaps import SWAPS
from samekind.evaluation.toy.world import Scene, Thing
from tests.evaluation.toy.conftest import scenes

RED = Thing("square", "red", "small")
BLUE = Thing("circle", "blue", "small")
PAIR = Scene.of([RED, BLUE], "white")


def results(scene: Scene, text: str) -> list[str]:
    (edit,) = [edit for edit in edits(scene) if edit.text == text]
    return sorted(caption(result).removesuffix(" on a white background") for result in edit.results)


@pytest.mark.parametrize(
    ("scene", "text", "wanted"),
    [
        (PAIR, "make the circle green", ["a small red square left of a small green circle"]),
        (PAIR, "turn the red thing into a star", ["a small red star left of a small blue circle"]),
        (PAIR, "make the square large", ["a large red square left of a small blue circle"]),
        (PAIR, "remove the blue circle", ["a small red square"]),
        (PAIR, "make the square blue and the circle red", ["a small blue square left of a small red circle"]),
        (PAIR, "move the blue circle left of the red square", ["a small blue circle left of a small red square"]),
        (
            PAIR,
            "add a large red star",
            [
                "a large red star left of a small red square left of a small blue circle",
                "a small red square left of a large red star left of a small blue circle",
                "a small red square left of a small blue circle left of a large red star",
            ],
        ),
        (
            Scene.of([RED], "white"),
            "two squares instead",
            ["two small red squares", "two small red squares in a column"],
        ),
        (Scene.of([RED] * 3, "white", True), "two squares instead", ["two small red squares in a column"]),
        (Scene.of([RED] * 2, "white"), "turn the red things into stars", ["two small red stars"]),
        (Scene.of([RED, BLUE, RED], "white"), "remove the blue circle", ["two small red squares"]),
    ],
)
def test_edits_by_hand(scene: Scene, text: str, wanted: list[str]) -> None:
    assert results(scene, text) == wanted


def test_a_background_by_hand() -> None:
    found = [edit for edit in edits(PAIR) if edit.kind == "background"]
    assert [edit.text for edit in found] == [
        f"on a {ground} background" for ground in ("green", "yellow", "purple", "black")
    ]
    assert found[0].results == (Scene.of([RED, BLUE], "green"),)
    assert (found[0].adds, found[0].drops) == (("green background",), ("white background",))


def test_nothing_is_named_that_could_be_another() -> None:
    twins = Scene.of([RED, Thing("square", "blue", "large")], "white")
    kinds = {edit.kind for edit in edits(twins)}
    assert kinds == {"shape", "background", "add", "remove", "relation"}
    assert {edit.text for edit in edits(twins) if edit.kind == "remove"} == {
        "remove the red square",
        "remove the blue square",
    }


def attributes(scene: Scene) -> dict[str, Counter[object]]:
    """What each kind of change may touch, counted over the things."""
    things = scene.things
    return {
        "colour": Counter((thing.shape, thing.size) for thing in things),
        "shape": Counter((thing.colour, thing.size) for thing in things),
        "size": Counter((thing.colour, thing.shape) for thing in things),
        "relation": Counter(thing.look for thing in things),
        "count": Counter({thing.look: 1 for thing in things}),
        "background": Counter(things),
        "attributes": Counter((thing.shape, thing.size, thing.position) for thing in things),
    }


@given(scenes)
@settings(max_examples=60)
def test_an_edit_changes_what_it_says_and_nothing_else(scene: Scene) -> None:
    for edit in edits(scene):
        assert scene not in edit.results
        assert len(set(edit.results)) == len(edit.results) > 0
        for drop in edit.drops:
            assert shows(scene, drop)
        for result in edit.results:
            assert has_change(result, edit)
            assert (result.background == scene.background) is (edit.kind != "background")
            looks, before = Counter(thing.look for thing in result.things), Counter(t.look for t in scene.things)
            if edit.kind == "add":
                assert (looks - before).total() == 1
                assert not before - looks
            elif edit.kind == "remove":
                (gone,) = before - looks
                assert not looks - before
                assert looks[gone] == 0
            else:
                assert attributes(result)[edit.kind] == attributes(scene)[edit.kind]
            if min(len(scene.things), len(result.things)) > 1:
                assert result.column == scene.column


@given(scenes)
@settings(max_examples=100)
def test_a_swapped_caption_has_the_same_words(scene: Scene) -> None:
    for edit in (edit for kind in SWAPS for edit in EDITS[kind](scene)):
        (result,) = edit.results
        assert caption(result) != caption(scene)
        assert Counter(caption(result).split()) == Counter(caption(scene).split())


def test_only_removals_speak_of_what_goes(world: tuple[Scene, ...]) -> None:
    for edit in (edit for scene in world[:60] for edit in edits(scene)):
        if edit.edit != "remove":
            assert all(shows(result, edit.text) for result in edit.results)


def test_a_gallery_is_the_same_again_and_without_copies(world: tuple[Scene, ...]) -> None:
    assert gallery(0, 600) == world
    assert len(set(world)) == 600
    assert gallery(1, 600) != world


def test_queries_are_the_same_again(world: tuple[Scene, ...], asked: tuple[ToyQuery, ...]) -> None:
    assert queries(world, 1, 90) == asked
    assert Counter(query.kind for query in asked) == dict.fromkeys(KINDS, 10)
    assert len({(query.kind, query.reference) for query in asked}) == 90


def test_every_target_is_the_edit_and_no_other(world: tuple[Scene, ...], asked: tuple[ToyQuery, ...]) -> None:
    for query in asked:
        (edit,) = [edit for edit in edits(world[query.reference]) if edit.text == query.text]
        assert query.targets == {row for row, scene in enumerate(world) if scene in edit.results}
        assert (query.edit, query.kind, query.adds, query.drops) == (edit.edit, edit.kind, edit.adds, edit.drops)
        assert query.after in {caption(world[row]) for row in query.targets}
        assert query.targets
        assert query.reference not in query.targets


def test_hard_distractors_are_there(world: tuple[Scene, ...], asked: tuple[ToyQuery, ...]) -> None:
    for query in asked:
        others = set(range(len(world))) - query.targets - {query.reference}
        assert any(has_change(world[row], query) for row in others)


def test_kinds_can_be_chosen(world: tuple[Scene, ...]) -> None:
    assert Counter(query.kind for query in queries(world, 0, 5, ("remove", "size"))) == {"remove": 3, "size": 2}


def test_what_cannot_be_asked(world: tuple[Scene, ...]) -> None:
    with pytest.raises(UsageError, match=r"There is no kind of edit 'color'.*Did you mean 'colour'"):
        queries(world, 0, 5, ("color",))
    with pytest.raises(UsageError, match=r"A gallery of 20 scenes has only .* queries of kind 'count', not 50"):
        queries(world[:20], 0, 50, ("count",))
