"""Several queries in one pass: what it takes beside asking them one after the other, and whether the hits are the same.

    python benchmarks/several_ways.py

One collection of the six labelled sets (4,055 pictures) for each encoder. Crops are cut from one photograph, as it is
and made as large as a telephone takes it; texts are paraphrases. What was encoded is forgotten before each turn.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

from common import CONFIRMING_SETS, SHARED, TUNING_SETS, save
from PIL import Image

from samekind import load_encoder
from samekind.collection import Collection
from samekind.encoders.by_text import ByText
from samekind.meaning import sentences
from samekind.pictures.views import Box
from samekind.query import Hits, Picture, Query, Words, search
from samekind.query.search import search_each

ENCODERS = ("lite", "dino")
TURNS = 9
LARGE = (4_000, 3_000)
TEXTS = (
    *("a small bird on a branch", "a songbird sitting in a tree", "some bird perching on a twig", "birds in the woods"),
    *("ein Vogel auf einem Ast", "un oiseau sur une branche", "un pájaro en una rama", "树枝上的鸟"),
)
HOW = {"k": 100, "collapse": None, "weak_captions": "none"}
"""Names of files hold the answers here, so words are asked with weak_captions="none"."""


def crops(file: Path, count: int) -> list[Query]:
    """A picture's corners and middles."""
    with Image.open(file) as opened:
        wide, high = opened.size
    boxes = [Box(wide * n / 20, high * n / 20, wide * 0.6, high * 0.6) for n in range(count)]
    return [Query(Picture(file, box)) for box in boxes]


def seconds_of(ask: Callable[[], list[Hits]]) -> tuple[float, list[Hits]]:
    """CPU seconds, and the hits."""
    sentences._VECTORS = ByText(sentences._encoded)
    started = process_time()
    hits = ask()
    return process_time() - started, hits


def row_of(held: Collection, asked: str, ways: list[Query]) -> dict[str, object]:
    """Both ways in turn."""
    encoder = load_encoder(held.encoder_name)
    how = {name: value for name, value in HOW.items() if ways[0].worded or name != "weak_captions"}

    def alone() -> list[Hits]:
        return [search(held, query, encoder=encoder, **how) for query in ways]  # type: ignore[arg-type]

    def together() -> list[Hits]:
        return search_each(held, ways, encoder=encoder, **how)  # type: ignore[arg-type]

    alone(), together()
    turns = [(seconds_of(alone), seconds_of(together)) for _ in range(TURNS)]
    before, after = (median(turn[way][0] for turn in turns) for way in (0, 1))
    pairs = [pair for (_, one), (_, other) in turns for pair in zip(one, other, strict=True)]
    other_places = [a.id != b.id for one, other in pairs for a, b in zip(one, other, strict=True)]
    apart = max(abs(a.score - b.score) for one, other in pairs for a, b in zip(one, other, strict=True))
    return {
        "encoder": held.encoder_name,
        "asked": asked,
        "ways": len(ways),
        "CPU ms, one by one": round(1000 * before, 1),
        "CPU ms, in one pass": round(1000 * after, 1),
        "ratio": round(before / after, 2),
        "places with another picture, %": round(100 * sum(other_places) / len(other_places), 2),
        "largest difference of a score": f"{apart:.1e}",
    }


def main() -> None:
    file = min((SHARED / "birds").rglob("*.jpg"))
    rows = []
    with tempfile.TemporaryDirectory() as made:
        large = Path(made) / "large.jpg"
        with Image.open(file) as opened:
            opened.convert("RGB").resize(LARGE).save(large, quality=90)
        for encoder in ENCODERS:
            held = Collection.create(Path(made) / f"{encoder}.samekind", load_encoder(encoder))
            held.sync([SHARED / name for name in (*TUNING_SETS, *CONFIRMING_SETS)]).result()
            held.refresh()
            print(encoder, len(held.contents()), flush=True)
            for count in (1, 4, 8):
                rows.append(row_of(held, "crops of a picture", crops(file, count)))
                rows.append(row_of(held, "crops of a picture of 12 megapixels", crops(large, count)))
            for count in (1, 4, 8):
                rows.append(row_of(held, "texts", [Query(Words(text)) for text in TEXTS[:count]]))
    notes = [
        f"Medians of {TURNS} turns, both ways one after the other in each; the encoder was loaded before.",
        "The first hundred hits of each query, as several queries are fused.",
        "In bfloat16, as on this processor, a picture's vector depends a little on how many are encoded at once.",
    ]
    save("several_ways", "Several queries in one pass", rows, notes)


if __name__ == "__main__":
    main()
