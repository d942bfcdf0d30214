"""samekind remove: take pictures out of a collection; their files stay."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def remove(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    where: Annotated[
        list[str] | None, typer.Option(help="Those that pass, such as 'path~=drafts/'; all must hold.")
    ] = None,
    ids: Annotated[list[str] | None, typer.Option("--id", help="A picture by its id or path.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Take pictures out of a collection; their files stay, and a sync of their folder brings them back.

    Example: samekind remove birds.samekind --where 'path~=drafts/'
    """
    from samekind.collection import Collection
    from samekind.collection.written import all_of

    count = Collection.open(collection).remove(all_of(where or []), ids or ())
    sys.stdout.write(jsons.dumps({"removed": count}) + "\n" if json else f"{count:,} removed (undo takes it back)\n")
