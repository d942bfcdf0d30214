"""A file of composed queries, asked of a folder of pictures by every method beside picture and words alone."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samekind.errors import UsageError
from samekind.evaluation.compare import Difference, differences
from samekind.evaluation.composed.asking import PICTURE, WORDS, Ways, ask, collection_of
from samekind.evaluation.composed.measures import ByRule, own
from samekind.evaluation.composed.own import read_own
from samekind.evaluation.composed.rankings import Rankings
from samekind.events import Event, Job
from samekind.query.composing import METHODS
from samekind.query.composing.sliders import Sliders
from samekind.query.wordings import wording_of
from samekind.settings import Settings, resolve

if TYPE_CHECKING:
    from samekind.encoders.base import Encoder

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
        Sliders(method, change, keep).usual()
    folder = folder_of(Path(file), gallery)
    ways = Ways(methods or list(METHODS), tune, change, keep)
    return Job(_steps(Path(file), folder, ways, encoder, settings or resolve()))


def folder_of(file: Path, gallery: str) -> Path:
    """The folder of pictures, named beside the folder of an annotation file or from here. Raises UsageError."""
    for folder in (file.absolute().parent.parent / gallery, Path(gallery).expanduser().absolute()):
        if folder.is_dir():
            return folder
    raise UsageError(f"There is no folder {gallery} beside that of {file}, nor here; name the pictures' folder.")


def _steps(
    file: Path, folder: Path, ways: Ways, encoder: str | Encoder, settings: Settings
) -> Generator[Event, None, ComposedEvaluation]:
    collection = yield from collection_of(folder, encoder, ways.tune, settings)
    ids = {f"{folder.name}/{one['path']}": one["id"] for one in collection.pictures("state = present", ["id", "path"])}
    known = frozenset(wording_of(collection).ids)
    benchmark = read_own(file, [name for name, id_ in ids.items() if id_ in known])
    found = yield from ask(collection, [benchmark], ids, ways)
    return _measured(benchmark.name, collection.encoder_name, {way: rankings for way, (rankings,) in found.items()})


def _measured(name: str, encoder: str, rankings: Mapping[str, Rankings]) -> ComposedEvaluation:
    ways = {way: own(found) for way, found in rankings.items()}
    against: dict[str, dict[str, Difference]] = {}
    for way, found in ways.items():
        if way in (PICTURE, WORDS):
            continue
        against[way] = {}
        for metric in HEADLINES:
            single = max((ways[PICTURE], ways[WORDS]), key=lambda one: float(one.main.values[metric].mean()))
            against[way][metric] = differences([found.main.values], [single.main.values])[metric]
    return ComposedEvaluation(name, encoder, ways, against)


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
