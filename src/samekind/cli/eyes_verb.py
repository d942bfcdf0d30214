"""samekind eyes: the marks that were kept of a collection's searches."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from samekind.query import Eye

app = typer.Typer(add_completion=False)


@app.command()
def eyes(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    drop: Annotated[str | None, typer.Option(metavar="NAME", help="Throw this one away.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """The marks that were kept of a collection's searches, by name.

    Search keeps them with --save-eye NAME, and orders later hits by them with --eye NAME.

    Example: samekind eyes birds.samekind
    """
    from samekind.collection import Collection
    from samekind.query import drop_eye
    from samekind.query import eyes as kept

    held = Collection.open(collection)
    if drop is not None:
        drop_eye(held, drop)
    found = kept(held)
    if json:
        sys.stdout.write(jsons.dumps([eye.to_dict() for eye in found]) + "\n")
    else:
        _show(found, held.name)


def _show(found: list[Eye], collection: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not found:
        console.print(f"No marks were kept in {collection}.", markup=False)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("eye", overflow="fold")
    for heading in ("searches", "liked", "disliked"):
        table.add_column(heading, justify="right")
    table.add_column("last marked (UTC)")
    for eye in found:
        told = eye.to_dict()
        numbers = [str(told[name]) for name in ("searches", "liked", "disliked")]
        table.add_row(eye.name, *numbers, eye.when[:16].replace("T", " "))
    console.print(table)
