"""samekind kinds: what a collection is made of."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.errors import UsageError

if TYPE_CHECKING:
    from samekind.adapt.results import KindsReport

app = typer.Typer(add_completion=False)
_TYPICAL = 24


@app.command()
def kinds(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    again: Annotated[bool, typer.Option("--again", help="Find all kinds anew; addresses change.")] = False,
    page: Annotated[Path | None, typer.Option(help="Also write a page to look through, .html.")] = None,
    name: Annotated[
        tuple[str, str] | None, typer.Option(metavar="KIND NAME", help="Name a kind; an empty name takes it away.")
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="Write each picture's kind (its name, else its address) into this column.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object, with the finer kinds.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """What a collection is made of: its kinds, from coarse to fine, found without labels.

    Found at the first call; later ones give new pictures the nearest kind and leave the others where they are.
    Search and list take --where kind=12/3, or a kind's name.

    Example: samekind kinds birds.samekind --page kinds.html
    """
    from samekind.adapt.keeping import kinds as look
    from samekind.adapt.keeping import name_kind, write_column
    from samekind.adapt.page import check_page_name, write_page
    from samekind.cli.progress import follow
    from samekind.collection import Collection

    if page is not None:
        check_page_name(page)
    if name is not None and again:
        raise UsageError("Choose one of --name and --again: finding kinds anew changes their addresses.")
    held = Collection.open(collection)
    if name is not None:
        name_kind(held, *name)  # first of all: a wrong one must not cost a search for kinds
    report = follow(look(held, again=again, deep=json or page is not None), quiet=quiet)
    if column is not None:
        write_column(held, column)
    if page is not None:
        follow(write_page(report, page), quiet=quiet)
    if json:
        sys.stdout.write(jsons.dumps(report.to_dict()) + "\n")
    else:
        _show(report, page)


def _show(report: KindsReport, page: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    finer = [("finer", True)] if len(report.levels) > 1 else []
    for heading, right in (("kind", False), ("pictures", True), *finer, ("quality", True)):
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    table.add_column("name or words", overflow="fold")
    table.add_column("typical", overflow="fold", style="dim")
    for kind in report.inside():
        typical = kind.prototypes[0].path.rpartition("/")[2] if kind.prototypes else ""
        if len(typical) > _TYPICAL:
            typical = f"{typical[: _TYPICAL - 11]}…{typical[-10:]}"
        numbers = [f"{kind.pictures:,}", *([f"{kind.inside:,}"] if finer else []), f"{kind.quality:.2f}"]
        table.add_row(kind.address, *numbers, _plain(kind.title), _plain(typical))
    console.print(table)
    levels = ", ".join(f"{count:,}" for count in report.levels)
    now = "; found now" if report.found else f"; {report.placed:,} pictures placed now" if report.placed else ""
    console.print(f"{report.pictures:,} pictures; kinds from coarse to fine: {levels}{now}", style="dim", markup=False)
    if report.names_lost:
        console.print(f"No new kind is like these any more: {', '.join(report.names_lost)}", markup=False)
    if page is not None:
        console.print(f"Page: {page}", markup=False)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape("".join(letter if letter.isprintable() else "?" for letter in text))
