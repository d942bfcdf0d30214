"""What is asked with: options that several verbs have, and the parts of a query that they make."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.errors import UsageError

if TYPE_CHECKING:
    from samekind.pictures.views import Box
    from samekind.query import Part, Query

Pictures = Annotated[list[str], typer.Option(help="A picture file to ask with, - for standard input.")]
Weights = Annotated[list[float], typer.Option(help="Weight of each --picture, in order; may be negative.")]
Crops = Annotated[list[str], typer.Option(help="L,T,W,H in pixels of each upright --picture, in order, or whole.")]
Likes = Annotated[list[str], typer.Option(help="A picture of the collection, by id or path.")]
Unlikes = Annotated[list[str], typer.Option(help="The same, to keep away from.")]
Vectors = Annotated[list[Path], typer.Option(help="A .npy file with one vector of the encoder.")]
InWords = Annotated[list[str], typer.Option(help="What the picture is to show, in words.")]
Not = Annotated[list[str], typer.Option("--not", metavar="TEXT", help="What must not be there, in words.")]
Method = Annotated[str | None, typer.Option(help="How picture and words become one: sum, pdv, roles ...")]
Change = Annotated[float | None, typer.Option(help="How much the words change the picture; usually 1.")]
Keep = Annotated[float | None, typer.Option(help="How much of the picture stays, 0 to 1; usually .5.")]
Rewritten = Annotated[str | None, typer.Option(help="The picture after the change, in words, for methods that ask so.")]
WeakCaptions = Annotated[
    str | None,
    typer.Option(help="Texts that words are looked up in too: folders,files,captions,columns (all), or none."),
]
WithReference = Annotated[
    bool, typer.Option("--with-reference", help="With words: the picture itself and its copies can be hits, too.")
]
WithEye = Annotated[str | None, typer.Option("--eye", help="Order by these kept marks, too, where they have a say.")]
ByParts = Annotated[
    str | None,
    typer.Option(
        "--parts",
        metavar="mine|theirs",
        help="Find what is a part of my picture (mine), or pictures that mine is a part of (theirs).",
    ),
]


def queries_of(
    forms: list[str],
    pictures: list[str],
    weights: list[float],
    crops: list[str],
    likes: list[str],
    unlikes: list[str],
    vectors: list[Path],
    words: list[str],
    no: list[str],
) -> list[Query]:
    """One query of all options, or one of each written form. Raises UsageError where both are given, or neither."""
    from samekind.query import Query, parse

    if not forms and not (pictures or likes or unlikes or vectors or words or no):
        raise UsageError(
            "Say what to look for: --picture FILE (- for standard input), --words TEXT, --like ITEM, --vector FILE or "
            "--query FORM."
        )
    if forms and (pictures or weights or crops or likes or unlikes or vectors or words or no):
        raise UsageError(
            "--query says all that is asked for; leave out --picture, --weight, --crop, --words, --not, --like, "
            "--unlike and --vector."
        )
    return [parse(form) for form in forms] or [
        Query(*_pictures(pictures, weights, crops), *_said(words, no), *_items(likes, unlikes), *_vectors(vectors))
    ]


def _pictures(sources: list[str], weights: list[float], crops: list[str]) -> list[Part]:
    from samekind.query import Picture

    for name, given in (("--weight", weights), ("--crop", crops)):
        if given and len(given) != len(sources):
            raise UsageError(f"Give {name} once for each --picture: {len(sources)} times, not {len(given)}.")
    if sources.count("-") > 1:
        raise UsageError("Only one --picture can be standard input.")
    return [
        Picture(
            sys.stdin.buffer.read() if source == "-" else Path(source),
            _box(crops[n]) if crops else None,
            weights[n] if weights else 1.0,
        )
        for n, source in enumerate(sources)
    ]


def _said(words: list[str], no: list[str]) -> list[Part]:
    from samekind.query import Drop, Words

    return [*map(Words, words), *map(Drop, no)]


def _items(like: list[str], unlike: list[str]) -> list[Part]:
    from samekind.query import Like, Unlike

    return [*map(Like, like), *map(Unlike, unlike)]


def _vectors(files: list[Path]) -> list[Part]:
    if not files:
        return []
    import numpy as np

    from samekind.query import Vector

    parts: list[Part] = []
    for file in files:
        try:
            values = np.load(file, allow_pickle=False)
        except FileNotFoundError:
            raise UsageError(f"There is no vector file {file}.") from None
        except (OSError, ValueError, EOFError) as problem:
            raise UsageError(f"{file} is no .npy file with a vector ({problem}).") from None
        parts.append(Vector(np.squeeze(values)))
    return parts


def _box(text: str) -> Box | None:
    from samekind.pictures.views import Box

    if text == "whole":
        return None
    try:
        left, top, width, height = (float(number) for number in text.split(","))
    except ValueError:
        raise UsageError(f"A crop is LEFT,TOP,WIDTH,HEIGHT in pixels, or whole, not {text!r}.") from None
    return Box(left, top, width, height)
