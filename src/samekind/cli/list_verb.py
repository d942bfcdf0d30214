"""samekind list: the pictures of a collection."""

from __future__ import annotations

import json as jsons
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from samekind.errors import UsageError

app = typer.Typer(add_completion=False)


@app.command("list")
def list_pictures(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    where: Annotated[
        list[str] | None,
        typer.Option(help="Only those that pass, such as 'state=skipped' or 'path~=2024/'; all must hold."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a line and picture.")] = False,
    nul: Annotated[bool, typer.Option("-0", help="The files' paths, each ended by a NUL.")] = False,
) -> None:
    """The pictures of a collection in any state: id, state and file of each.

    Example: samekind list birds.samekind --where state=skipped
    """
    from samekind.collection import Collection
    from samekind.collection.written import all_of

    if json + jsonl + nul > 1:
        raise UsageError("Choose one of --json, --jsonl and -0.")
    rows = Collection.open(collection).pictures(all_of(where or []))
    write = sys.stdout.write
    if json:
        write(jsons.dumps({"pictures": [_plain(row) for row in rows]}) + "\n")
        return
    for row in rows:
        if jsonl:
            write(jsons.dumps(_plain(row)) + "\n")
        elif nul:
            write(f"{row['file']}\0")
        else:
            reason = f" ({row['reason']})" if row["reason"] else ""
            write(f"{row['id']}  {row['state']}{reason}  {row['file']}\n")


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return str(value) if isinstance(value, Path) else value
