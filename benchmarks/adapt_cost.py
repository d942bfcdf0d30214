"""What adaptation costs: a picture through the adapted network, a step of training, and the whole from end to end.

python benchmarks/adapt_cost.py parts               the adapted network beside its base; sets together and alone
python benchmarks/adapt_cost.py whole [--pictures 5000]    samekind adapt on so many pictures in six folders
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import CONFIRMING_SETS, SHARED, TUNING_SETS, cpu_seconds, save

from samekind import load_encoder
from samekind.adapt import adapt, train
from samekind.adapt.adaptors import Adaptors
from samekind.adapt.fusion import Attention
from samekind.adapt.tokens import Tokens
from samekind.adapt.train import Lesson, train_sets
from samekind.adapt.trunk import UpperNetwork
from samekind.encoders.load import blueprints, with_adaptors
from samekind.encoders.points import points_of
from samekind.events import Job
from samekind.settings import resolve

SETS, ROUNDS, PICTURES = 4, 4, 128


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
    for _ in range(2):
        for label, sets in lessons.items():
            lesson, trained = random_lesson(upper, sets), Adaptors(upper.points, sets, 0)
            job = Job(train_sets(trained, upper, lesson, 0, 1, routed="everything" not in label))
            found.setdefault(f"training, {label}", []).append(cost(job.result) / 4)
    rows = [
        {"what": label, "CPU ms": 1000 * min(values), "times the first": min(values) / min(found[first])}
        for first, group in (("frozen", encoding), ("training, one set", [f"training, {one}" for one in lessons]))
        for label in group
        for values in [found[label]]
    ]
    notes = [f"A picture through the network, and a step of {train.BATCH} pairs. The best of {ROUNDS} and of 2 rounds."]
    save("adapt_parts", f"What an adapted network and a step of training cost ({name})", rows, notes, seed=0)


def whole(name: str, count: int) -> None:
    """Seconds of each step, from folders to the encoder's folder, nothing in the cache but weights."""
    with tempfile.TemporaryDirectory() as place:
        folders = []
        for at, one in enumerate((*TUNING_SETS, *CONFIRMING_SETS)):
            files = sorted(file for file in (SHARED / one).rglob("*") if file.suffix in (".jpg", ".png"))
            share = count // 6 + (at < count % 6)
            folders.append(Path(place) / one)
            folders[-1].mkdir()
            for number in range(share):  # a set that has too few gives some twice
                file = files[number % len(files)]
                shutil.copy(file, folders[-1] / f"{number:05}{file.suffix}")
        weights = resolve() and Path(os.environ.get("SAMEKIND_CACHE", Path.home() / ".cache/samekind")) / "weights"
        os.environ["SAMEKIND_CACHE"] = f"{place}/cache"
        shutil.copytree(weights, f"{place}/cache/weights")
        start = cpu_seconds()
        result = adapt(folders, f"{place}/mine", name).result()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    told = {step: round(seconds, 1) for step, seconds in result.seconds.items()}
    row = {"pictures": count, "minutes": sum(result.seconds.values()) / 60, "CPU minutes": (cpu_seconds() - start) / 60}
    row |= {f"{step}, s": seconds for step, seconds in told.items()} | {"peak GB": memory}
    notes = [f"{'accepted' if result.accepted else 'refused'}: {result.why}"]
    save("adapt_whole", f"samekind adapt from end to end ({name}, method both)", [row], notes, seed=0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", choices=["parts", "whole"])
    parser.add_argument("--encoder", default="dino")
    parser.add_argument("--pictures", type=int, default=5_000)
    asked = parser.parse_args()
    parts(asked.encoder) if asked.figure == "parts" else whole(asked.encoder, asked.pictures)
