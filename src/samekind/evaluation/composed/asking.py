"""Asks a collection every query of a benchmark by every method, beside the picture alone and the words alone."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.composed.queries import Benchmark, ComposedQuery
from samekind.evaluation.composed.rankings import Order, Rankings, descending
from samekind.evaluation.vectors import cached
from samekind.events import Event, Progress
from samekind.pictures.scan import Source
from samekind.query.composing.given import both
from samekind.query.composing.sliders import LEARNED, Sliders
from samekind.query.learned.fitting import learn_composition
from samekind.query.learned.saved import accepted_head, latest, made_for
from samekind.query.model import Like, Query, Words
from samekind.query.shown import shown
from samekind.query.worded import Asked
from samekind.query.wordings import prepare, wording_of
from samekind.settings import Settings

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.encoders.base import Encoder

PICTURE, WORDS = "picture only", "words only"


@dataclass(frozen=True)
class Ways:
    """The ``methods`` to ask by, whether in the tuned space, and the two sliders; None: as usual for the method."""

    methods: Sequence[str]
    tune: bool = True
    change: float | None = None
    keep: float | None = None


def encoder_of(encoder: str | Encoder, settings: Settings) -> Generator[Event, None, Encoder]:
    """The encoder of that name, fetched where it is not there; one that is given as it is."""
    from samekind.encoders.load import fetch, load_encoder

    if not isinstance(encoder, str):
        return encoder
    yield from fetch(encoder, settings)
    return load_encoder(encoder, settings)


def collection_of(
    folder: Path, encoder: str | Encoder, tune: bool, settings: Settings, files: Sequence[str] = ()
) -> Generator[Event, None, Collection]:
    """The folder's pictures as a collection in the cache folder, tuned and with what words need.

    ``files`` some: only these of its pictures, in a collection of their own; POSIX paths below it.
    """
    from samekind.collection import Collection

    encoder = yield from encoder_of(encoder, settings)
    more = hashlib.blake2b("\n".join(files).encode(), digest_size=4).hexdigest() if files else ""
    collection = Collection.open_or_create(cached(folder, encoder, f"-composed{more and '-'}{more}"), encoder)
    source = Source(folder, files=tuple(files)) if files else folder
    yield from collection.sync([source], encoder=encoder, settings=settings, tune=tune)
    yield from prepare(collection)
    return collection


def ask(
    collection: Collection,
    benchmarks: Sequence[Benchmark],
    ids: Mapping[str, str],
    ways: Ways,
    depth: int | None = None,
    stage: str = "asking",
) -> Generator[Event, None, dict[str, tuple[Rankings, ...]]]:
    """For each way to ask, the two single ones first, the rankings of every benchmark.

    ``benchmarks`` hold the same queries, each with a gallery of its own; ``ids`` are the collection's ids of all their
    pictures by name. ``depth``: how many best pictures a ranking keeps beside those of a query's group and gallery, or
    None for all. Several texts of a query are asked one by one, and the scores that each makes are averaged. Raises
    UsageError where the collection is to be asked by what it learned, and its gate refused that.
    """
    if LEARNED in ways.methods:
        yield from _learned(collection, ways.tune)
    wording = wording_of(collection)
    known = {id_: row for row, id_ in enumerate(wording.ids)}
    columns = [np.array([known[ids[name]] for name in one.gallery], np.intp) for one in benchmarks]
    found: dict[str, list[list[Order]]] = {way: [[] for _ in benchmarks] for way in (PICTURE, WORDS, *ways.methods)}
    queries = benchmarks[0].queries
    for done, query in enumerate(queries):
        yield Progress(stage, done, len(queries))
        for way, scores in _scores(collection, query, ids[query.reference], ways).items():
            for at, benchmark in enumerate(benchmarks):
                found[way][at].append(_kept(scores[columns[at]], benchmark, query, depth))
    yield Progress(stage, len(queries), len(queries))
    return {
        way: tuple(Rankings.from_rows(one, orders) for one, orders in zip(benchmarks, each, strict=True))
        for way, each in found.items()
    }


def _learned(collection: Collection, tune: bool) -> Generator[Event, None, None]:
    """Has the collection learn a composition, without labels, unless it did so for this tuning."""
    found = latest(collection)
    if found is None or (found[1].encoder, found[1].tuning) != made_for(collection, tune):
        yield from learn_composition(collection)
    accepted_head(collection, tune)  # or says why there is none


def _scores(collection: Collection, query: ComposedQuery, reference: str, ways: Ways) -> dict[str, NDArray[np.float32]]:
    """For each way to ask the scores (n,) of all pictures; words that say nothing leave them equal."""
    asked = [_asked(collection, text, reference, ways) for text in query.texts if text]
    asked = asked or [_asked(collection, "", reference, ways)]
    return {way: np.asarray(np.mean([one[way] for one in asked], axis=0), np.float32) for way in asked[0]}


def _asked(collection: Collection, text: str, reference: str, ways: Ways) -> dict[str, NDArray[np.float32]]:
    question = Query(Like(reference), *([Words(text)] if text else []))
    seen = shown(collection, question, ways.tune, None)
    asked = Asked(collection, wording_of(collection), question, seen, ways.tune)
    found: dict[str, NDArray[np.float32]] = {}
    for method in ways.methods:
        mix = asked.mix(Sliders(method, ways.change, ways.keep))
        found[method] = mix.scores
        picture, words = both(mix.given)
        found |= {PICTURE: picture, WORDS: words}
    return found


def _kept(scores: NDArray[np.float32], benchmark: Benchmark, query: ComposedQuery, depth: int | None) -> Order:
    """The gallery's rows, best first: ``depth`` of them, and those of the query's group and its own gallery."""
    order = descending(scores)
    if depth is None or depth >= len(order):
        return order
    wanted = np.zeros(len(order), np.bool_)
    wanted[order[:depth]] = True
    wanted[[benchmark.rows[name] for name in (*query.group, *(query.gallery or ()))]] = True
    return order[wanted[order]]
