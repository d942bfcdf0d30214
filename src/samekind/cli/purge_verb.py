"""samekind purge: forget pictures that are missing, and a former encoder's vectors."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def purge(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Forget the pictures that are missing (their files or their drive are away), and a former encoder's vectors.

    Example: samekind purge birds.samekind
    """
    from samekind.collection import Collection

    opened = Collection.open(collection)
    former = opened.info().former
    count = opened.purge()
    if json:
        sys.stdout.write(jsons.dumps({"purged": count}) + "\n")
        return
    sys.stdout.write(f"{count:,} forgotten (undo takes it back)\n")
    if former:
        sys.stdout.write(f"the vectors of encoder {former['encoder']} are dropped (undo does not bring them back)\n")
