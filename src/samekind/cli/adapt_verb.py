"""samekind adapt: one encoder for several collections, fitted without labels."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def adapt(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="COLLECTION_OR_FOLDER...", help="Collections, or folders of pictures.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the new encoder goes.")],
    encoder: Annotated[str | None, typer.Option(help="The encoder that it starts from.", show_default="dino")] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="both, grappa (training alone), or experts (closed form, seconds).",
            show_default="both; for an ONNX file experts",
        ),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            metavar="ENCODER",
            help="Learn how much alike pictures are to this one, best one adapted to the same.",
            show_default=False,
        ),
    ] = None,
    grow: Annotated[
        str | None,
        typer.Option(
            metavar="ENCODER",
            help="Add to this adapted encoder; what it was fitted to stays as it is.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLLECTION",
            help="With --grow: one made with it, not a picture of which may change; may be repeated.",
        ),
    ] = None,
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="LABELS.csv", help="Score on these labels afterwards, never fit to them; may be repeated."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything drawn at random.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Fit one encoder to several collections, without labels; refused where it would make search worse.

    A report is written into the new encoder's folder: report.html, one page, and report.json.

    Exit code 0: accepted and written; 1: refused, nothing written; 2: wrong usage.

    Example: samekind adapt birds.samekind shop.samekind -o my-encoder

    Example: samekind adapt garden --grow my-encoder -o my-encoder-2 --keep both.samekind
    """
    from samekind.adapt.processes import started_together
    from samekind.cli.progress import follow
    from samekind.errors import UsageError
    from samekind.evaluation.adapted import adapt_and_report
    from samekind.evaluation.adapted_words import text
    from samekind.settings import resolve

    if grow is not None and (encoder is not None or method is not None or teacher is not None):
        raise UsageError(
            "--grow goes on from the encoder that it names, in closed form; leave out --encoder, --method and "
            "--teacher."
        )
    if keep and grow is None:
        raise UsageError("--keep goes with --grow; name the adapted encoder that is to grow.")
    settings = resolve({"encoder": encoder})

    def run() -> int:
        report = follow(
            adapt_and_report(
                sources,
                out,
                settings.encoder,
                method,
                teacher=teacher,
                grow_from=grow,
                keep=keep or [],
                labels=labels or [],
                seed=seed,
                settings=settings,
            ),
            quiet=quiet,
        )
        sys.stdout.write(jsons.dumps(report.to_dict()) + "\n" if json else text(report))
        return report.exit_code

    if started_together():
        from samekind.adapt.helping import lead_or_help

        raise typer.Exit(lead_or_help(run, settings))
    raise typer.Exit(run())
