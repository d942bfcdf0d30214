"""A published benchmark of composed search, measured as its own scoring does, by every method and the single ones."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samekind.errors import UsageError
from samekind.evaluation.compare import Difference, differences
from samekind.evaluation.composed import measures
from samekind.evaluation.composed.annotated import CIRCO, CIRR, FASHION_IQ, GENECIS, Part, read_parts
from samekind.evaluation.composed.asking import PICTURE, WORDS, Ways, ask, collection_of, encoder_of
from samekind.evaluation.composed.fashion_iq import GALLERIES
from samekind.evaluation.composed.places import lacking
from samekind.evaluation.composed.queries import Benchmark
from samekind.evaluation.composed.rankings import Rankings
from samekind.evaluation.composed.submissions import write_circo, write_cirr
from samekind.evaluation.results import Evaluation, Scores
from samekind.events import Event, Job
from samekind.query.composing import METHODS
from samekind.query.composing.sliders import Sliders
from samekind.query.wordings import wording_of
from samekind.settings import Settings, resolve

if TYPE_CHECKING:
    from samekind.encoders.base import Encoder

OFFICIAL, WITHOUT_REFERENCE = "official", "reference excluded"
HEADLINES = {
    CIRR: ("recall@1", "subset recall@1"),
    CIRCO: ("map@5",),
    FASHION_IQ: ("recall@10",),
    GENECIS: ("recall@1",),
}
SERVED = (CIRR, CIRCO)
"""The benchmarks that have a test server."""
_DEPTH = 51
"""The deepest figure looks at 50 pictures, and the reference may be one of those above."""

Measured = Mapping[str, Evaluation]
"""Convention -> what a way to ask scored under it: one set for each annotation file, and their mean."""


@dataclass(frozen=True)
class PublishedEvaluation:
    """How each way to ask did: ``ways`` by name, the picture alone and the words alone first, under each convention.

    ``against``: for each method, convention and headline metric the paired difference from the better of the two single
    ones in it. ``aspects``: for each way map@10 of the queries of each semantic aspect, in CIRCO only. Without targets
    these are empty. ``tuned``: whether collections were let tune themselves to their pictures. ``benchmarks``: what was
    asked, one for each file and gallery. ``submissions``: the files that were written for the test server.
    """

    kind: str
    encoder: str
    tuned: bool
    benchmarks: tuple[Benchmark, ...]
    ways: Mapping[str, Measured] = field(default_factory=dict)
    against: Mapping[str, Mapping[str, Mapping[str, Difference]]] = field(default_factory=dict)
    aspects: Mapping[str, Mapping[str, Scores]] = field(default_factory=dict)
    submissions: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; fractions in 0..1."""
        return {
            "benchmark": self.kind,
            "encoder": self.encoder,
            "tuned": self.tuned,
            "parts": [one.to_dict() for one in self.benchmarks],
            "ways": {way: {name: one.to_dict() for name, one in found.items()} for way, found in self.ways.items()},
            "against_the_better_single_one": {
                way: {name: {metric: one.to_dict() for metric, one in each.items()} for name, each in found.items()}
                for way, found in self.against.items()
            },
            "aspects": {way: {name: one.to_dict() for name, one in each.items()} for way, each in self.aspects.items()},
            "submissions": list(self.submissions),
        }


def evaluate_published(
    files: Sequence[Path | str],
    gallery: Path | str,
    methods: Sequence[str] = (),
    encoder: str | Encoder = "dino",
    *,
    tune: bool = True,
    submission: Path | None = None,
    settings: Settings | None = None,
) -> Job[PublishedEvaluation]:
    """Measures composed search on CIRR, CIRCO, FashionIQ or GeneCIS, which the annotation files themselves tell.

    ``files``: one of CIRR or CIRCO, or one for each category of FashionIQ or task of GeneCIS. ``gallery``: the folder
    that the pictures are below. ``methods`` none: all. ``submission``: the folder for the files of CIRR's or CIRCO's
    server. The collections that are searched are kept in the cache folder.

    Raises UsageError for an unknown method, files that ``read_parts`` refuses, a split without targets where no
    submission is asked for, and a submission where there is no server. The job raises it for pictures that cannot be
    read.
    """
    for method in methods:
        Sliders(method).usual()
    folder = Path(gallery).expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}; name the one that the benchmark's pictures are below.")
    parts = read_parts([Path(file) for file in files], folder)
    kind = parts[0].kind
    if submission is None and parts[0].scored_by_a_server:
        raise UsageError(
            f"The targets of {parts[0].main.name} are kept by its server; name a folder with --submission."
        )
    if submission is not None and kind not in SERVED:
        raise UsageError(f"No server scores {kind}; leave out --submission.")
    ways = Ways(methods or list(METHODS), tune)
    return Job(_steps(parts, ways, encoder, submission, settings or resolve()))


