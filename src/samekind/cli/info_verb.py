"""samekind info: what a collection holds, how it was tuned, how large it is."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from samekind.collection import Info

app = typer.Typer(add_completion=False)


@app.command()
def info(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """What a collection holds, how it was tuned, how large it is.

    Example: samekind info birds.samekind --json
    """
    from samekind.collection import Collection

    found = Collection.open(collection).info()
    sys.stdout.write(jsons.dumps(found.to_dict()) + "\n" if json else _shown(found))


def _encoders(found: Info) -> list[tuple[str, str]]:
    """A line for a migration that was begun, and for the encoder to go back to."""
    lines = []
    if found.migration:
        done = f"{found.migration['done']:,} of {found.migration['contents']:,}"
        lines.append(("migration", f"to {found.migration['encoder']}: {done} encoded, the same command goes on"))
    if found.former:
        kept = f"{found.former['bytes'] / 1e6:,.1f} MB"
        lines.append(("former", f"encoder {found.former['encoder']}, samekind migrate --back returns to it ({kept})"))
    return lines


def _shown(found: Info) -> str:
    lines = [
        (
            "pictures",
            f"{found.pictures:,} present, {found.states['missing']:,} missing, {found.states['skipped']:,} skipped",
        ),
        *(("skipped", f"{count:,} {reason}") for reason, count in found.reasons.items()),
        ("encoder", f"{found.encoder} ({found.fingerprint}), {found.dim} numbers a picture"),
        *_encoders(found),
        ("tuned", f"{'yes' if found.tuned else 'no'}: {found.why}"),
        *(
            ("folder", f"{root['folder']} ({name}): {root['present']:,} present{'' if root['there'] else ', away'}")
            for name, root in found.roots.items()
        ),
        *(("column", f"{name} ({kind})") for name, kind in found.columns.items()),
    ]
    if found.index:
        lines.append(("index", f"approximate, finds {found.index['recall@10']:.1%} of the exact 10 nearest"))
    if found.kinds:
        levels = ", ".join(f"{count:,}" for count in found.kinds["levels"])
        waiting = f"; {found.kinds['waiting']:,} pictures wait for theirs" if found.kinds["waiting"] else ""
        lines.append(("kinds", f"{levels} from coarse to fine, {found.kinds['named']:,} named{waiting}"))
    lines += [
        ("on disk", f"{found.bytes / 1e6:,.1f} MB"),
        ("last sync", found.synced or "never"),
        ("undo", f"takes back the last {found.undo}" if found.undo else "nothing to undo"),
    ]
    return "".join(f"{name:10} {value}\n" for name, value in lines)
