"""What adaptation costs: a picture through the adapted network, a step of training, and the whole from end to end.

python benchmarks/adapt_cost.py parts               the adapted network beside its base; sets together and alone
python benchmarks/adapt_cost.py whole [--pictures 4000]    samekind adapt on so many pictures in six folders
python benchmarks/adapt_cost.py closed              the closed form on 5,000 and 100,000 generated vectors
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import CONFIRMING_SETS, SHARED, TUNING_SETS, cpu_seconds, save

from samekind import load_encoder
from samekind.adapt import adapt, train
from samekind.adapt.adapt import fitted
from samekind.adapt.adaptors import Adaptors
from samekind.adapt.fusion import Attention
from samekind.adapt.gather import Gathered
from samekind.adapt.tokens import Tokens
from samekind.adapt.train import Lesson, train_sets
from samekind.adapt.trunk import UpperNetwork
from samekind.encoders.graph import cut_at
from samekind.encoders.load import blueprints, with_adaptors
from samekind.encoders.points import points_of
from samekind.encoders.rows import unit_rows
from samekind.encoders.runtime import Network
from samekind.events import Job, Progress
from samekind.pictures.views import SECOND_VIEWS
from samekind.settings import resolve

SETS, ROUNDS, PICTURES = 4, 4, 128
_BELOW = "below the adaptors"


def cost(work: Callable[[], Any]) -> float:
    """CPU seconds."""
    start = cpu_seconds()
    work()
    return cpu_seconds() - start


def random_lesson(upper: UpperNetwork, sets: int) -> Lesson:
    """Tokens and labels by chance: what a step costs does not depend on them."""
    rng = np.random.default_rng(0)
    array = rng.normal(size=(4 * PICTURES, 3, *upper.shape)).astype(np.float16)
    tokens = Tokens(array, np.ones(len(array), bool), Path("none"))
    labels = [rng.integers(0, 16, len(array)) for _ in range(sets)]
    start = rng.normal(size=(len(array), list(upper.points.values())[-1])).astype(np.float32)
    return Lesson(tokens, np.arange(len(array)), labels, rng.integers(0, len(array), (len(array), 3)), start)


def parts(name: str) -> None:
    """Ratios of CPU seconds, the best of some rounds that take turns."""
    settings = resolve()
    base = load_encoder(name)
    upper = UpperNetwork((model := blueprints(name, settings)[0].build()), points_of(model), name)
    adaptors = Attention(Adaptors(upper.points, SETS, 0), 0).exported()
    adapted = with_adaptors(name, {base.parts[0].name: adaptors}, settings)
    rng = np.random.default_rng(0)
    pictures = [base.prepare(rng.integers(0, 256, (224, 224, 3), np.uint8)) for _ in range(PICTURES)]
    encoding = {"frozen": base, "adapted, 4 sets and attention": adapted}
    found: dict[str, list[float]] = {}
    lessons = {"one set": 1, "4 sets that share the batches": SETS, "4 sets, each sees everything": SETS}
    for _ in range(ROUNDS):
        for label, encoder in encoding.items():
            found.setdefault(label, []).append(cost(lambda encoder=encoder: encoder.encode(pictures)) / PICTURES)
    below = Network(lambda: cut_at(blueprints(name, settings)[0].build(), next(iter(upper.points))), settings)
    both = np.stack([picture[0] for picture in pictures] * 2)
    for _ in range(2):
        found.setdefault(_BELOW, []).append(cost(lambda: below(both)))
        for label, sets in lessons.items():
            lesson, trained = random_lesson(upper, sets), Adaptors(upper.points, sets, 0)
            job = Job(train_sets(trained, upper, lesson, 0, 1, routed="everything" not in label))
            found.setdefault(f"training, {label}", []).append(cost(job.result) / 4)
    one, shared = (min(found[f"training, {label}"]) for label in list(lessons)[:2])
    found["training, 4 sets one after the other, nothing kept"] = [SETS * (one + min(found[_BELOW]))]
    trained = [key for key in found if key.startswith("training")]
    rows = [
        {"what": label, "CPU ms": 1000 * min(values), "times the first": min(values) / min(found[first])}
        for first, group in (("frozen", encoding), ("training, one set", trained))
        for label in group
        for values in [found[label]]
    ]
    less = found[trained[-1]][0] / shared
    notes = [
        f"A picture through the network, and a step of {train.BATCH} pairs. The best of {ROUNDS} and of 2 rounds.",
        f"Nothing kept: each set sees every picture of a step through the whole network. Sets that share the batches "
        f"over kept tokens cost {less:.1f} times less.",
    ]
    save("adapt_parts", f"What an adapted network and a step of training cost ({name})", rows, notes, seed=0)


def closed(name: str) -> None:
    """The closed form from vectors to the encoder's folder, its gate included; memory that cannot be given back."""
    base = load_encoder(name)
    rows = []
    for count in (5_000, 100_000):
        rng = np.random.default_rng(0)
        gathered = [generated(f"collection {at}", count // 6 + (at < count % 6), base.dim, rng) for at in range(6)]
        vectors = sum(one.vectors.nbytes for one in gathered)
        with tempfile.TemporaryDirectory() as place, Peak() as peak:
            start, wall = cpu_seconds(), time.perf_counter()
            steps = fitted(gathered, base, Path(place) / "mine", "experts", 0, {}, resolve())
            result = Job(steps).result()
        row = {"pictures": count, "seconds": time.perf_counter() - wall, "CPU seconds": cpu_seconds() - start}
        rows.append(
            {**row, "vectors, GB": vectors / 1e9, "peak GB": peak.bytes / 1e9, "verdict": result.to_dict()["verdict"]}
        )
    notes = [
        "Generated vectors in six collections, 250 pictures of each with second views. Peak: anonymous memory of the "
        "whole process, vectors and libraries included."
    ]
    save("adapt_closed", f"What the closed form costs ({name})", rows, notes, seed=0)


def generated(name: str, count: int, dim: int, rng: np.random.Generator) -> Gathered:
    """Vectors around centres, some twenty each, and second views near their pictures."""
    centres = rng.standard_normal((count // 20, dim)).astype(np.float32) + rng.standard_normal(dim)
    vectors = unit_rows(centres[rng.integers(0, len(centres), count)] + 0.7 * rng.standard_normal((count, dim)))
    rows = np.sort(rng.choice(count, min(count, 250), replace=False))
    views = np.stack([unit_rows(vectors[rows] + 0.03 * rng.standard_normal((len(rows), dim))) for _ in SECOND_VIEWS], 1)
    files = tuple(Path(f"{name}/{number}.jpg") for number in range(count))
    return Gathered(name, vectors.astype(np.float32), views.astype(np.float32), rows, files)


class Peak:
    """The most anonymous memory that this process has while it is in here; mapped files, which can go, do not count."""

    def __enter__(self) -> Peak:
        self.bytes, self._done = 0, threading.Event()
        self._looking = threading.Thread(target=self._look)
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._looking.join()

    def _look(self) -> None:
        while not self._done.wait(0.05):
            status = Path("/proc/self/status").read_text()
            held = next(line for line in status.splitlines() if line.startswith("RssAnon"))
            self.bytes = max(self.bytes, 1024 * int(held.split()[1]))


def by_stage(job: Job[Any]) -> tuple[Any, dict[str, float]]:
    """What comes of a job, and the seconds between the events of each of its stages."""
    seconds: dict[str, float] = defaultdict(float)
    stage, since = "before", time.perf_counter()
    for event in job:
        now = time.perf_counter()
        seconds[stage] += now - since
        stage, since = event.stage if isinstance(event, Progress) else stage, now
    seconds[stage] += time.perf_counter() - since
    return job.result(), dict(seconds)


def whole(name: str, count: int) -> None:
    """Seconds of each step, from folders to the encoder's folder, nothing in the cache but weights."""
    every = {
        one: sorted(file for file in (SHARED / one).rglob("*") if file.suffix in (".jpg", ".png"))
        for one in (*TUNING_SETS, *CONFIRMING_SETS)
    }
    if count > (most := sum(map(len, every.values()))):
        raise SystemExit(f"The six sets have {most} pictures; take that many or fewer.")
    left, folders = count, []
    with tempfile.TemporaryDirectory() as place:
        for at, (one, files) in enumerate(sorted(every.items(), key=lambda item: len(item[1]))):
            share = min(left // (len(every) - at), len(files))  # what a set lacks, larger ones give
            left -= share
            folders.append(Path(place) / one)
            folders[-1].mkdir()
            for number, file in enumerate(files[:share]):
                shutil.copy(file, folders[-1] / f"{number:05}{file.suffix}")
        weights = resolve() and Path(os.environ.get("SAMEKIND_CACHE", Path.home() / ".cache/samekind")) / "weights"
        os.environ["SAMEKIND_CACHE"] = f"{place}/cache"
        shutil.copytree(weights, f"{place}/cache/weights")
        start = cpu_seconds()
        with Peak() as peak:
            result, stages = by_stage(adapt(folders, f"{place}/mine", name))
    row = {"pictures": count, "minutes": sum(result.seconds.values()) / 60, "CPU minutes": (cpu_seconds() - start) / 60}
    row["training, estimated beforehand"] = result.insight.settings.get("time estimated beforehand", "")
    row |= {f"{stage}, s": round(seconds, 1) for stage, seconds in stages.items()} | {"peak GB": peak.bytes / 1e9}
    notes = [
        f"{'accepted' if result.accepted else 'refused'}: {result.why}",
        "Peak: anonymous memory; the mapped file of tokens comes on top as far as there is room.",
    ]
    save("adapt_whole", f"samekind adapt from end to end ({name}, method both)", [row], notes, seed=0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", choices=["parts", "whole", "closed"])
    parser.add_argument("--encoder", default="dino")
    parser.add_argument("--pictures", type=int, default=4_000)
    asked = parser.parse_args()
    match asked.figure:
        case "parts":
            parts(asked.encoder)
        case "whole":
            whole(asked.encoder, asked.pictures)
        case "closed":
            closed(asked.encoder)