def _steps(
    parts: Sequence[Part], ways: Ways, encoder: str | Encoder, submission: Path | None, settings: Settings
) -> Generator[Event, None, PublishedEvaluation]:
    encoder = yield from encoder_of(encoder, settings)
    asked = []
    for part in parts:
        asked.append((yield from _asked(part, ways, encoder, settings)))
    rankings = {way: [one[way] for one in asked] for way in asked[0]}
    kind = parts[0].kind
    written: list[str] = []
    if submission is not None:
        for way, ((found, *_), *_) in rankings.items():
            written += _written(kind, found, submission, way)
    name, benchmarks = encoder.name, tuple(one for part in parts for one in part.benchmarks)
    if parts[0].scored_by_a_server:
        return PublishedEvaluation(kind, name, ways.tune, benchmarks, submissions=tuple(written))
    measured = {way: _measured(kind, way, found) for way, found in rankings.items()}
    aspects = {way: measures.circo_aspects(one) for way, ((one, *_), *_) in rankings.items()} if kind == CIRCO else {}
    return PublishedEvaluation(
        kind, name, ways.tune, benchmarks, measured, _against(kind, measured), aspects, tuple(written)
    )


def _asked(
    part: Part, ways: Ways, encoder: Encoder, settings: Settings
) -> Generator[Event, None, dict[str, tuple[Rankings, ...]]]:
    """The rankings of one annotation file by each way to ask, one for each of its conventions."""
    part = yield from part.with_pictures(settings)
    collection = yield from collection_of(part.folder, encoder, ways.tune, settings, sorted(part.places.values()))
    found = {one["path"]: one["id"] for one in collection.pictures("state = present", ["id", "path"])}
    known = frozenset(wording_of(collection).ids)
    unread = [name for name, path in part.places.items() if found.get(path) not in known]
    if unread:
        first = str(part.folder / part.places[unread[0]])
        raise lacking(unread, len(part.places), part.main.name, "cannot be read", first, "take them anew")
    ids = {name: found[path] for name, path in part.places.items()}
    return (yield from ask(collection, part.benchmarks, ids, ways, _DEPTH, f"asking {part.main.name}"))


def _measured(kind: str, way: str, rankings: Sequence[tuple[Rankings, ...]]) -> Measured:
    """What the benchmark's own scoring says to the rankings of each annotation file."""
    main = [one[0] for one in rankings]
    details = {"conventions": list(main[0].benchmark.conventions)}
    if kind == CIRR:
        return {OFFICIAL: Evaluation(way, details, tuple(map(measures.cirr, main)))}
    if kind == CIRCO:
        without = tuple(measures.circo(one, without_reference=True) for one in main)
        return {
            OFFICIAL: Evaluation(way, details, tuple(map(measures.circo, main))),
            WITHOUT_REFERENCE: Evaluation(way, details, without),
        }
    if kind == FASHION_IQ:
        return {
            gallery: measures.fashion_iq(way, [one[at] for one in rankings]) for at, gallery in enumerate(GALLERIES)
        }
    return {OFFICIAL: measures.genecis(way, main)}


def _against(kind: str, measured: Mapping[str, Measured]) -> dict[str, dict[str, dict[str, Difference]]]:
    """For each method the paired differences of the headline metrics from the better of the two single ones."""
    return {
        way: {
            convention: {metric: _difference(one, measured, convention, metric) for metric in HEADLINES[kind]}
            for convention, one in found.items()
        }
        for way, found in measured.items()
        if way not in (PICTURE, WORDS)
    }


def _difference(one: Evaluation, measured: Mapping[str, Measured], convention: str, metric: str) -> Difference:
    singles = (measured[PICTURE][convention], measured[WORDS][convention])
    single = max(singles, key=lambda other: other.mean[metric].mean)
    mine, theirs = ([{metric: part.values[metric]} for part in each.sets] for each in (one, single))
    return differences(mine, theirs)[metric]


def _written(kind: str, rankings: Rankings, folder: Path, way: str) -> list[str]:
    """Writes the server's files for one way to ask; CIRCO's once as its scoring has it and once without references."""
    start = f"{rankings.benchmark.name} {way}".replace(" ", "-")
    if kind == CIRR:
        recall, subset = folder / f"{start}-recall.json", folder / f"{start}-recall_subset.json"
        write_cirr(rankings, recall, subset)
        return [str(recall), str(subset)]
    kept, without = folder / f"{start}.json", folder / f"{start}-reference-excluded.json"
    write_circo(rankings, kept)
    write_circo(rankings.excluding_references(), without)
    return [str(kept), str(without)]
