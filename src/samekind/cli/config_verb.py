"""``samekind config``: every setting, its value, and who set it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def config(
    collection: Annotated[Path | None, typer.Argument(help="Also heed this collection's own settings.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Every setting, its value, and who set it.

    Order: flag, SAMEKIND_* variable, the [settings] table of a collection, your settings file, default.
    """
    from samekind.settings import MEANINGS, cache_folder, resolve, user_file

    settings = resolve()
    if collection is not None:
        from samekind.collection.collection import Collection

        settings = Collection.open(collection).settings
    rows = [(name, getattr(settings, name), settings.sources[name], MEANINGS[name]) for name in MEANINGS]
    if as_json:
        found = {name: {"value": value, "source": source} for name, value, source, _ in rows}
        about = {"settings": found, "user_file": str(user_file()), "cache_folder": str(cache_folder())}
        typer.echo(json.dumps(about, indent=2))
        return
    width = max(len(f"{name} = {value}") for name, value, _, _ in rows)
    for name, value, source, meaning in rows:
        typer.echo(f"{f'{name} = {value}':{width}}  ({source}) {meaning}")
    typer.echo(f"\nsettings file: {user_file()}{'' if user_file().exists() else ' (not there)'}")
    typer.echo(f"cache folder:  {cache_folder()}")
