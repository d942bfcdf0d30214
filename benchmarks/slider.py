"""Figure 4 of composed search: 100,000 pictures ranked again at other sliders, and what composing costs.

    python benchmarks/slider.py

Vectors and concepts are generated; the calls are whole ones, from the sliders to hits with their columns.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from common import save
from search import Generated, World, fill

from samekind import Collection, Like, Query, Words, search
from samekind.collection.concepts import CONCEPTS
from samekind.collection.made_by import MadeBy
from samekind.collection.shelf import Shelf
from samekind.meaning import concept_encoder
from samekind.query.composing import METHODS, composed
from samekind.query.hits import Hits
from samekind.settings import resolve

PICTURES, BLOCK, MOVES, SEED = 100_000, 5_000, 40, 0


def main() -> None:
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as place:
        collection = Collection.create(Path(place, "slider.samekind"), Generated())  # type: ignore[arg-type]
        fill(collection, World(PICTURES), PICTURES)
        collection.tune().result()
        made = MadeBy.of(concept_encoder(resolve()))
        shelf = Shelf.make(collection.path, made, CONCEPTS.folder)
        for start in range(0, PICTURES, BLOCK):
            shares = rng.gamma(0.05, size=(BLOCK, made.dim)).astype(np.float32) + 1e-6
            roots = np.sqrt(shares / shares.sum(axis=1, keepdims=True))
            shelf.add([f"{number:032x}" for number in range(start, start + BLOCK)], roots, {})
        query = Query(Like(f"{7:032x}"), Words("a red teapot"))
        started = time.perf_counter()
        hits = search(collection, query, weak_captions="none", method="sum")
        first = time.perf_counter() - started
        started = time.perf_counter()
        search(collection, query, weak_captions="none", method="sum")
        second = time.perf_counter() - started
        rows = [row_of(method, hits, rng) for method in METHODS if not METHODS[method].captions]
    notes = [
        f"{PICTURES:,} pictures of 384 numbers and 1,013 concepts, generated; {MOVES} moves of both sliders a row.",
        f"The first query with words took {first:.1f} s (the collection's meanings are made), the next {second:.2f} s.",
        "A move is the whole call `hits.slid(...)`; composing is that part of it which makes one score of several.",
    ]
    save("slider", "Sliders of a composed query over 100,000 pictures", rows, notes, SEED)


def row_of(method: str, hits: Hits, rng: np.random.Generator) -> dict[str, object]:
    """Milliseconds of whole moves, and of composing alone."""
    asked = hits.asked
    if asked is None:
        raise SystemExit("The query had no words.")
    whole, alone = [], []
    for change, keep in rng.random((MOVES, 2)):
        started = time.perf_counter()
        hits.slid(method, change=float(2 * change), keep=float(keep))
        whole.append(1000 * (time.perf_counter() - started))
        given = asked.given(method)
        started = time.perf_counter()
        composed(given, method, float(2 * change), float(keep))
        alone.append(1000 * (time.perf_counter() - started))
    p50, p95 = np.percentile(whole, [50, 95])
    return {
        "method": method,
        "a move, p50 ms": round(float(p50), 2),
        "a move, p95 ms": round(float(p95), 2),
        "composing, p50 ms": round(float(np.median(alone)), 3),
    }


if __name__ == "__main__":
    main()
