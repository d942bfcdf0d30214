"""Figure 1: words find pictures, in real collections: class names, captions, and captions in five languages.

    python benchmarks/words.py

Classes are asked by their bare names, captions as people wrote them; a hit is a picture of the class, or the picture
that the caption was written for. Settings were chosen on the tuning sets; ikea and captions stood beside.
benchmarks/data/captions_40.csv has one caption of 40 pictures, put into four more languages, written by hand.
"""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from common import SHARED, TUNING_SETS, save
from numpy.typing import NDArray

from samekind import load_encoder
from samekind.collection import Collection
from samekind.collection.concepts import CONCEPTS
from samekind.evaluation.compare import Values, differences, intervals
from samekind.meaning import MeaningSpace, concept_names, split_concepts
from samekind.meaning.colours import named
from samekind.query.wordings.concepts import COLOUR, ConceptWording

SETS = (*TUNING_SETS, "captions", "ikea")
ENCODERS = ("dino", "tiny", "lite")
LANGUAGES = ("en", "de", "fr", "es", "zh")
FORTY = Path(__file__).parent / "data" / "captions_40.csv"

Score = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True)
class Asked:
    """Texts, and for each the paths of the pictures that are right."""

    texts: list[str]
    right: list[set[str]]


def rows_of(file: Path) -> list[dict[str, str]]:
    """A table with a header."""
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def asked_of(name: str) -> Asked:
    """The queries of a set."""
    if name == "captions":
        rows = rows_of(SHARED / name / "captions.csv")
        return Asked([row["caption"] for row in rows], [{row["path"]} for row in rows])
    by_label: dict[str, set[str]] = {}
    for row in rows_of(SHARED / name / "labels.csv"):
        by_label.setdefault(row["label"], set()).add(row["path"])
    return Asked(sorted(by_label), [by_label[label] for label in sorted(by_label)])


def collection_of(name: str, encoder: str, folder: Path) -> Collection:
    """A collection of a set's pictures that knows words; what pictures show is looked at once for all encoders."""
    held = Collection.create(folder / f"{name}.{encoder}.samekind", load_encoder(encoder))
    held.sync([SHARED / name], tune=False).result()
    known = folder / f"{name}.{ENCODERS[0]}.samekind" / CONCEPTS.folder
    if known.is_dir():
        shutil.copytree(known, held.path / CONCEPTS.folder, dirs_exist_ok=True)
    held.learn_words().result()
    held.refresh()
    return held


def hits(score: Score, paths: Sequence[str], asked: Asked) -> Values:
    """Whether the first, and one of the first ten, is right: one value a query."""
    firsts = []
    for scores, right in zip(score(asked.texts), asked.right, strict=True):
        is_right = np.array([path in right for path in paths])
        firsts.append(int((scores > scores[is_right].max()).sum() if is_right.any() else len(scores)))
    found = np.array(firsts)
    return {"R@1": (found < 1).astype(np.float64), "R@10": (found < 10).astype(np.float64)}


def without_sentences(wording: ConceptWording) -> Score:
    """What is left without the sentence encoder: words that a text shares with the classes' names, and colours."""
    names = [_words(name) for name in concept_names()[:1_000]]
    classes = split_concepts(wording.concepts)[0]

    def score(texts: Sequence[str]) -> NDArray[np.float32]:
        shared = [[len(name & _words(text)) / len(name) for name in names] for text in texts]
        tie = np.random.default_rng(0).random((len(texts), len(classes))) * 1e-6  # a text that shares nothing hits none
        colours = np.stack([named(text) for text in texts]) @ wording.colours.T
        return np.asarray(np.array(shared) @ classes.T + COLOUR * colours + tie, np.float32)

    return score


def _words(text: str) -> set[str]:
    return {word.removesuffix("s") for word in re.findall(r"\w+", text.casefold())}


def cell(values: Values) -> str:
    """Both rates in percent with their intervals."""
    return " / ".join(
        f"{100 * one.mean:.0f} ({100 * one.low:.0f} to {100 * one.high:.0f})" for one in intervals([values]).values()
    )


def main() -> None:
    """All sets with all encoders, then the languages."""
    table: dict[str, dict[str, str]] = {}
    spoken = []
    forty = rows_of(FORTY)
    with tempfile.TemporaryDirectory() as made:
        for name in SETS:
            asked = asked_of(name)
            for encoder in ENCODERS:
                held = collection_of(name, encoder, Path(made))
                wording = ConceptWording.read(held)
                paths = [row["path"] for row in held.rows(wording.ids)]
                ways: dict[str, Score] = {encoder: wording.scores}
                if encoder == ENCODERS[0]:
                    space = MeaningSpace.of(wording.concepts, wording.looks, ())
                    ways["without a bridge"] = replace(wording, space=space).scores
                    ways["without the sentence encoder"] = without_sentences(wording)
                for way, score in ways.items():
                    table.setdefault(way, {})[name] = cell(hits(score, paths, asked))
                    print(name, way, table[way][name], flush=True)
                if name == "captions":
                    spoken += languages(encoder, wording.scores, paths, forty)
    notes = [
        "R@1 / R@10 in percent with 95 % bootstrap intervals over queries (captions: five a picture, taken as apart).",
        "Queries: 120 birds, 12 flowers, 81 groceries, 10 garments, 395 captions, 359 products.",
    ]
    save("words", "Text to picture", [{"words by": way, **cells} for way, cells in table.items()], notes, seed=0)
    save("words_languages", "Text to picture, 40 captions in five languages", spoken, notes[:1], seed=0)


def languages(encoder: str, score: Score, paths: Sequence[str], forty: list[dict[str, str]]) -> list[dict[str, str]]:
    """Each language, and its difference from English."""
    right = [{row["path"]} for row in forty]
    found = {one: hits(score, paths, Asked([row[one] for row in forty], right)) for one in LANGUAGES}
    rows = []
    for one in LANGUAGES:
        row = {"encoder": encoder, "language": one, "R@1 / R@10": cell(found[one]), "less English": ""}
        if one != "en":
            row["less English"] = " / ".join(
                f"{100 * each.mean:+.0f} ({100 * each.low:+.0f} to {100 * each.high:+.0f})"
                for each in differences([found[one]], [found["en"]]).values()
            )
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
