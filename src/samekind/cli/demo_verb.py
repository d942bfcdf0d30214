"""samekind demo: a small world, or a folder of one's own, searched and shown."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from samekind.demo.results import FolderReport, WorldReport

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of your own pictures; none: a little world, drawn for you.")
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="lite, tiny, dino, best, onnx:FILE or hub:MODEL.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Draw a small world (or take a folder of yours), search it, show how well it went.

    Everything is written into ./samekind-demo, which can be deleted afterwards.

    Example: samekind demo ~/Pictures/birds
    """
    from samekind.cli.progress import follow
    from samekind.demo.run import demo as on_world
    from samekind.demo.run import demo_on
    from samekind.settings import resolve

    settings = resolve({"encoder": encoder})
    report: WorldReport | FolderReport
    if folder is None:
        report = follow(on_world(settings), quiet=quiet)
    else:
        report = follow(demo_on(folder, settings), quiet=quiet)
    if json:
        sys.stdout.write(jsons.dumps(report.to_dict(), ensure_ascii=False) + "\n")
        return
    from rich.console import Console

    from samekind.demo.results import WorldReport

    console = Console(highlight=False, soft_wrap=True)
    if isinstance(report, WorldReport):
        _show_world(report, console)
    else:
        _show_folder(report, console)
    console.print("\nNext, with pictures of your own:" if folder is None else "\nNext:")
    for command in report.next_commands:
        console.print(f"  {command}", markup=False)


def _show_world(report: WorldReport, console: Console) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("collection", "the same"):
        table.add_column(name)
    for name in ("first hit right", "tuned", "MAP@R", "tuned"):
        table.add_column(name, justify="right")
    for theme in report.themes:
        for n, level in enumerate(theme.levels):
            table.add_row(
                theme.name if n == 0 else "",
                level.name,
                f"{level.plain.recall_at_1:.1%}",
                f"{level.tuned.recall_at_1:.1%}",
                f"{level.plain.map_at_r:.1%}",
                f"{level.tuned.map_at_r:.1%}",
            )
    count = sum(theme.pictures for theme in report.themes)
    console.print(f"{count} pictures drawn, {_encoder(report)}, {report.seconds:.0f} s\n", markup=False)
    console.print(table)
    for theme in report.themes:
        example = theme.example
        console.print(
            f"\nA new photo of {example.kind!r}: {sum(example.right)} of the first {len(example.right)} hits are the "
            f"very same kind (there are {example.there}).",
            markup=False,
        )
        if not theme.tuned:
            console.print(f"{theme.name} was not tuned: {theme.why}", markup=False)
    console.print(f"\nContact sheet: {report.sheet}", markup=False)


def _show_folder(report: FolderReport, console: Console) -> None:
    skipped = f", {report.skipped} skipped" if report.skipped else ""
    console.print(
        f"{report.pictures} pictures{skipped}, {_encoder(report)}, {report.seconds:.0f} s; "
        f"{'tuned' if report.tuned else 'not tuned'}: {report.why}",
        markup=False,
    )
    console.print(f"Contact sheet with {len(report.asked)} example searches: {report.sheet}", markup=False)


def _encoder(report: WorldReport | FolderReport) -> str:
    note = " (the weights of the default one cannot be had)" if report.fallback else ""
    return f"encoder {report.encoder}{note}"
