"""samekind explain: why a hit came."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.asking import (
    ByParts,
    Change,
    Crops,
    InWords,
    Keep,
    Likes,
    Method,
    Not,
    Pictures,
    Rewritten,
    Unlikes,
    Vectors,
    WeakCaptions,
    Weights,
    WithEye,
    WithReference,
    queries_of,
)

if TYPE_CHECKING:
    from samekind.query.reasons import Reasons

app = typer.Typer(add_completion=False)


@app.command()
def explain(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    picture: Pictures = [],  # noqa: B006
    weight: Weights = [],  # noqa: B006
    crop: Crops = [],  # noqa: B006
    like: Likes = [],  # noqa: B006
    unlike: Unlikes = [],  # noqa: B006
    vector: Vectors = [],  # noqa: B006
    words: InWords = [],  # noqa: B006
    no: Not = [],  # noqa: B006
    method: Method = None,
    change: Change = None,
    rewritten: Rewritten = None,
    weak_captions: WeakCaptions = None,
    with_reference: WithReference = False,
    keep: Keep = None,
    query: Annotated[str | None, typer.Option(help="All that was asked in one form, as for search.")] = None,
    hit: Annotated[
        str | None, typer.Option(help="The hit, by id or path; else the first that is not the very file.")
    ] = None,
    where: Annotated[list[str], typer.Option(help="Filters, as for search.")] = [],  # noqa: B006
    eye: WithEye = None,
    parts: ByParts = None,
    no_tune: Annotated[bool, typer.Option("--no-tune", help="In the plain encoder's space.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Also draw both pictures, warm where they correspond, into this .png.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Why a hit came: what its score is made of, what put it at its place, where the pictures look alike.

    Example: samekind explain birds.samekind --picture robin.jpg --out why.png
    """
    from samekind.cli.progress import follow
    from samekind.collection import Collection
    from samekind.query.explain import explain as run
    from samekind.query.overlay import check_overlay_name, write_overlay
    from samekind.query.said import Said
    from samekind.query.wordings import prepare

    if out is not None:
        check_overlay_name(out)
    forms = [] if query is None else [query]
    (asked,) = queries_of(forms, picture, weight, crop, like, unlike, vector, words, no)
    held = Collection.open(collection)
    if asked.worded:
        follow(prepare(held, Said(weak_captions=weak_captions).sources(held)))
    reasons = run(
        held,
        asked,
        hit,
        where=" and ".join(f"({one})" for one in where) or None,
        tune=not no_tune,
        method=method,
        change=change,
        keep=keep,
        rewritten=rewritten,
        weak_captions=weak_captions,
        with_reference=with_reference,
        parts=parts,
        eye=eye,
    )
    if out is not None:
        write_overlay(held, reasons, out)
    if json:
        sys.stdout.write(jsons.dumps(reasons.to_dict()) + "\n")
    else:
        _show(reasons, out)


def _show(reasons: Reasons, out: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(reasons.sentence, markup=False)
    for split in reasons.telling:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("score", justify="right")
        table.add_column(f"by {split.by}", overflow="fold")
        for term in split.terms:
            table.add_row(f"{term.value:+.3f}", _plain(term.name))
        console.print(table)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("rank", "score"):
        table.add_column(name, justify="right")
    table.add_column("after")
    for one in reasons.standings:
        table.add_row(_rank(one.rank), f"{one.score:.3f}", one.step)
    for left in reasons.left_out:
        table.add_row(_rank(left.rank), f"{left.score:.3f}", f"without {_plain(left.name)}")
    console.print(table)
    if reasons.match is None:
        console.print(f"No map of the pictures: {reasons.why_no_match}", style="dim", markup=False)
    if out is not None:
        console.print(f"Overlay: {out}", markup=False)


def _rank(rank: int | None) -> str:
    return "-" if rank is None else f"{rank:,}"


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape("".join(letter if letter.isprintable() else "?" for letter in text))
