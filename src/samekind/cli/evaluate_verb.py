"""samekind evaluate: measure search on labelled pictures."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samekind.errors import EXIT_PARTIAL, UsageError

if TYPE_CHECKING:
    from samekind.settings import Settings

app = typer.Typer(add_completion=False)


@app.command()
def evaluate(
    labels: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE...",
            help="One labels file a set: path,label,coarse,split,subset; or composed queries: one .jsonl file, or "
            "annotation files of CIRR, CIRCO, FashionIQ or GeneCIS.",
            show_default=False,
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="lite, tiny, dino, best, onnx:FILE, hub:MODEL, or a folder made by adapt.", show_default="dino"
        ),
    ] = None,
    protocol: Annotated[
        str, typer.Option(help="own: fit and search on all; new: fit on half of the classes, search the others.")
    ] = "own",
    split: Annotated[int, typer.Option(help="Which halving of the classes protocol new uses: 0, 1 or 2.")] = 0,
    no_tune: Annotated[bool, typer.Option("--no-tune", help="Measure the plain encoder.")] = False,
    granularity: Annotated[
        str, typer.Option(help="How wide to search: fine, coarse, or from 0, fine, to 1, coarse.")
    ] = "fine",
    adapt_on: Annotated[
        str | None,
        typer.Option(
            metavar="PROTOCOL",
            help="Adapt the encoder first, to what the protocol fits on: own or new, as --protocol.",
        ),
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="For composed queries: the folder of pictures that is searched."),
    ] = None,
    method: Annotated[
        list[str], typer.Option(help="For composed queries: how picture and words become one; none: all ways.")
    ] = [],  # noqa: B006
    submission: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For CIRR and CIRCO: write the files that their servers score there."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(help="Compare with no-tune, with another encoder, or (beside --run) with another run file."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write report.html, report.md and report.json there.")
    ] = None,
    run_out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the hits as a TREC run file.")] = None,
    qrels_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what is relevant as TREC qrels.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Measure this run file instead of searching; wants --qrels.")
    ] = None,
    qrels: Annotated[Path | None, typer.Option(metavar="FILE", help="What is relevant, for --run.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Measure search on labelled pictures, or composed search on a file of queries.

    samekind evaluate birds/labels.csv flowers/labels.csv --against no-tune --report report/

    samekind evaluate composed/ikea.jsonl --gallery ikea --method sum --method pdv

    samekind evaluate cirr/captions/cap.rc2.val.json --gallery pictures/dev --method sum
    """
    from samekind.cli.progress import follow
    from samekind.evaluation import report as reports
    from samekind.evaluation import runs
    from samekind.evaluation.evaluate import NO_TUNE
    from samekind.evaluation.evaluate import evaluate as measure
    from samekind.settings import resolve

    composed = any(file.suffix in (".jsonl", ".json") for file in labels or [])
    if composed or gallery is not None or method or submission is not None:
        _composed(labels or [], gallery, method, submission, encoder, not no_tune, as_json, quiet)
        return
    if (run is None) != (qrels is None):
        raise UsageError("--run and --qrels belong together; give both files.")
    if run is not None and qrels is not None:
        chosen: dict[str, Any] = {"labels files": labels, "--encoder": encoder, "--no-tune": no_tune}
        chosen |= {"--run-out": run_out, "--qrels-out": qrels_out}
        chosen |= {"--granularity": granularity != "fine"}
        extra = [name for name, value in chosen.items() if value]
        if extra:
            raise UsageError(f"--run measures a finished run; leave out {', '.join(extra)}.")
        found = runs.evaluate_run(run, qrels, Path(against) if against else None)
    else:
        settings = resolve({"encoder": encoder})
        chosen_encoder = settings.encoder
        if adapt_on is not None:
            chosen_encoder = _adapted(labels or [], settings, protocol, adapt_on, split, quiet)
        if report and not against and not no_tune:
            against = NO_TUNE
        job = measure(
            labels or [],
            chosen_encoder,
            protocol,
            not no_tune,
            split=split,
            against=against,
            depth=runs.TREC_DEPTH if run_out else 10,
            granularity=granularity,
            settings=settings,
        )
        found = follow(job, quiet=quiet)
    if run_out:
        runs.write_run(found, run_out)
    if qrels_out:
        runs.write_qrels(found, qrels_out)
    if report:
        reports.write(found, report)
    typer.echo(json.dumps(found.to_dict()) if as_json else reports.text(found))
    if found.skipped:
        raise typer.Exit(EXIT_PARTIAL)


def _composed(
    files: list[Path],
    gallery: str | None,
    methods: list[str],
    submission: Path | None,
    encoder: str | None,
    tune: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Queries of a picture and words, and nothing else: our own, or those of a published benchmark."""
    from samekind.cli.progress import follow
    from samekind.evaluation.composed import published, published_text, run
    from samekind.settings import resolve

    own = [file.suffix for file in files] == [".jsonl"]
    if gallery is None or not (own or (files and all(file.suffix == ".json" for file in files))):
        raise UsageError(
            "Composed queries are one .jsonl file, or .json files of one benchmark, with --gallery FOLDER; give both, "
            "and no labels files."
        )
    settings = resolve({"encoder": encoder})
    if own and submission is not None:
        raise UsageError(f"No server scores {files[0]}; leave out --submission.")
    if own:
        ours = run.evaluate_composed(files[0], gallery, methods, settings.encoder, tune=tune, settings=settings)
        found = follow(ours, quiet=quiet)
        typer.echo(json.dumps(found.to_dict()) if as_json else run.text(found))
        return
    theirs = published.evaluate_published(
        files, gallery, methods, settings.encoder, tune=tune, submission=submission, settings=settings
    )
    measured = follow(theirs, quiet=quiet)
    typer.echo(json.dumps(measured.to_dict()) if as_json else published_text.text(measured))


def _adapted(labels: list[Path], settings: Settings, protocol: str, adapt_on: str, split: int, quiet: bool) -> str:
    """The folder of an encoder that was adapted for this run; the plain name where the gate refused everything."""
    from samekind.cli.progress import follow
    from samekind.evaluation import adapting
    from samekind.settings import cache_folder

    if adapt_on != protocol:
        raise UsageError(f"--adapt-on {adapt_on} goes with --protocol {adapt_on}, not {protocol}; give both the same.")
    room = cache_folder() / "adapted"
    room.mkdir(parents=True, exist_ok=True)
    out = Path(tempfile.mkdtemp(dir=room)) / f"{protocol}-{split}"
    found = follow(
        adapting.adapt_on(labels, settings.encoder, protocol, out, split=split, settings=settings), quiet=quiet
    )
    typer.echo(f"{'accepted' if found.accepted else 'refused'}: {found.why}", err=True)
    return found.encoder or found.base
