"""samekind relocate: tell a collection that a folder has moved."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def relocate(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    old: Annotated[str, typer.Argument(help="The folder as it was, or its name as info shows it.")],
    new: Annotated[Path, typer.Argument(help="The folder as it is now.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Tell a collection that a folder has moved, so that nothing is missing and nothing is encoded again.

    Example: samekind relocate birds.samekind /old/birds /new/birds
    """
    from samekind.collection import Collection

    opened = Collection.open(collection)
    name = opened.relocate(old, new)
    folder = opened.manifest.roots[name].folder
    if json:
        sys.stdout.write(jsons.dumps({"root": name, "folder": str(folder)}) + "\n")
    else:
        sys.stdout.write(f"{name} is {folder} now\n")
