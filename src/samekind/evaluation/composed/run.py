"""A file of composed queries, asked of a folder of pictures by every method beside picture and words alone."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError
from samekind.evaluation.compare import Difference, differences
from samekind.evaluation.composed.measures import ByRule, own
from samekind.evaluation.composed.own import read_own
from samekind.evaluation.composed.queries import Benchmark, ComposedQuery
from samekind.evaluation.composed.rankings import Rankings
from samekind.evaluation.vectors import cached
from samekind.events import Event, Job, Progress
from samekind.query.composing import METHODS, composed, find_method
from samekind.query.composing.sliders import Sliders
from samekind.query.model import Like, Query, Words
from samekind.query.shown import shown
from samekind.query.worded import Asked
from samekind.query.wordings import Wording, prepare, wording_of
from samekind.settings import Settings, resolve

if TYPE_CHECKING:
    from samekind.collection import Collection
    from samekind.encoders.base import Encoder

PICTURE, WORDS = "picture only", "words only"
HEADLINES = ("recall@1", "recall@10")


@dataclass(frozen=True)
class ComposedEvaluation:
    """How each way to ask did: ``ways`` by name, the picture alone and the words alone first.

    ``against``: for each method, metric -> the paired difference from the better of the two single ones in it, over the
    main figure's queries.
    """

    name: str
    encoder: str
    ways: Mapping[str, ByRule]
    against: Mapping[str, Mapping[str, Difference]]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; fractions in 0..1."""
        return {
            "name": self.name,
            "encoder": self.encoder,
            "ways": {way: found.to_dict() for way, found in self.ways.items()},
            "against_the_better_single_one": {
                way: {metric: one.to_dict() for metric, one in found.items()} for way, found in self.against.items()
            },
        }


def evaluate_composed(
    file: Path | str,
    gallery: str,
    methods: Sequence[str] = (),
    encoder: str | Encoder = "dino",
    *,
    tune: bool = True,
    change: float | None = None,
    keep: float | None = None,
    settings: Settings | None = None,
) -> Job[ComposedEvaluation]:
    """Measures composed search on the queries of a .jsonl file (see `own.py`), asked of a folder of pictures.

    ``gallery``: the folder, by its path or by its name beside the folder of the file; pictures are named by it and by
    their paths below it. ``methods`` none: all. The collection that is searched is kept in the cache folder.

    Raises UsageError for an unknown method, a folder that is not there and a file that breaks the contract.
    """
    for method in methods:
        find_method(method, change, keep)
    folder = _folder(Path(file), gallery)
    sliders = change, keep
    return Job(_steps(Path(file), folder, methods or list(METHODS), encoder, tune, sliders, settings or resolve()))


def _folder(file: Path, gallery: str) -> Path:
    for folder in (file.absolute().parent.parent / gallery, Path(gallery).expanduser().absolute()):
        if folder.is_dir():
            return folder
    raise UsageError(f"There is no folder {gallery} beside that of {file}, nor here; name the pictures' folder.")


def _steps(
    file: Path,
    folder: Path,
    methods: Sequence[str],
    encoder: str | Encoder,
    tune: bool,
    sliders: tuple[float | None, float | None],
    settings: Settings,
) -> Generator[Event, None, ComposedEvaluation]:
    collection = yield from collection_of(folder, encoder, tune, settings)
    names = {
        f"{folder.name}/{one['path']}": one["id"] for one in collection.pictures("state = present", ["id", "path"])
    }
    wording = wording_of(collection)
    known = {id_: row for row, id_ in enumerate(wording.ids)}
    gallery = [name for name, id_ in names.items() if id_ in known]
    benchmark = read_own(file, gallery)
    columns = np.array([known[names[name]] for name in gallery])
    scores: dict[str, list[NDArray[np.float32]]] = {way: [] for way in (PICTURE, WORDS, *methods)}
    for done, query in enumerate(benchmark.queries):
        yield Progress("asking", done, len(benchmark))
        for way, found in _asked(collection, wording, query, names, methods, tune, sliders).items():
            scores[way].append(found[columns])
    yield Progress("asking", len(benchmark), len(benchmark))
    return _measured(benchmark, collection.encoder_name, {way: np.stack(rows) for way, rows in scores.items()})


def collection_of(
    folder: Path, encoder: str | Encoder, tune: bool, settings: Settings
) -> Generator[Event, None, Collection]:
    """The folder's pictures as a collection in the cache folder, tuned and with what words need."""
    from samekind.collection import Collection
    from samekind.encoders.load import fetch, load_encoder

    if isinstance(encoder, str):
        yield from fetch(encoder, settings)
        encoder = load_encoder(encoder, settings)
    collection = Collection.open_or_create(cached(folder, encoder, "-composed"), encoder)
    yield from collection.sync([folder], encoder=encoder, settings=settings, tune=tune)
    yield from prepare(collection)
    return collection


def _asked(
    collection: Collection,
    wording: Wording,
    query: ComposedQuery,
    names: Mapping[str, str],
    methods: Sequence[str],
    tune: bool,
    sliders: tuple[float | None, float | None],
) -> dict[str, NDArray[np.float32]]:
    """For each way to ask the scores (n,) of all pictures."""
    question = Query(Like(names[query.reference]), *map(Words, query.texts))
    asked = Asked(collection, wording, question, shown(collection, question, tune, None), tune)
    found: dict[str, NDArray[np.float32]] = {}
    for method in methods:
        given = asked.given(method)
        found[method] = composed(given, *Sliders(method, *sliders).usual())
        found |= {PICTURE: given.picture, WORDS: given.words}  # type: ignore[dict-item]
    return found


def _measured(benchmark: Benchmark, encoder: str, scores: Mapping[str, NDArray[np.float32]]) -> ComposedEvaluation:
    ways = {way: own(Rankings.from_scores(benchmark, found)) for way, found in scores.items()}
    against: dict[str, dict[str, Difference]] = {}
    for way, found in ways.items():
        if way in (PICTURE, WORDS):
            continue
        against[way] = {}
        for metric in HEADLINES:
            single = max((ways[PICTURE], ways[WORDS]), key=lambda one: float(one.main.values[metric].mean()))
            against[way][metric] = differences([found.main.values], [single.main.values])[metric]
    return ComposedEvaluation(benchmark.name, encoder, ways, against)


def text(found: ComposedEvaluation) -> str:
    """For a terminal: a row a way to ask; the rules that no picture can answer stand apart."""
    from samekind.evaluation.report import aligned
    from samekind.evaluation.words import percent, with_test

    rules = [*found.ways[PICTURE].rules, *found.ways[PICTURE].apart]
    header = ["", "R@1", "R@10", *(f"{rule} R@1 R@10" for rule in rules), "R@1 against the better single one"]
    rows = [header]
    for way, one in found.ways.items():
        every = {**one.rules, **one.apart}
        cells = [percent(one.main.intervals[metric].mean) for metric in HEADLINES]
        cells += [" ".join(percent(every[rule].intervals[metric].mean) for metric in HEADLINES) for rule in rules]
        rows.append([way, *cells, with_test(found.against[way]["recall@1"]) if way in found.against else ""])
    apart = ", ".join(found.ways[PICTURE].apart)
    note = f"\n\nR@1 and R@10 leave out the rule {apart}, which no picture alone can answer." if apart else ""
    return f"{found.name} ({found.encoder}, percent, the reference left out)\n\n{aligned(rows)}{note}"
