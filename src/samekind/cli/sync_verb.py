"""samekind sync: bring a collection up to date with folders of pictures, and tune it."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.errors import EncoderMismatch, UsageError

if TYPE_CHECKING:
    from samekind.collection import Collection, SyncReport
    from samekind.encoders.base import Encoder
    from samekind.settings import Settings

app = typer.Typer(add_completion=False)


@app.command()
def sync(
    into: Annotated[Path, typer.Option(metavar="COLLECTION", help="The collection; made where there is none.")],
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FOLDER...]",
            help="Folders, globs, CSV or Parquet lists, single files; none: all folders of the collection.",
            show_default=False,
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Encoder of a new collection: lite, tiny, dino, best, onnx:FILE, hub:MODEL, or a folder made by adapt."
        ),
    ] = None,
    no_tune: Annotated[bool, typer.Option("--no-tune", help="Leave the tuning as it is.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    words: Annotated[
        bool, typer.Option("--words", help="Also learn what words need, as a first search would.")
    ] = False,
    parts: Annotated[
        bool, typer.Option("--parts", help="Also look at the parts of pictures, for search --parts.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Bring a collection up to date with folders of pictures, and tune it.

    Exit code 0: all well; 3: some pictures were skipped or a folder is away; 2: wrong usage.

    Example: samekind sync ~/Pictures/birds --into birds.samekind
    """
    from samekind.cli.progress import follow

    collection = _opened(sources or [], into, encoder, dry_run, quiet)
    report = follow(collection.sync(sources or [], tune=not no_tune, dry_run=dry_run), quiet=quiet)
    if words and not dry_run:
        follow(collection.learn_words(), quiet=quiet)
    if parts and not dry_run:
        follow(collection.learn_parts(), quiet=quiet)
    if json:
        sys.stdout.write(jsons.dumps(report.to_dict()) + "\n")
    else:
        _show(report, collection)
    raise typer.Exit(report.exit_code)


def _opened(sources: list[str], into: Path, encoder: str | None, dry_run: bool, quiet: bool) -> Collection:
    """The collection; a new one is only made when there are pictures to put into it."""
    from samekind.collection import Collection
    from samekind.collection.manifest import FILE
    from samekind.encoders.load import full_name
    from samekind.settings import resolve

    if (into / FILE).exists():
        collection = Collection.open(into)
        if encoder is not None and full_name(encoder) != collection.encoder_name:
            raise EncoderMismatch(
                f"{into} has encoder {collection.encoder_name!r}, not {encoder!r}: leave --encoder out, or change it "
                f"with: samekind migrate {into} --encoder {encoder}"
            )
        return collection
    if not sources:
        raise UsageError(f"There is no collection {into}; name the folders of pictures to put into it.")
    if dry_run:
        raise UsageError(f"There is no collection {into} to compare with; leave --dry-run out to make it.")
    _check_sources(sources)
    settings = resolve({"encoder": encoder})
    return Collection.create(into, _loaded(settings, quiet))


def _check_sources(sources: list[str]) -> None:
    from samekind.events import Skipped
    from samekind.pictures.scan import scan, sources_from

    if all(isinstance(file, Skipped) for source in sources_from(sources) for file in scan(source)):
        raise UsageError(f"There are no pictures in {', '.join(sources)}; name a folder that holds some.")


def _loaded(settings: Settings, quiet: bool) -> Encoder:
    from samekind.cli.progress import follow
    from samekind.encoders.load import fetch, load_encoder

    follow(fetch(settings.encoder, settings), quiet=quiet)
    return load_encoder(settings.encoder, settings)


def _show(report: SyncReport, collection: Collection) -> None:
    counts = ", ".join(f"{count:,} {name}" for name, count in report.counts.items() if count) or "nothing found"
    lines = [counts]
    if report.dry_run:
        lines.append("Nothing was written (--dry-run).")
    else:
        speed = f", {report.rate:.0f} pictures/s" if report.encoded else ""
        lines.append(f"{report.pictures:,} pictures in {collection.path.name} ({report.seconds:.1f} s{speed})")
        if report.skipped:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.skipped.items())
            lines.append(f"skipped: {reasons}")
        lines.append(f"{'tuned' if report.tuned else 'not tuned'}: {report.why}")
    sys.stdout.write("\n".join(lines) + "\n")
