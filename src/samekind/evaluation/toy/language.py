"""What the toy world's words mean: exact captions of scenes, and what a text says about one. Ours."""

from __future__ import annotations

import re
from dataclasses import dataclass

from samekind.evaluation.toy.world import BACKGROUNDS, SHAPES, SIZES, Scene, Thing

NUMBERS = {"a": 1, "one": 1, "two": 2, "three": 3}
RELATIONS = {
    "left": ("left of", False),
    "right": ("left of", True),
    "above": ("above", False),
    "below": ("above", True),
}
"""A word between two things: the relation that it stands for, and whether it names the second of the two first."""

_HOLDS = frozenset({"thing", "things", "into"})
_ENDS = frozenset(
    {"the", "and", "of", "on", "in", "with", "without", "no", "not", "only", "make", "turn", "move", "add", "remove"}
    | {"instead", "it", "picture", "photo"}
)
_ATTRIBUTES = (
    {word: ("size", word) for word in SIZES}
    | {word: ("colour", word) for word in BACKGROUNDS}
    | {word: ("shape", word) for word in SHAPES}
    | {f"{word}s": ("shape", word) for word in SHAPES}
)


@dataclass(frozen=True)
class Phrase:
    """Things that are spoken of together; what is not said of them is None."""

    count: int | None = None
    size: str | None = None
    colour: str | None = None
    shape: str | None = None

    def fits(self, other: Phrase) -> bool:
        """Whether all that is said here is said of ``other``, too."""
        said = ((self.count, other.count), (self.size, other.size), (self.colour, other.colour))
        return all(mine in (None, theirs) for mine, theirs in (*said, (self.shape, other.shape)))


@dataclass(frozen=True)
class Heard:
    """What a text says about a picture.

    ``relations``: (phrase, "left of" or "above", phrase), what follows from a chain included; ``column``: whether
    things are said to stand one above the other; ``unknown``: words that mean nothing in this world, sorted.
    """

    phrases: tuple[Phrase, ...] = ()
    relations: tuple[tuple[Phrase, str, Phrase], ...] = ()
    background: str | None = None
    column: bool = False
    unknown: tuple[str, ...] = ()


def caption(scene: Scene) -> str:
    """The one caption of a scene, which says all of it: "a large blue square left of a small red circle on a ..."."""
    parts = [_named(count, thing) for thing, count in scene.groups]
    stacked = " in a column" if scene.column and len(parts) == 1 else ""
    return f"{(' above ' if scene.column else ' left of ').join(parts)}{stacked} on a {scene.background} background"


def described(scene: Scene) -> Heard:
    """What is heard in a scene's caption, told from the scene itself."""
    phrases = tuple(Phrase(count, *thing.look) for thing, count in scene.groups)
    word = "above" if scene.column else "left of"
    pairs = [(i, word, j) for i in range(len(phrases)) for j in range(i + 1, len(phrases))]
    return Heard(phrases, _related(phrases, pairs), scene.background, scene.column)


def hear(text: str) -> Heard:
    """What a caption, a phrase such as "red circle", or the text of an edit says.

    A colour, size or shape joins the phrase before it ("make the circle blue" speaks of a blue circle) until that has
    one, or an article or a number begins another. Words of asking ("make", "remove", "no") say nothing: as in
    real text encoders, "remove the red circle" speaks of a red circle.
    """
    phrases: list[Phrase] = []
    pairs: list[tuple[int, str, int]] = []
    said: dict[str, str | int] = {}
    background: str | None = None
    pending: tuple[int, str, bool] | None = None
    column = False
    unknown: set[str] = set()

    def close() -> None:
        nonlocal pending
        if said.keys() - {"count"}:
            phrases.append(Phrase(**said))  # type: ignore[arg-type]
            if pending:
                first, relation, turned = pending
                last = len(phrases) - 1
                pairs.append((last, relation, first) if turned else (first, relation, last))
                pending = None
        said.clear()

    for word in re.findall(r"\w+", text.lower().replace(" into a ", " into ")):
        if word in _ATTRIBUTES:
            name, value = _ATTRIBUTES[word]
            if name in said:
                close()
            said[name] = value
        elif word in NUMBERS:
            close()
            said["count"] = NUMBERS[word]
        elif word in RELATIONS:
            close()
            relation, turned = RELATIONS[word]
            pending = (len(phrases) - 1, relation, turned) if phrases else None
            column |= relation == "above"
        elif word == "background":
            background = str(said.pop("colour")) if "colour" in said else background
            close()
        elif word == "column":
            said.clear()
            column = True
        elif word in _ENDS:
            close()
        elif word not in _HOLDS:
            unknown.add(word)
    close()
    pairs += [(i, word, n) for i, word, j in pairs for m, other, n in pairs if (j, word) == (m, other)]
    return Heard(tuple(phrases), _related(phrases, pairs), background, column, tuple(sorted(unknown)))


def shows(scene: Scene, text: str) -> bool:
    """Whether all that a text says is so in a scene; a text with unknown words, or that says nothing, is not."""
    wanted, there = hear(text), described(scene)
    return (
        not wanted.unknown
        and wanted != Heard()
        and wanted.background in (None, there.background)
        and (there.column or not wanted.column)
        and all(any(one.fits(other) for other in there.phrases) for one in wanted.phrases)
        and all(
            any(a.fits(c) and word == other and b.fits(d) for c, other, d in there.relations)
            for a, word, b in wanted.relations
        )
    )


def _named(count: int, thing: Thing) -> str:
    words = (("a", "two", "three")[count - 1], *thing.look)
    return " ".join(words) + ("s" if count > 1 else "")


def _related(
    phrases: tuple[Phrase, ...] | list[Phrase], pairs: list[tuple[int, str, int]]
) -> tuple[tuple[Phrase, str, Phrase], ...]:
    return tuple((phrases[i], word, phrases[j]) for i, word, j in sorted(set(pairs)))
