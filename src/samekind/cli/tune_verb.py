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
    composition: Annotated[
        bool, typer.Option("--composition", help="Learn how pictures and words become one; kept where it helps.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Fit a collection to its own pictures again, without labels; sync does so by itself when it is due.

    With --composition it is not tuned again: what is learned is a way to ask with a picture and words.

    Example: samekind tune birds.samekind
    """
    from samekind.cli.progress import follow
    from samekind.collection import Collection

    if composition:
        from samekind.query.learned import learn_composition

        learned = follow(learn_composition(Collection.open(collection)), quiet=quiet)
        if json:
            sys.stdout.write(jsons.dumps(learned.to_dict()) + "\n")
        else:
            verdict = "accepted, as --method learned" if learned.accepted else "refused"
            sys.stdout.write(f"{verdict}: {learned.why} ({learned.pictures:,} pictures, {learned.seconds:.1f} s)\n")
        return
    report = follow(Collection.open(collection).tune(), quiet=quiet)
    if json:
        sys.stdout.write(jsons.dumps(report.to_dict()) + "\n")
    else:
        verdict = "tuned" if report.helps else "not tuned"
        sys.stdout.write(f"{verdict}: {report.why} ({report.fitted:,} pictures, {report.seconds:.1f} s)\n")
