"""samekind check-encoder: whether an encoder is what it should be here, and whether it hears word order."""

from __future__ import annotations

import json as jsons
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.errors import EXIT_NOTHING

if TYPE_CHECKING:
    from samekind.evaluation.encoder_check import EncoderCheck

app = typer.Typer(add_completion=False)


@app.command()
def check_encoder(
    name: Annotated[
        str, typer.Argument(help="lite, tiny, dino, best, onnx:FILE, hub:MODEL, or a folder made by adapt.")
    ],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Whether an encoder is what it should be on this machine, and whether it hears word order.

    Looks at a few drawn pictures: the golden vector, unit length, the same numbers again and one by one, and, where it
    has words, whether a caption beats the same words swapped (ARO). Missing weights are fetched first.

    Example: samekind check-encoder dino

    Exit code 0: nothing is wrong (not to hear word order is no fault); 1: something is; 2: wrong usage.
    """
    from samekind.cli.progress import follow
    from samekind.evaluation.encoder_check import check_encoder as check

    found = follow(check(name), quiet=quiet)
    sys.stdout.write(jsons.dumps(found.to_dict()) + "\n" if json else _shown(found))
    if not found.fine:
        raise typer.Exit(EXIT_NOTHING)


def _shown(found: EncoderCheck) -> str:
    lines = [f"{found.encoder} ({found.fingerprint}), {found.dim} numbers a picture\n"]
    width = max(len(finding.what) for finding in found.findings)
    lines += [f"{one.state:11}  {one.what:{width}}  {one.why}\n" for one in found.findings]
    wrong = sum(finding.state == "wrong" for finding in found.findings)
    return "".join([*lines, "nothing is wrong\n" if not wrong else f"wrong: {wrong} of {len(found.findings)}\n"])
