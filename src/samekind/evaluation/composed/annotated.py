"""Which published benchmark an annotation file is of, its queries, and where their pictures lie in a folder."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samekind.errors import UsageError
from samekind.evaluation.composed.circo import read_circo
from samekind.evaluation.composed.cirr import read_cirr
from samekind.evaluation.composed.crops import cut_out
from samekind.evaluation.composed.entries import read_entries
from samekind.evaluation.composed.fashion_iq import GALLERIES, read_fashion_iq
from samekind.evaluation.composed.genecis import ATTRIBUTE_TASKS, crop_of, read_genecis
from samekind.evaluation.composed.places import places_of, stems_below
from samekind.evaluation.composed.queries import Benchmark
from samekind.events import Event
from samekind.settings import Settings

CIRR, CIRCO, FASHION_IQ, GENECIS = "cirr", "circo", "fashion_iq", "genecis"
_FIELDS = {
    CIRR: ("pairid", "img_set"),
    CIRCO: ("reference_img_id", "relative_caption"),
    FASHION_IQ: ("candidate", "captions"),
    GENECIS: ("condition", "gallery"),
}
_FILES = {
    CIRR: ("captions/cap.rc2.SPLIT.json", r"captions/cap\.rc2\.(?P<part>[^/]+)\.json"),
    CIRCO: ("annotations/SPLIT.json", r"annotations/(?P<part>[^/]+)\.json"),
    FASHION_IQ: ("captions/cap.CATEGORY.val.json", r"captions/cap\.(?P<part>[^/.]+)\.val\.json"),
    GENECIS: ("TASK.json", r"[^/]*/(?P<part>[^/.]+)(\.[^/]+)?\.json"),
}
"""Where a file lies in its benchmark's folder, for people and as a pattern; the part is a split, category or task."""
_ONE_PART = (CIRR, CIRCO)
_COCO_DIGITS = 12


@dataclass(frozen=True)
class Part:
    """One annotation file: its queries once for each convention, the widest gallery first, and its pictures' paths.

    ``places``: the path of every picture that is needed, by its name, below ``folder``; ids of whole pictures where the
    names are those of crops.
    """

    kind: str
    name: str
    benchmarks: tuple[Benchmark, ...]
    folder: Path
    places: Mapping[str, str]

    @property
    def main(self) -> Benchmark:
        """The benchmark with the widest gallery."""
        return self.benchmarks[0]

    @property
    def scored_by_a_server(self) -> bool:
        """Whether the targets are not in the file."""
        return not any(query.targets for query in self.main.queries)

    def with_pictures(self, settings: Settings) -> Generator[Event, None, Part]:
        """The same, ``places`` leading to a picture for every name: crops are cut out, all else is there already."""
        if self.name not in ATTRIBUTE_TASKS:
            return self
        folder, places = yield from cut_out(self.main.pictures, self.places, self.folder, settings)
        return replace(self, folder=folder, places=places)


def read_parts(files: Sequence[Path], folder: Path) -> tuple[Part, ...]:
    """What the annotation files of one benchmark ask, and where its pictures are below ``folder``.

    FashionIQ may be given by several categories, GeneCIS by several tasks. Raises UsageError for files of no benchmark,
    of several, or named otherwise than their sources name them, for what breaks their contracts, and for pictures that
    are missing.
    """
    kinds = [_kind(file) for file in files]
    if len(set(kinds)) > 1:
        raise UsageError(f"The files are of {' and '.join(dict.fromkeys(kinds))}; measure one benchmark at a time.")
    if kinds[0] in _ONE_PART and len(files) > 1:
        raise UsageError(f"The splits of {kinds[0]} have no mean; measure one file at a time.")
    stems = stems_below(folder)
    parts = tuple(_part(kinds[0], file, folder, stems) for file in files)
    names = [part.name for part in parts]
    if len(set(names)) < len(names):
        raise UsageError(f"A part is there twice among {', '.join(names)}; give each once.")
    return parts


def _kind(file: Path) -> str:
    fields = read_entries(file)[0].fields
    for kind, needed in _FIELDS.items():
        if all(field in fields for field in needed):
            return kind
    raise UsageError(f"{file} is no annotation file of {', '.join(_FIELDS)}: its first entry has other fields.")


def _part(kind: str, file: Path, folder: Path, stems: Mapping[str, tuple[str, ...]]) -> Part:
    where, pattern = _FILES[kind]
    place = file.absolute()
    home = place.parent.parent
    found = re.fullmatch(pattern, place.relative_to(home).as_posix())
    if found is None:
        raise UsageError(
            f"{file} is of {kind}, but is not named {where}; leave its names as they come from its source."
        )
    name = found["part"]

    def placed(benchmark: Benchmark) -> dict[str, str]:
        return places_of(benchmark.pictures, stems, folder, benchmark.name)

    if kind == CIRR:
        cirr = read_cirr(home, name)
        return Part(kind, name, (cirr,), folder, placed(cirr))
    if kind == FASHION_IQ:
        each = tuple(read_fashion_iq(home, name, gallery) for gallery in GALLERIES)
        return Part(kind, name, each, folder, placed(each[0]))
    if kind == CIRCO:
        return _circo(home, name, folder, stems)
    return _genecis(file, name, folder, stems)


def _circo(home: Path, split: str, folder: Path, stems: Mapping[str, tuple[str, ...]]) -> Part:
    """The gallery is every picture below the folder that is named as COCO names them."""
    asked = read_circo(home, split)
    named = {name for query in asked.queries for name in (query.reference, *query.targets)}
    places_of(sorted(named, key=int), stems, folder, asked.name, _coco)
    names = sorted((str(int(stem)) for stem in stems if len(stem) == _COCO_DIGITS and stem.isdecimal()), key=int)
    benchmark = read_circo(home, split, names)
    pictures = f"the gallery is the {len(names):,} pictures of the folder"
    benchmark = replace(benchmark, conventions=(pictures, *benchmark.conventions))
    return Part(CIRCO, split, (benchmark,), folder, places_of(names, stems, folder, asked.name, _coco))


def _genecis(file: Path, task: str, folder: Path, stems: Mapping[str, tuple[str, ...]]) -> Part:
    benchmark = read_genecis(file)
    if task in ATTRIBUTE_TASKS:
        pictures = dict.fromkeys(crop_of(name)[0] for name in benchmark.pictures)
        return Part(GENECIS, task, (benchmark,), folder, places_of(pictures, stems, folder, benchmark.name))
    places = places_of(benchmark.pictures, stems, folder, benchmark.name, _coco)
    return Part(GENECIS, task, (benchmark,), folder, places)


def _coco(name: str) -> str:
    """A file's name in COCO."""
    return name.zfill(_COCO_DIGITS)
