"""samekind tune: fit a collection to its own pictures again."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def tune(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Fit a collection to its own pictures again, without labels; sync does so by itself when it is due.

    Example: samekind tune birds.samekind
    """
    from samekind.cli.progress import follow
    from samekind.collection import Collection

    report = follow(Collection.open(collection).tune(), quiet=quiet)
    if json:
        sys.stdout.write(jsons.dumps(report.to_dict()) + "\n")
    else:
        verdict = "tuned" if report.helps else "not tuned"
        sys.stdout.write(f"{verdict}: {report.why} ({report.fitted:,} pictures, {report.seconds:.1f} s)\n")
