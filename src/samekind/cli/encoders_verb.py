"""samekind encoders: list, fetch, import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from samekind.cli.progress import follow

app = typer.Typer(
    invoke_without_command=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="List, fetch or import encoders.",
    epilog="Example: samekind encoders fetch dino",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def encoders(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the encoders: size, licence, speed, and whether their weights are on this machine."""
    if ctx.invoked_subcommand:
        return
    from samekind.encoders.listing import list_encoders

    listed = list_encoders()
    if as_json:
        typer.echo(json.dumps({"encoders": [one.to_dict() for one in listed]}, indent=2))
        return
    rows = [("name", "dim", "MB", "licence", "pictures/s", "here", "what it is")]
    for one in listed:
        rate = f"{one.rate:g} (here)" if one.rate else f"~{one.reference_rate:g}" if one.reference_rate else ""
        here = "yes" if one.fetched else "no"
        rows.append((one.name, str(one.dim), str(one.megabytes), one.licence, rate, here, one.about))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] + [0]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    typer.echo("\nAlso: dino@SIDE (a multiple of 14, such as dino@336), onnx:FILE, and hub:OWNER/NAME or hub:FOLDER.")


@app.command("fetch")
def fetch_encoders(
    names: Annotated[list[str], typer.Argument(help="lite, tiny, dino, best, all, or hub:OWNER/NAME.")],
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")] = False,
) -> None:
    """Fetch the weights of encoders, once: samekind encoders fetch dino."""
    from samekind.encoders.catalog import RECORDS
    from samekind.encoders.load import check_name, fetch

    wanted = list(RECORDS) if "all" in names else names
    for name in wanted:
        check_name(name)
    files = {name: [str(path) for path in follow(fetch(name), quiet=quiet)] for name in wanted}
    if as_json:
        typer.echo(json.dumps({"fetched": files}, indent=2))
        return
    for path in dict.fromkeys(path for paths in files.values() for path in paths):
        typer.echo(path)


@app.command("import")
def import_weights(
    file: Annotated[Path, typer.Argument(help="A file that `samekind encoders fetch` named on another machine.")],
    as_json: AsJson = False,
) -> None:
    """Take weights from a file that was brought here: samekind encoders import dino-0c9a38daae393578.safetensors."""
    from samekind.encoders.weights import import_file

    name, path = import_file(file)
    typer.echo(json.dumps({"name": name, "file": str(path)}, indent=2) if as_json else f"{name}: {path}")
