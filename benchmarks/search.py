"""Figure 3: search among stored vectors, whole Python calls, beside exact NumPy and a faiss HNSW of the same recall.

    python benchmarks/search.py                     100,000 vectors of 384 numbers
    python benchmarks/search.py --pictures 1000000  where search is approximate

Vectors are generated with neighbours: points around centres, some 50 a centre, of unit length. Queries are further
points around the same centres.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from common import save
from numpy.typing import NDArray

from samekind import Collection, Query
from samekind.collection import spaces
from samekind.collection.manifest import read as read_manifest
from samekind.collection.manifest import write as write_manifest
from samekind.collection.table import Table, to_array
from samekind.encoders.base import Part
from samekind.query import Vector, search

DIM, K, BLOCK, SEED = 384, 10, 10_000, 3
Matrix = NDArray[np.float32]


class Generated:
    """Stands for an encoder: nothing is encoded here."""

    name, dim, input_side = "generated", DIM, 224
    parts = (Part("generated", 0, DIM),)
    fingerprint = hashlib.sha256(b"generated").hexdigest()[:16]


class World:
    """Centres, and points around them."""

    def __init__(self, pictures: int) -> None:
        self.rng = np.random.default_rng(SEED)
        self.centres = self.rng.standard_normal((max(1, pictures // 50), DIM)).astype(np.float32)

    def points(self, n: int) -> Matrix:
        around = self.centres[self.rng.integers(0, len(self.centres), n)]
        rows = around + 0.7 * self.rng.standard_normal((n, DIM)).astype(np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def blocks(world: World, pictures: int) -> Iterator[tuple[int, Matrix]]:
    for start in range(0, pictures, BLOCK):
        yield start, world.points(min(BLOCK, pictures - start))


def fill(collection: Collection, world: World, pictures: int) -> None:
    """Rows as a sync writes them, with a column ``part`` of 0..99 to filter by."""
    write_manifest(collection.path, read_manifest(collection.path).with_root(Path("/pictures")))
    collection.refresh()
    collection.table.add_person_columns({"part": "int"})
    schema, now = collection.table.schema, datetime.now(UTC)
    for start, vectors in blocks(world, pictures):
        numbers = range(start, start + len(vectors))
        ids = [f"{number:032x}" for number in numbers]
        given: dict[str, Any] = {
            "id": ids,
            "hash": ids,
            "root": ["pictures"] * len(ids),
            "path": [f"{number % 100:02}/{number}.jpg" for number in numbers],
            "part": [number % 100 for number in numbers],
            "state": ["present"] * len(ids),
            "added": [now] * len(ids),
            "look": to_array(vectors, DIM),
        }
        columns = [
            given[field.name]
            if isinstance(given.get(field.name), pa.Array)
            else pa.array(given.get(field.name, [None] * len(ids)), field.type)
            for field in schema
        ]
        collection.table.upsert(pa.Table.from_arrays(columns, schema=schema))


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def resident(path: str) -> float:
    """Bytes that a process grows by when it opens the collection and searches it."""
    before = resident_mb()
    collection = Collection.open(path)
    queries = np.random.default_rng(0).standard_normal((20, DIM)).astype(np.float32)
    for query in queries:
        search(collection, Query(Vector(query)), k=K)
        search(collection, Query(Vector(query)), k=K, where="part<10")
    return 1e6 * (resident_mb() - before)


def timed(call: Callable[[Matrix], Any], queries: Matrix) -> tuple[list[Any], float, float]:
    """Answers, and the p50 and p95 of the calls in milliseconds; the first two calls are for warming up."""
    for query in queries[:2]:
        call(query)
    answers, seconds = [], []
    for query in queries:
        start = time.perf_counter()
        answers.append(call(query))
        seconds.append(1000 * (time.perf_counter() - start))
    p50, p95 = np.percentile(seconds, [50, 95]).tolist()
    return answers, p50, p95


def recall(answers: Sequence[set[str]], wanted: Sequence[set[str]]) -> float:
    hits = sum(len(answer & want) for answer, want in zip(answers, wanted, strict=True))
    return hits / sum(map(len, wanted))


def row(what: str, p50: float, p95: float, found: float | None, **more: Any) -> dict[str, Any]:
    return {"what": what, "p50 ms": p50, "p95 ms": p95, "recall@10": found, **more}


def measure(pictures: int, queries: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        world = World(pictures)
        collection = Collection.create(Path(place, "search.samekind"), Generated())  # type: ignore[arg-type]
        start = time.perf_counter()
        fill(collection, world, pictures)
        written = time.perf_counter() - start
        start = time.perf_counter()
        collection.tune().result()
        kept = time.perf_counter() - start
        asked = world.points(queries)
        rows = _calls(collection, asked)
        if pictures <= 200_000:
            rows += _beside(collection, asked)
        with_old = collection.info().bytes
        collection.table.drop_old_versions(timedelta(0))
        info = collection.info()
        held = int(subprocess.check_output([sys.executable, __file__, "--resident", str(collection.path)]))
        notes = [
            f"Written in {written:.1f} s; tuned and indexed in {kept:.1f} s; the process grew to {_peak_mb():.0f} MB.",
            f"A picture takes {info.bytes / pictures:.0f} bytes on disk, {held / pictures:.0f} held after searches.",
            f"Until old versions are dropped, an hour later, it takes {with_old / pictures:.0f} bytes on disk.",
        ]
        if info.index:
            good, probes = info.index["recall@10"], info.index["probes"]
            notes.append(f"The index finds {good:.1%} of the exact 10 nearest, looking at {probes} of its lists.")
    save(f"search_{pictures}", f"Search among {pictures:,} vectors of {DIM} numbers", rows, notes, SEED)


class Engine:
    """Milliseconds spent in matrix products and in the table, while switched on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._kept = [(spaces, "nearest"), *((Table, name) for name in ("read", "take", "approximate"))]

    def __enter__(self) -> Engine:
        self._before = [getattr(owner, name) for owner, name in self._kept]
        for (owner, name), real in zip(self._kept, self._before, strict=True):
            setattr(owner, name, self._counted(real))
        return self

    def __exit__(self, *_: object) -> None:
        for (owner, name), real in zip(self._kept, self._before, strict=True):
            setattr(owner, name, real)

    def _counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            start = time.perf_counter()
            try:
                return real(*arguments, **more)
            finally:
                self.seconds += time.perf_counter() - start

        return call


