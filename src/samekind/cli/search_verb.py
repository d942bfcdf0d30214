"""samekind search: find the same kind of thing by picture, by words, or by both."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samekind.cli.asking import (
    ByParts,
    Change,
    Crops,
    InWords,
    Keep,
    Likes,
    Method,
    Not,
    Pictures,
    Rewritten,
    Unlikes,
    Vectors,
    WeakCaptions,
    Weights,
    WithEye,
    WithReference,
    queries_of,
)
from samekind.errors import EXIT_NOTHING, UsageError

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.encoders.base import Encoder
    from samekind.query import Hits, Query

app = typer.Typer(add_completion=False)


@app.command()
def search(
    collection: Annotated[Path, typer.Argument(help="The collection, for instance birds.samekind.")],
    picture: Pictures = [],  # noqa: B006
    weight: Weights = [],  # noqa: B006
    crop: Crops = [],  # noqa: B006
    like: Likes = [],  # noqa: B006
    unlike: Unlikes = [],  # noqa: B006
    vector: Vectors = [],  # noqa: B006
    words: InWords = [],  # noqa: B006
    no: Not = [],  # noqa: B006
    method: Method = None,
    change: Change = None,
    rewritten: Rewritten = None,
    judge: Annotated[
        bool, typer.Option("--judge", help="Have the language endpoint look at the first ten hits and order them.")
    ] = False,
    weak_captions: WeakCaptions = None,
    with_reference: WithReference = False,
    eye: WithEye = None,
    save_eye: Annotated[
        str | None, typer.Option(metavar="NAME", help="Keep the marks, --like and --unlike, under this name.")
    ] = None,
    keep: Keep = None,
    query: Annotated[
        list[str],
        typer.Option(
            help="All of it in one form, such as 'robin.jpg like:42 - rock.jpg where:year>=2020'; given several times, "
            "several ways to ask the same, fused into one list."
        ),
    ] = [],  # noqa: B006
    also: Annotated[
        list[Path],
        typer.Option(
            metavar="COLLECTION", help="A further collection of the same pictures by another encoder, asked the same."
        ),
    ] = [],  # noqa: B006
    fuse: Annotated[
        str | None,
        typer.Option(
            metavar="rank|confidence",
            help="How several ways become one list; usually queries by rank, collections by confidence.",
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", "--top", help="At most so many hits.")] = 10,
    where: Annotated[
        list[str], typer.Option(help="Only pictures that pass, such as 'path~=train/' or 'year>=1990'; all must hold.")
    ] = [],  # noqa: B006
    no_tune: Annotated[bool, typer.Option("--no-tune", help="Search the plain encoder.")] = False,
    min_confidence: Annotated[float, typer.Option(help="Leave out hits below it (0 to 1).")] = 0.0,
    min_score: Annotated[float | None, typer.Option(help="Leave out hits below it.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Search exactly, however large the collection.")] = False,
    collapse: Annotated[
        float | None, typer.Option(help="Cosine of plain vectors from which on pictures count as copies.")
    ] = None,
    no_collapse: Annotated[bool, typer.Option("--no-collapse", help="Show near-duplicates one by one.")] = False,
    granularity: Annotated[
        str, typer.Option(help="fine, coarse (pictures of the same wider kind first), or from 0, fine, to 1, coarse.")
    ] = "fine",
    parts: ByParts = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a line and hit.")] = False,
    paths: Annotated[bool, typer.Option("--paths", help="Only the files' paths, one a line.")] = False,
    nul: Annotated[bool, typer.Option("-0", help="Only the files' paths, each ended by a NUL.")] = False,
    sheet: Annotated[Path | None, typer.Option(help="Also write a contact sheet, .png or .html.")] = None,
) -> None:
    """Find the same kind of thing by picture, by words, or by both.

    Exit code 0: found; 1: nothing good enough; 2: wrong usage.

    Example: samekind search birds.samekind --picture robin.jpg -k 5
    """
    if json + jsonl + paths + nul > 1:
        raise UsageError("Choose one of --json, --jsonl, --paths and -0.")
    if no_collapse and collapse is not None:
        raise UsageError("Choose one of --collapse and --no-collapse.")
    from samekind.cli.progress import follow
    from samekind.collection import Collection
    from samekind.query import COLLAPSE_AT, search_several
    from samekind.query import search as run
    from samekind.query.said import Said
    from samekind.query.sheet import check_sheet_name, sheet_of, write_sheet
    from samekind.query.wordings import prepare

    if sheet is not None:
        check_sheet_name(sheet)
    ways = queries_of(query, picture, weight, crop, like, unlike, vector, words, no)
    held, others = Collection.open(collection), [Collection.open(one) for one in also]
    several = len(ways) > 1 or bool(others)
    if fuse is not None and not several:
        raise UsageError("There is one query and one collection, nothing to fuse; leave --fuse out.")
    if any(one.worded for one in ways):
        for one in (held, *others):
            follow(prepare(one, Said(weak_captions=weak_captions).sources(one)))
    how: dict[str, Any] = {
        "k": k,
        "where": " and ".join(f"({one})" for one in where) or None,
        "tune": not no_tune,
        "exact": exact or None,
        "min_confidence": min_confidence,
        "min_score": min_score,
        "collapse": None if no_collapse else COLLAPSE_AT if collapse is None else collapse,
        "granularity": granularity,
        "method": method,
        "change": change,
        "keep": keep,
        "rewritten": rewritten,
        "weak_captions": weak_captions,
        "with_reference": with_reference,
        "parts": parts,
        "eye": eye,
    }
    if save_eye is not None:
        how["encoder"] = _kept(held, ways, save_eye)
    hits = search_several(held, ways, also=others, fuse=fuse, **how) if several else run(held, ways[0], **how)
    if judge:
        hits = _judged(held, ways[0], hits)
    if sheet is not None:
        write_sheet(sheet_of(held, ways[0], hits), sheet)
    if json:
        _out(hits.to_json() + "\n")
    elif jsonl:
        _out(hits.to_jsonl())
    elif paths or nul:
        _out(hits.paths("\0" if nul else "\n"))
    else:
        _show(hits, sheet)
    if not hits:
        raise typer.Exit(EXIT_NOTHING)


def _kept(held: Collection, ways: list[Query], name: str) -> Encoder | None:
    """Keeps the marks; the encoder that looked at what they are for."""
    from samekind.query.kept_eyes import save_eye
    from samekind.query.looking import load

    if len(ways) > 1:
        raise UsageError("Marks are kept of one query at a time; leave the others out, or --save-eye.")
    encoder = load(held) if ways[0].pictures else None
    told = save_eye(held, name, ways[0], encoder=encoder).to_dict()
    sys.stderr.write(f"Eye {name} now holds {told['liked']} liked and {told['disliked']} disliked pictures.\n")
    return encoder


def _judged(held: Collection, query: Query, hits: Hits) -> Hits:
    from samekind.query.judged import judged
    from samekind.query.language.chat import endpoint_of
    from samekind.query.language.endpoint import EndpointJudge

    endpoint = endpoint_of(held.settings)
    if endpoint is None:
        raise UsageError("A judge is a language endpoint; set language_url and language_model, or leave --judge out.")
    found, why_not = judged(held, query, hits, EndpointJudge(endpoint))
    if why_not:
        sys.stderr.write(f"samekind: {why_not}\n")
    return found


def _show(hits: Hits, sheet: Path | None) -> None:
    from rich.console import Console

    from samekind.query.hits import about_order

    console = Console(highlight=False)
    if not hits:
        console.print(f"Nothing good enough in {hits.collection}.", markup=False)
    else:
        console.print(hits.to_table())
        space = "tuned" if hits.tuned else "plain"
        note = "; nothing here is likely to be the same kind" if hits.nothing_here else ""
        console.print(
            f"{len(hits)} of {hits.collection} ({hits.encoder}, {space}, {hits.seconds.search * 1000:.0f} ms){note}",
            style="dim",
            markup=False,
        )
        for other in hits.also:
            console.print(other.sentence, style="dim", markup=False)
        if hits.understood and (text := hits.understood.rewritten):
            console.print(f"Searched for: {text.text} (by {text.by})", style="dim", markup=False)
            if text.fell_back:
                console.print(text.fell_back, markup=False)
        if hits.understood and hits.understood.notice:
            console.print(f"{hits.understood.notice[0].upper()}{hits.understood.notice[1:]}.", markup=False)
        if said := about_order(hits):
            console.print(f"{said[0].upper()}{said[1:]}.", style="dim", markup=False)
    if sheet is not None:
        console.print(f"Contact sheet: {sheet}", markup=False)


def _out(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()
