"""The evaluation of composed queries never reads what is written beside pictures: their names hold the answer."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.collection import Collection
from samekind.errors import UsageError
from samekind.evaluation.composed.asking import PICTURE, WORDS
from samekind.evaluation.composed.run import evaluate_composed
from samekind.query import named
from samekind.query.learned import Head, LearnedComposition, fitting
from tests.collection.mock import MockEncoder, draw

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("accepted", [True, False])
def test_what_the_gallery_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accepted: bool) -> None:
    """It learns once, and is measured where its gate accepts it, whose word is taken out of its mouth here."""
    learn, learned = fitting.fitted, []

    def fitted(collection: Collection, seed: int) -> tuple[Head, LearnedComposition]:
        learned.append(seed)
        head, verdict = learn(collection, seed)
        return head, replace(verdict, accepted=accepted)

    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fitting, "fitted", fitted)
    entries = []
    for colour, rgb in {"red": (200, 25, 35), "green": (40, 140, 50), "blue": (30, 70, 185)}.items():
        for n in range(8):
            pixels = np.full((48, 48, 3), 255, np.uint8)
            pixels[4 + 4 * n : 20 + 4 * n, 8:40] = rgb
            (tmp_path / "things").mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "things" / f"{colour}{n}.png")
        entries.append({"reference": "things/red0.png", "targets": [f"things/{colour}1.png"], "text": colour})
    (tmp_path / "lists").mkdir()
    file = tmp_path / "lists" / "own.jsonl"
    file.write_text("".join(json.dumps({**one, "rule": "colour"}) + "\n" for one in entries))
    for _ in range(2):
        job = evaluate_composed(file, "things", ["learned", "sum"], MockEncoder(), tune=False)
        if accepted:
            assert set(job.result().ways) == {PICTURE, WORDS, "learned", "sum"}
        else:
            with pytest.raises(UsageError, match="was refused"):
                job.result()
    assert learned == [0]


def measured(place: Path, names: list[str]) -> dict[str, float]:
    for n, name in enumerate(names):
        draw(place / "things" / name, n)
    (place / "lists").mkdir()
    entry = {"reference": f"things/{names[0]}", "targets": [f"things/{names[5]}"], "text": "zarpel", "rule": "kind"}
    (place / "lists" / "own.jsonl").write_text(json.dumps(entry) + "\n")
    found = evaluate_composed(place / "lists" / "own.jsonl", "things", ["sum", "roles"], MockEncoder(), tune=False)
    return {way: float(one.main.intervals["recall@1"].mean) for way, one in found.result().ways.items()}


def test_names_do_not_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        raise AssertionError("an evaluation reads names")

    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(named.Named, "matched", read)
    monkeypatch.setattr("samekind.collection.captions.captions", read)
    plain = [f"IMG_{n:04}.png" for n in range(12)]
    telling = [*plain[:5], "zarpel.png", *plain[6:]]
    found = measured(tmp_path / "telling", telling)
    assert found == measured(tmp_path / "plain", plain)
    assert found[WORDS] in (0, 1)


def test_no_evaluation_and_no_benchmark_can_ask_for_names() -> None:
    for folder in ("src/samekind/evaluation", "src/samekind/adapt", "benchmarks"):
        for file in (ROOT / folder).rglob("*.py"):
            text = file.read_text("utf-8")
            assert not re.search(r"query\.named|named_of|weak_captions=(?!\"none\")", text), file
            asks_words = re.search(r"\bsearch\(", text) and re.search(r"import .*\bWords\b", text)
            assert not asks_words or 'weak_captions="none"' in text, file