def _calls(collection: Collection, asked: Matrix) -> list[dict[str, Any]]:
    """Whole calls of the product, with and without filters, and what of them is not the engines' time."""

    def whole(where: str | None, exact: bool | None) -> Callable[[Matrix], set[str]]:
        def call(query: Matrix) -> set[str]:
            found = search(collection, Query(Vector(query)), k=K, where=where, exact=exact, collapse=None)
            return {hit.id for hit in found}

        return call

    rows = []
    checked = 100 if len(collection.table.read([], row_ids=True)) <= 200_000 else 20  # exact search reads all of them
    for name, where in (("search", None), ("filter 10 %", "part<10"), ("filter 1 %", "part=0")):
        exact, _, _ = timed(whole(where, True), asked[:checked])
        answers, p50, p95 = timed(whole(where, None), asked)
        start = time.perf_counter()
        with Engine() as engine:
            timed(whole(where, None), asked[:checked])
        share = 1 - engine.seconds / (time.perf_counter() - start)
        rows.append(row(name, p50, p95, recall(answers[:checked], exact), **{"outside the engines": share}))
    return rows


def _beside(collection: Collection, asked: Matrix) -> list[dict[str, Any]]:
    """Exact NumPy on the same matrix, and a faiss HNSW as wide as it must be for a recall of .99."""
    loaded = collection.vectors(tuned=False)
    matrix = loaded.matrix

    def exact(query: Matrix) -> NDArray[np.intp]:
        scores = matrix @ query
        best = np.argpartition(scores, -K)[-K:]
        return best[np.argsort(-scores[best])]

    wanted, p50, p95 = timed(exact, asked)
    rows = [row("exact NumPy", p50, p95, 1.0, **{"outside the engines": None})]
    try:
        import faiss
    except ImportError:
        return rows
    index = faiss.IndexHNSWFlat(DIM, 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 100
    index.add(matrix)
    for width in (32, 64, 128, 256, 512, 1024):
        index.hnsw.efSearch = width
        answers, p50, p95 = timed(lambda query: index.search(query[None], K)[1][0], asked)
        found = recall([set(map(int, one)) for one in answers], [set(map(int, one)) for one in wanted])  # type: ignore[misc]
        if found >= 0.99:
            break
    rows.append(row(f"faiss HNSW, efSearch {width}", p50, p95, found, **{"outside the engines": None}))
    return rows


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pictures", type=int, default=100_000)
    options.add_argument("--queries", type=int, default=300)
    options.add_argument("--resident", help=argparse.SUPPRESS)
    given = options.parse_args(sys.argv[1:])
    if given.resident:
        print(int(resident(given.resident)))
    else:
        measure(given.pictures, given.queries)
