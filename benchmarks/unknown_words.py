"""Names that nobody knows: does searching for a wider kind as well help?

    python benchmarks/unknown_words.py

Class names, as in `benchmarks/words.py`, with and without the wider kind (`query/unknown.py`), dino: in each set, and
in one collection of the four tuning sets, which is what a wider kind is for. "Of the set" is how many of the first ten
pictures belong to the set that the name is from. Ikea and captions were looked at three times; what counts as a name
and which senses do was narrowed after the first.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import TUNING_SETS, save
from numpy.typing import NDArray
from words import SETS, Asked, as_the_product, asked_of, cell, collection_of, hits

from samekind.evaluation.compare import Values, differences
from samekind.meaning import MeaningSpace
from samekind.query.unknown import widened
from samekind.query.wordings.concepts import ConceptWording

ENCODER = "dino"


@dataclass(frozen=True)
class Gallery:
    """A set's name, what is asked of it, and the pictures as words see them, with their paths below a set's name."""

    name: str
    asked: Asked
    wording: ConceptWording
    paths: list[str]

    def measured(self, score_with: bool) -> tuple[Values, NDArray[np.float64]]:
        """Hits of every query, and which part of its first ten pictures are of the set."""
        score = as_the_product(self.wording) if score_with else self.wording.scores
        first = np.argsort(-score(self.asked.texts), axis=1, kind="stable")[:, :10]
        of_set = np.array([path.startswith(f"{self.name}/") for path in self.paths])
        return hits(score, self.paths, self.asked), of_set[first].mean(axis=1)

    def row(self, place: str) -> dict[str, object]:
        """Before and after, and how many names were widened."""
        scores = self.wording.scores(self.asked.texts)
        sure = [float(self.wording.confidence(row).max()) for row in scores]
        each = zip(self.asked.texts, scores, sure, strict=True)
        kinds = [found.kind for text, row, one in each if (found := widened(self.wording, text, row, one))]
        (before, set_before), (after, set_after) = self.measured(False), self.measured(True)
        change = [
            f"{100 * one.mean:+.1f} ({100 * one.low:+.1f} to {100 * one.high:+.1f})"
            for one in differences([after], [before]).values()
        ]
        return {
            "names of": self.name,
            "in": place,
            "names": len(self.asked.texts),
            "widened": len(kinds),
            "most often to": max(sorted(set(kinds)), key=kinds.count, default=""),
            "without": cell(before),
            "with": cell(after),
            "points": " / ".join(change),
            "of the set, without": f"{100 * set_before.mean():.0f}",
            "of the set, with": f"{100 * set_after.mean():.0f}",
        }


def gallery_of(name: str, folder: Path) -> Gallery:
    """One set."""
    held = collection_of(name, ENCODER, folder)
    wording = ConceptWording.read(held)
    asked = asked_of(name)
    right = [{f"{name}/{path}" for path in one} for one in asked.right]
    paths = [f"{name}/{row['path']}" for row in held.rows(wording.ids)]
    return Gallery(name, Asked(asked.texts, right), wording, paths)


def together(galleries: list[Gallery]) -> list[Gallery]:
    """Each set's names, asked of the pictures of all."""
    paths = [path for one in galleries for path in one.paths]
    concepts = np.concatenate([one.wording.concepts for one in galleries])
    looks = np.concatenate([one.wording.looks for one in galleries])
    space = MeaningSpace.of(concepts, looks, galleries[0].wording.space.parts)
    wording = ConceptWording(paths, np.arange(len(paths)), looks, concepts, space)
    return [Gallery(one.name, one.asked, wording, paths) for one in galleries]


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        galleries = {name: gallery_of(name, Path(made)) for name in SETS}
    rows = [one.row("its own set") for one in galleries.values()]
    rows += [one.row("all four sets") for one in together([galleries[name] for name in TUNING_SETS])]
    notes = [
        "R@1 / R@10 in percent with 95 % bootstrap intervals over queries; points with, less without, paired.",
        "The weight was chosen on the first four sets, alone and together.",
    ]
    save("unknown_words", "Names that nobody knows, by a wider kind", rows, notes, seed=0)


if __name__ == "__main__":
    main()
