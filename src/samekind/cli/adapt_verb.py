"""samekind adapt: one encoder for several collections, fitted without labels."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from samekind.adapt import Adapted
    from samekind.adapt.gate import Judged

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
    encoder: Annotated[str, typer.Option(help="The encoder that it starts from.")] = "dino",
    method: Annotated[
        str | None,
        typer.Option(
            help="both, grappa (training alone), or experts (closed form, seconds).",
            show_default="both for dino, else experts",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything drawn at random.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Fit one encoder to several collections, without labels; refused where it would make search worse.

    Exit code 0: accepted and written; 1: refused, nothing written; 2: wrong usage.

    Example: samekind adapt birds.samekind shop.samekind -o my-encoder
    """
    from samekind.adapt import adapt as adapted
    from samekind.cli.progress import follow

    result = follow(adapted(sources, out, encoder, method, seed=seed), quiet=quiet)
    sys.stdout.write(jsons.dumps(result.to_dict()) + "\n" if json else _text(result))
    raise typer.Exit(result.exit_code)


def _text(result: Adapted) -> str:
    lines = [f"{'accepted' if result.accepted else 'refused'}: {result.why}"]
    if result.encoder and not result.accepted:
        lines.append("The closed form was written instead of what was trained.")
    width = max(map(len, result.collections))
    for name, judged in result.collections.items():
        lines.append(
            f"  {name:{width}}  {result.pictures[name]:>8,} pictures   neighbours kept {judged.neighbours_before:6.1%} "
            f"-> {judged.neighbours:6.1%}   found {judged.found_before:6.1%} -> {judged.found:6.1%}"
            f"{_likeness(judged)}{'' if judged.passed else '   worse'}"
        )
    if result.encoder:
        lines.append(
            f"{result.encoder} ({sum(result.seconds.values()):.0f} s); use it: samekind sync FOLDER --into C "
            f"--encoder {result.encoder}"
        )
    else:
        lines.append("Nothing was written; each collection keeps its own tuning.")
    return "\n".join(lines) + "\n"


def _likeness(judged: Judged) -> str:
    """What a second network sees, where one was asked."""
    if judged.alike is None:
        return ""
    return f"   alike {judged.alike_before:.3f} -> {judged.alike:.3f}"
