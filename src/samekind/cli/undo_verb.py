"""samekind undo: go back to before the last sync."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def undo(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Go back to before the last sync, remove or purge, rows and tuning; once.

    Example: samekind undo birds.samekind
    """
    from samekind.collection import Collection

    opened = Collection.open(collection)
    label = opened.undo()
    pictures = opened.info().pictures
    if json:
        sys.stdout.write(jsons.dumps({"undone": label, "pictures": pictures}) + "\n")
    else:
        sys.stdout.write(f"the last {label} is undone: {pictures:,} pictures\n")
