"""The pair that needs nothing: what each pattern makes of captions, and what holds for any text."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.evaluation.composed.circo import read_circo
from samekind.evaluation.composed.cirr import read_cirr
from samekind.query.language.rules import RULES, RuleCaptioner, RuleRewriter, caption_of, understood

TWO = "a photo of a kettle and a stove"


@pytest.mark.parametrize(
    ("concepts", "caption"),
    [
        ([], "a photo"),
        ([("kettle", 0.9)], "a photo of a kettle"),
        ([("kettle", 0.9), ("oven", 0.5)], "a photo of a kettle and an oven"),
        ([("kettle", 0.9), ("oven", 0.5), ("cat", 0.3), ("dog", 0.3)], "a photo of a kettle, an oven and a cat"),
        ([("kettle", 0.9), ("oven", 0.2)], "a photo of a kettle"),
        ([("kettle", 0.9), ("kettle", 0.8)], "a photo of a kettle"),
        ([("shelves", 1), ("glass", 1), ("people", 1)], "a photo of shelves, a glass and people"),
        ([("  ", 1), ("kettle", 0.0), ("cat", -1)], "a photo"),
    ],
)
def test_a_caption_names_the_concepts_that_count(concepts: list[tuple[str, float]], caption: str) -> None:
    assert caption_of(concepts) == caption
    assert RuleCaptioner(concepts).caption(b"") == caption


@pytest.mark.parametrize(
    ("caption", "change", "text", "adds", "drops", "rule"),
    [
        (TWO, "remove the stove", "a photo of a kettle", (), ("stove",), "remove"),
        (TWO, "Remove kettle.", "a photo of a stove", (), ("kettle",), "remove"),
        (TWO, "without the kettle", "a photo of a stove", (), ("kettle",), "not"),
        (TWO, "no stoves", "a photo of a kettle", (), ("stoves",), "not"),
        (TWO, "the stove is missing", "a photo of a kettle", (), ("stove",), "not"),
        (TWO, "take the stove away", "a photo of a kettle", (), ("stove",), "remove"),
        (TWO, "doesn’t have a stove", "a photo of a kettle", (), ("stove",), "not"),
        (TWO, "remove the kettle, the stove and the pan", "a photo", (), ("kettle", "stove", "pan"), "remove + remove"),
        (TWO, "no pan, stove or cat", "a photo of a kettle", (), ("pan", "stove", "cat"), "not"),
        (TWO, "no people in the background", TWO, (), ("people",), "not"),
        (TWO, "no other people", TWO, (), (), "not"),
        (TWO, "don't remove the stove", TWO, (), (), "keep"),
        (TWO, "not without a lid", f"{TWO} with a lid", ("a lid",), (), "add"),
        (TWO, "remove one stove", TWO, (), (), "less"),
        (TWO, "less shiny", TWO, (), (), "less"),
        (TWO, "remove all but one stove", f"{TWO}, only one stove", (), (), "only"),
        (TWO, "no red and blue stripes", TWO, (), ("red and blue stripes",), "not"),
        (TWO, "no collar and a logo", f"{TWO}, a logo", (), ("collar",), "not + words"),
        (TWO, "no shoulder straps and looser skirt", f"{TWO}, looser skirt", (), ("shoulder straps",), "not + words"),
        (TWO, "no words but people", f"{TWO}, people", (), ("words",), "not + words"),
        (TWO, "is not on the lawn and she is dry", f"{TWO}, she is dry", (), ("lawn",), "not + words"),
        (TWO, "remove the cat, only plants", f"{TWO}, only plants", (), ("cat",), "remove + words"),
        (TWO, "not a dog with a puppy", TWO, (), ("dog",), "not"),
        (TWO, "replace the kettle with a pan", "a photo of a pan and a stove", ("a pan",), ("kettle",), "replace"),
        (TWO, "change the kettle to a pan", "a photo of a pan and a stove", ("a pan",), ("kettle",), "replace"),
        (TWO, "has a pan instead of a kettle", "a photo of a pan and a stove", ("a pan",), ("kettle",), "instead"),
        (TWO, "pan rather than kettle", "a photo of pan and a stove", ("pan",), ("kettle",), "instead"),
        (TWO, "a pan instead of a cat", f"{TWO}, a pan", ("a pan",), ("cat",), "instead"),
        (TWO, "change the kettle to blue", f"{TWO}, blue kettle", ("blue kettle",), (), "make"),
        (TWO, "change the color of the kettle to blue", f"{TWO}, blue kettle", ("blue kettle",), (), "make"),
        (TWO, "make the kettle blue", f"{TWO}, blue kettle", ("blue kettle",), (), "make"),
        (TWO, "add a cat", f"{TWO} with a cat", ("a cat",), (), "add"),
        (TWO, "with a cat and a dog", f"{TWO} with a cat and a dog", ("a cat and a dog",), (), "add"),
        (f"{TWO} with a lid", "add a cat", f"{TWO} with a lid, a cat", ("a cat",), (), "add"),
        ("a red kettle", "same but in blue", "a blue kettle", ("blue",), (), "same in"),
        ("a red kettle", "the same in off-white", "an off-white kettle", ("off-white",), (), "same in"),
        ("a kettle", "make it dark green", "a kettle in dark green", ("dark green",), (), "same in"),
        ("a kettle", "the same in size 30 cm", "a kettle in size 30 cm", ("size 30 cm",), (), "same in"),
        ("a red kettle", "pan from the same series in the same colour", "a photo of a red pan", ("pan",), (), "kind"),
        ("a kettle", "is blue and has no lid", "a kettle, blue", ("blue",), ("lid",), "is + not"),
        ("a kettle", "has the same angle and is wet", "a kettle, wet", ("wet",), (), "keep + is"),
        ("a kettle", "is darker", "a kettle, darker", (), (), "is"),
        ("a kettle", "seen by the sea", "a kettle, seen by the sea", (), (), "words"),
        ("A red kettle sits on a stove.", "without stove", "A red kettle sits.", (), ("stove",), "not"),
        ("a dress with long sleeves", "no sleeves", "a dress", (), ("sleeves",), "not"),
        ("a man with a dog", "remove the man", "a dog", (), ("man",), "remove"),
        ("two women on a beach", "no people", "a photo on a beach", (), ("people",), "not"),
        ("a man with a cat", "a dog instead of a child", "a man with a cat, a dog", ("a dog",), ("child",), "instead"),
        ("two women on a beach", "no woman", "a photo on a beach", (), ("woman",), "not"),
        ("", "no dogs", "a photo", (), ("dogs",), "not"),
    ],
)  # fmt: skip
def test_each_pattern(
    caption: str, change: str, text: str, adds: tuple[str, ...], drops: tuple[str, ...], rule: str
) -> None:
    found = understood(caption, change)
    assert (found.text, found.adds, found.drops, found.rule) == (text, adds, drops, rule)
    assert RuleRewriter().rewrite(caption, change) == text
    assert found.to_dict() == {"text": text, "adds": adds, "drops": drops, "rule": rule}


texts = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            re.split(
                " ",
                "no not without remove the a dog cat and or but , . instead of rather than replace with change to make "
                "it in blue same add is has doesn't less all one of them from series colour only n't background",
            )
        ),
        max_size=14,
    ).map(" ".join),
)


@given(texts, texts)
def test_any_text_is_taken_and_the_result_is_never_empty(caption: str, change: str) -> None:
    found = understood(caption, change)
    assert found.text.strip()
    assert set(found.rule.split(" + ")) <= {*RULES, ""}
    assert all(name.strip() for name in (*found.adds, *found.drops))
    assert understood(caption, change) == found


@given(texts.filter(str.strip), st.sampled_from(["", " ", "\n\t", ".", ",;"]))
def test_an_empty_change_leaves_the_caption(caption: str, change: str) -> None:
    assert understood(caption, change).text == caption


NOUNS = ("dog", "zebra", "vase", "glass", "cherry", "people", "wine bottle", "traffic light")
NEGATIONS = (
    "no {}",
    "without {}",
    "without a {}",
    "remove the {}",
    "remove {} from the picture",
    "delete all {}",
    "get rid of the {}",
    "take away the {}",
    "there is no {}",
    "is blue and has no {}",
    "is blue with no {} and a lid",
    "shows no {} in the background",
    "does not have a {}",
    "doesnt have {}",
    "they aren't a {}",
    "a lid and not a {}",
    "a lid instead of a {}",
    "a lid rather than {}",
    "a lid rather showing {}",
    "replace the {} with a lid",
    "change the {} into a lid",
    "swap {} for a lid",
    "the {} is not visible",
    "the {} should be removed",
    "no {} are visible",
    "no spoon, fork or {}",
    "no spoon or {}",
    "no spoon and no {}",
    "no spoon nor {}",
    "no spoon and {}",
    "without a spoon and a {}",
    "not a spoon with a {}",
    "remove the spoon and the {}",
    "remove the spoon, the {} and the fork",
    "remove spoon, {} and fork",
    "lacks a {}",
    "free of {}",
    "avoid {}",
    "I don't want a {}",
    "never show a {}",
    "add a lid, no {}",
    "add a lid; remove the {}",
)


@pytest.mark.parametrize("written", NEGATIONS)
@pytest.mark.parametrize("caption", ["", "a photo of a {} and a kettle", "A red kettle and a {} on a lawn."])
@pytest.mark.parametrize("noun", NOUNS)
def test_what_is_negated_is_never_added(caption: str, written: str, noun: str) -> None:
    found = understood(caption.format(noun), written.format(noun))
    named = re.compile(rf"\b{noun}", re.IGNORECASE)
    unclear = written == "not a spoon with a {}"  # nothing is said of what the spoon is with
    assert not named.search(found.text) or (unclear and found.text == caption.format(noun)), found
    assert not any(named.search(name) for name in found.adds), found
    assert any(named.search(name) for name in found.drops) or unclear, found


def test_long_texts_take_no_long_time() -> None:
    for piece in ("one ", "no ", "a, ", "same ", "not a dog and ", "is ", "  "):
        assert understood("of " * 3000, piece * 300).text.strip()
        assert understood("a kettle", piece * 30_000).text.strip()


@pytest.mark.shared
def test_real_changes(shared_annotations: Path) -> None:
    """Nothing that stands behind "no" or "remove the" in a real change is added under the same name."""
    rules: Counter[str] = Counter()
    benchmarks = (read_cirr(shared_annotations / "cirr"), read_circo(shared_annotations / "circo"))
    for query in (query for benchmark in benchmarks for query in benchmark.queries):
        change = query.texts[0]
        found = understood(TWO, change)
        rules.update(set(found.rule.split(" + ")))
        assert found.text.strip()
        for noun in re.findall(r"\b(?:no|remove the) (\w{3,})(?=$|[.,;])", change, re.IGNORECASE):
            if len(re.findall(rf"\b{noun}\b", change)) == 1:
                assert not any(re.search(rf"\b{noun}\b", name) for name in found.adds), (change, found)
                assert not re.search(rf"\b{noun}\b", found.text), (change, found)
    assert rules["remove"] > 100
    assert rules["not"] > 100
