"""Figure 1: words find pictures, in real collections: class names, captions, and captions in five languages.

    python benchmarks/words.py

Classes are asked by their bare names, captions as people wrote them; a hit is a picture of the class, or the picture
that the caption was written for. Settings were chosen on the tuning sets; ikea and captions stood beside.
benchmarks/data/captions_40.csv has one caption of 40 pictures, put into four more languages, written by hand;
benchmarks/data/synonyms.csv has what WordNet 3.0 also calls the classes, the most frequent first by its counts.
"""

from __future__ import annotations

import csv
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
from samekind.encoders.prompts import asked_as
from samekind.evaluation.compare import Values, differences, intervals
from samekind.meaning import MeaningSpace
from samekind.meaning.sparse import SparseConcepts
from samekind.query.several import LATE
from samekind.query.unknown import widened
from samekind.query.wordings.concepts import ConceptWording

SETS = (*TUNING_SETS, "captions", "ikea")
ENCODERS = ("dino", "tiny", "lite")
LANGUAGES = ("en", "de", "fr", "es", "zh")
FORTY, SYNONYMS = (Path(__file__).parent / "data" / name for name in ("captions_40.csv", "synonyms.csv"))

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


def as_the_product(wording: ConceptWording) -> Score:
    """Scores with a wider kind for names that no picture stands out for, as a search has them."""

    def score(texts: Sequence[str]) -> NDArray[np.float32]:
        found = wording.scores(texts)
        for text, row in zip(texts, found, strict=True):
            wider = widened(wording, text, row, float(wording.confidence(row).max()))
            row += wider.adds if wider else 0
        return found

    return score


def averaged(wording: ConceptWording, ways: Callable[[str], Sequence[str]]) -> Score:
    """The mean of the scores of several ways to say a text (GenQREnsemble, Dhole and Agichtein, 2024)."""
    return lambda texts: np.stack([wording.scores(ways(text)).mean(axis=0) for text in texts])


def with_the_word_index(wording: ConceptWording, fused: bool) -> Score:
    """Concepts by their names in an inverted list (`meaning/sparse.py`), which is what there is without the sentence
    encoder; or ``fused`` with its scores by reciprocal rank, where what keeps none of a text's concepts has no rank.
    """
    index = SparseConcepts.of(wording.concepts)

    def score(texts: Sequence[str]) -> NDArray[np.float32]:
        listed = index.scores(texts)
        if fused:
            return np.asarray(by_rank(wording.scores(texts)) + by_rank(listed) * (listed > 0), np.float32)
        tie = np.random.default_rng(0).random(listed.shape) * 1e-6
        return np.asarray(listed + tie, np.float32)

    return score


def by_rank(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """(t, n) the inverse of what ranks are late by, as `query/several.py` adds them up."""
    return 1 / (LATE + 1 + np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1))


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
    synonyms = {row["name"]: row["synonyms"].split("; ") for row in rows_of(SYNONYMS)}
    with tempfile.TemporaryDirectory() as made:
        for name in SETS:
            asked = asked_of(name)
            for encoder in ENCODERS:
                held = collection_of(name, encoder, Path(made))
                wording = ConceptWording.read(held)
                paths = [row["path"] for row in held.rows(wording.ids)]
                ways: dict[str, Score] = {encoder: as_the_product(wording)}
                if encoder == ENCODERS[0]:
                    space = MeaningSpace.of(wording.concepts, wording.looks, ())
                    ways["without a bridge"] = replace(wording, space=space).scores
                    ways["averaged over templates"] = averaged(wording, asked_as)
                    ways["averaged over synonyms"] = averaged(wording, lambda text: (text, *synonyms.get(text, ())))
                    ways["by the most frequent synonym"] = averaged(
                        wording, lambda text: synonyms.get(text, [text])[:1]
                    )
                    ways["without the sentence encoder"] = with_the_word_index(wording, fused=False)
                    ways["fused with the word index"] = with_the_word_index(wording, fused=True)
                for way, score in ways.items():
                    table.setdefault(way, {})[name] = cell(hits(score, paths, asked))
                    print(name, way, table[way][name], flush=True)
                if name == "captions":
                    spoken += languages(encoder, wording.scores, paths, forty)
    notes = [
        "R@1 / R@10 in percent with 95 % bootstrap intervals over queries (captions: five a picture, taken as apart).",
        "Templates are for names of up to three words; 56 names have synonyms in WordNet, none on captions and ikea.",
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
