"""Every edit of a scene: its words, what it adds and drops, and exactly which scenes come out of it. Ours.

An edit names things only where its words can mean nothing else in the scene. Its text names what is wanted, never what
goes ("make the circle blue"), but for removals, whose text names what goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from samekind.evaluation.toy.world import BACKGROUNDS, COLOURS, MOST, SHAPES, SIZES, Scene, Thing


@dataclass(frozen=True)
class Edit:
    """One edit of one scene.

    ``edit``: "change", "add", "remove" or "swap"; ``kind``: what it is about, a key of ``EDITS``; ``adds`` and
    ``drops``: what must be seen afterwards and what no longer, in short phrases; ``results``: all scenes that the text
    may mean, at least one.
    """

    edit: str
    kind: str
    text: str
    adds: tuple[str, ...]
    drops: tuple[str, ...]
    results: tuple[Scene, ...]


def edits(scene: Scene) -> tuple[Edit, ...]:
    """All edits of a scene, in the order of ``EDITS``; the scene itself is no result of any."""
    return tuple(edit for made in EDITS.values() for edit in made(scene))


def _colours(scene: Scene) -> Iterator[Edit]:
    for thing, count in _told_apart(scene, "shape"):
        for colour in COLOURS:
            if colour not in (thing.colour, scene.background):
                text = f"make the {_plural(thing.shape, count)} {colour}"
                adds, drops = f"{colour} {thing.shape}", f"{thing.colour} {thing.shape}"
                yield Edit("change", "colour", text, (adds,), (drops,), (_changed(scene, thing, colour=colour),))


def _shapes(scene: Scene) -> Iterator[Edit]:
    for thing, count in _told_apart(scene, "colour"):
        for shape in SHAPES:
            if shape != thing.shape:
                into = f"a {shape}" if count == 1 else _plural(shape, count)
                text = f"turn the {thing.colour} {_plural('thing', count)} into {into}"
                adds, drops = f"{thing.colour} {shape}", f"{thing.colour} {thing.shape}"
                yield Edit("change", "shape", text, (adds,), (drops,), (_changed(scene, thing, shape=shape),))


def _sizes(scene: Scene) -> Iterator[Edit]:
    for thing, count in _told_apart(scene, "shape"):
        (size,) = set(SIZES) - {thing.size}
        text = f"make the {_plural(thing.shape, count)} {size}"
        adds, drops = f"{size} {thing.shape}", f"{thing.size} {thing.shape}"
        yield Edit("change", "size", text, (adds,), (drops,), (_changed(scene, thing, size=size),))


def _backgrounds(scene: Scene) -> Iterator[Edit]:
    for ground in BACKGROUNDS:
        if ground != scene.background and ground not in {thing.colour for thing in scene.things}:
            result = replace(scene, background=ground)
            adds, drops = f"{ground} background", f"{scene.background} background"
            yield Edit("change", "background", f"on a {ground} background", (adds,), (drops,), (result,))


def _additions(scene: Scene) -> Iterator[Edit]:
    """A thing of a shape and colour that is not there yet; it may come anywhere between the others."""
    if len(scene.things) == MOST:
        return
    there = {(thing.colour, thing.shape) for thing in scene.things}
    columns = (False, True) if len(scene.things) == 1 else (scene.column,)
    for colour in COLOURS:
        for shape in SHAPES:
            if colour == scene.background or (colour, shape) in there:
                continue
            for size in SIZES:
                new = Thing(shape, colour, size)
                orders = [[*scene.things[:at], new, *scene.things[at:]] for at in range(len(scene.things) + 1)]
                results = tuple(Scene.of(order, scene.background, column) for column in columns for order in orders)
                name = f"{size} {colour} {shape}"
                yield Edit("add", "add", f"add a {name}", (name,), (), results)


def _removals(scene: Scene) -> Iterator[Edit]:
    """All things of one group; the others close up."""
    for thing, count in _told_apart(scene, "colour", "shape") if len(scene.groups) > 1 else ():
        rest = [other for other in scene.things if other.look != thing.look]
        text = f"remove the {thing.colour} {_plural(thing.shape, count)}"
        drops = f"{thing.colour} {thing.shape}"
        yield Edit("remove", "remove", text, (), (drops,), (Scene.of(rest, scene.background, scene.column),))


def _counts(scene: Scene) -> Iterator[Edit]:
    """More or fewer of the same, where there is nothing else; one may become a row or a column."""
    count, (thing, *_) = len(scene.things), scene.things
    columns = (False, True) if count == 1 else (scene.column,)
    for other in range(1, MOST + 1) if len(scene.groups) == 1 else ():
        if other != count:
            results = tuple(dict.fromkeys(Scene.of([thing] * other, scene.background, column) for column in columns))
            adds, drops = _counted(other, thing.shape), _counted(count, thing.shape)
            yield Edit("change", "count", f"{adds} instead", (adds,), (drops,), results)


def _attribute_swaps(scene: Scene) -> Iterator[Edit]:
    """Two groups exchange their colours: the same words, bound otherwise."""
    groups = _told_apart(scene, "shape")
    for place, (one, many) in enumerate(groups):
        for other, more in groups[place + 1 :]:
            if one.colour == other.colour:
                continue
            colours = {one.look: other.colour, other.look: one.colour}
            things = [replace(thing, colour=colours.get(thing.look, thing.colour)) for thing in scene.things]
            text = (
                f"make the {_plural(one.shape, many)} {other.colour} and the {_plural(other.shape, more)} {one.colour}"
            )
            adds = (f"{other.colour} {one.shape}", f"{one.colour} {other.shape}")
            drops = (f"{one.colour} {one.shape}", f"{other.colour} {other.shape}")
            result = Scene.of(things, scene.background, scene.column)
            yield Edit("swap", "attributes", text, adds, drops, (result,))


def _relation_swaps(scene: Scene) -> Iterator[Edit]:
    """Two groups change places: the same words, in another order."""
    groups = _told_apart(scene, "colour", "shape")
    if len(groups) != 2 or len(scene.groups) != 2:
        return
    (one, many), (other, more) = groups
    relation = "above" if scene.column else "left of"
    first = f"{one.colour} {_plural(one.shape, many)}"
    second = f"{other.colour} {_plural(other.shape, more)}"
    result = Scene.of([*[other] * more, *[one] * many], scene.background, scene.column)
    adds, drops = f"{second} {relation} {first}", f"{first} {relation} {second}"
    yield Edit("swap", "relation", f"move the {second} {relation} the {first}", (adds,), (drops,), (result,))


EDITS: dict[str, Callable[[Scene], Iterator[Edit]]] = {
    "colour": _colours,
    "shape": _shapes,
    "size": _sizes,
    "background": _backgrounds,
    "add": _additions,
    "remove": _removals,
    "count": _counts,
    "attributes": _attribute_swaps,
    "relation": _relation_swaps,
}
"""Every kind of edit: scene -> all its edits of that kind."""


def _told_apart(scene: Scene, *names: str) -> Sequence[tuple[Thing, int]]:
    """The groups whose named attributes no other group shares, and how many things each has."""
    keys = [tuple(getattr(thing, name) for name in names) for thing, _ in scene.groups]
    return [group for group, key in zip(scene.groups, keys, strict=True) if keys.count(key) == 1]


def _changed(scene: Scene, old: Thing, **attributes: str) -> Scene:
    things = [replace(thing, **attributes) if thing.look == old.look else thing for thing in scene.things]
    return Scene.of(things, scene.background, scene.column)


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _counted(count: int, noun: str) -> str:
    return f"{('one', 'two', 'three')[count - 1]} {_plural(noun, count)}"
