"""samekind migrate: change a collection's encoder, and back."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.errors import UsageError

if TYPE_CHECKING:
    from samekind.collection import MigrateReport

app = typer.Typer(add_completion=False)


@app.command()
def migrate(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    encoder: Annotated[str | None, typer.Option(help="The encoder to change to, as samekind encoders lists.")] = None,
    back: Annotated[bool, typer.Option("--back", help="Change back to the former encoder.")] = False,
    no_tune: Annotated[bool, typer.Option("--no-tune", help="Leave tuning to the next sync.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Change a collection's encoder; until all is done, searches go on with the one before.

    Stopped at any moment, the same command goes on. Exit code 0: all well; 3: some pictures have no new vector until
    a sync finds their files; 2: wrong usage.

    Example: samekind migrate birds.samekind --encoder tiny
    """
    from samekind.cli.progress import follow
    from samekind.collection import Collection

    if (encoder is None) != back:
        raise UsageError("Say which encoder to change to: --encoder NAME, or --back for the former one.")
    opened = Collection.open(collection)
    job = opened.back(tune=not no_tune) if encoder is None else opened.migrate(encoder, tune=not no_tune)
    report = follow(job, quiet=quiet)
    sys.stdout.write(jsons.dumps(report.to_dict()) + "\n" if json else _shown(report, opened.name))
    raise typer.Exit(report.exit_code)


def _shown(report: MigrateReport, name: str) -> str:
    if not report.switched:
        return f"{name} has encoder {report.encoder} already; there is nothing to do.\n"
    speed = f", {report.rate:.0f} pictures/s" if report.encoded else ""
    lines = [
        f"{report.former} -> {report.encoder}: {report.pictures:,} pictures in {name}",
        f"{report.encoded:,} encoded ({report.seconds:.1f} s{speed})",
    ]
    if report.without:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.left_out.items())
        lines.append(f"missing until a sync finds them: {report.without:,}{f' ({reasons})' if reasons else ''}")
    if report.compatibility is not None:
        chance = 1 / report.pictures
        found = f"{report.compatibility:.1%} of former vectors, mapped, find their own picture (by chance {chance:.1%})"
        lines.append(f"agreement: {found}")
    lines.append(f"{'tuned' if report.tuned else 'not tuned'}: {report.why}")
    lines.append(f"samekind migrate {name} --back returns to {report.former}")
    return "".join(f"{line}\n" for line in lines)
