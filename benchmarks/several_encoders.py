"""Several encoders in one query: is what is fused of their hits better than the better one alone?

    python benchmarks/several_encoders.py

Every set in the tuned space of each encoder, protocol own: all of its pictures are fitted on and searched. What is
fused are the first hundred of each, as `search_several` does. Nothing is encoded where `benchmarks/quality.py` has run
before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from common import CONFIRMING_SETS, TUNING_SETS, save
from numpy.typing import NDArray
from spaces import METRICS, Values, loaded, points, tuned

from samekind import load_encoder
from samekind.adapt.gather import Gathered
from samekind.encoders.rows import Array
from samekind.evaluation import protocols
from samekind.evaluation.compare import differences
from samekind.evaluation.labels import LabelledSet
from samekind.evaluation.metrics import score
from samekind.evaluation.ranking import rank
from samekind.evaluation.vectors import SetVectors
from samekind.query.several import DEPTH, FUSIONS, LATE

ALONE = ("dino", "tiny", "lite", "best")
TOGETHER = (("dino", "tiny"), ("dino", "lite"), ("dino", "tiny", "lite"))
Numbers = NDArray[np.intp]
Way = str | tuple[str, ...]
"""An encoder alone, or several and last how they are fused."""


@dataclass(frozen=True, eq=False)
class Found:
    """What one encoder finds in a set: each picture's place (q, g), from 1, and confidence (q, g)."""

    places: Numbers
    sure: NDArray[np.float64]

    @staticmethod
    def of(labelled: LabelledSet, vectors: SetVectors, parts: Any) -> Found:
        """In the tuned space; the query itself comes last."""
        task = protocols.task_of(labelled, "own")
        look, views, view_rows = vectors.take(task.fit)
        tuning = tuned([Gathered(labelled.name, look, views, view_rows, ())], parts)
        asked = tuning.asked if tuning.helps else _plain
        stored = tuning.stored if tuning.helps else _plain
        scores = asked(vectors.look[task.queries]) @ stored(vectors.look[task.gallery]).T
        scores[np.arange(len(scores))[task.own >= 0], task.own[task.own >= 0]] = -np.inf
        return Found(_places(-scores), tuning.confidence(scores, tuning.helps))


def fused(found: list[Found], fuse: str) -> Numbers:
    """Places (q, g) by several encoders, as the product has them; equal scores as the first encoder orders them."""
    given = [1 / (LATE + one.places) if fuse == "rank" else one.sure for one in found]
    scores = sum(np.where(one.places <= DEPTH, each, 0.0) for one, each in zip(found, given, strict=True))
    return _places(-scores, found[0].places)


def values(labelled: LabelledSet, places: Numbers) -> Values:
    """Recall@1 and MAP@R of every query."""
    task = protocols.task_of(labelled, "own")
    codes = np.unique(np.array(labelled.labels), return_inverse=True)[1].astype(np.int64)
    kinds = {"label": (codes[task.queries], codes[task.gallery])}
    each = rank(-places.astype(np.float32), np.eye(places.shape[1], dtype=np.float32), task.own, kinds, 1)
    made = score(each.found["label"])
    return {name: made[name] for name in METRICS}


def main() -> None:
    ways: list[Way] = [*ALONE, *((*each, fuse) for each in TOGETHER for fuse in FUSIONS)]
    made: dict[Way, list[Values]] = {way: [] for way in ways}
    found: dict[str, list[Found]] = {}
    sets: dict[str, list[LabelledSet]] = {}
    for name in ALONE:
        encoder = load_encoder(name)
        sets[name], vectors = loaded(encoder)
        found[name] = [Found.of(one, each, encoder.parts) for one, each in zip(sets[name], vectors, strict=True)]
        print(name, flush=True)
    labelled = sets["dino"]
    names = [one.name for one in labelled]
    for at, one in enumerate(labelled):
        for way in ways:
            places = found[way][at].places if isinstance(way, str) else fused([found[n][at] for n in way[:-1]], way[-1])
            made[way].append(values(one, places))
    rows = [row_of(way, made, names) for way in ways]
    notes = [
        "R@1 / MAP@R in percent; differences in points, mean over the four or two sets, with paired 95 % intervals.",
        "`best` is one encoder of two trunks: one collection, whose vectors are laid end to end, nothing fused.",
        f"Fused are the first {DEPTH} of each encoder; the one constant is that of the literature, nothing was fitted.",
    ]
    save("several_encoders", "Several encoders in one query", rows, notes)


def row_of(way: Way, made: dict[Way, list[Values]], names: list[str]) -> dict[str, object]:
    """One way to ask: its figures for each set, and what it gains over dino and over best."""
    called = way if isinstance(way, str) else f"{' + '.join(way[:-1])}, by {way[-1]}"
    row: dict[str, object] = {"asked": called}
    for name, each in zip(names, made[way], strict=True):
        row[name] = " / ".join(f"{100 * each[metric].mean():.1f}" for metric in METRICS)
    for against in ("dino", "best"):
        for group, chosen in (("tuning", TUNING_SETS), ("confirming", CONFIRMING_SETS)):
            kept = [at for at, name in enumerate(names) if name in chosen]
            change = differences([made[way][at] for at in kept], [made[against][at] for at in kept])
            both = " / ".join(points(change[metric]) for metric in METRICS)
            row[f"over {against}, {group} sets"] = "" if way == against else both
    return row


def _places(keys: Array, then: Numbers | None = None) -> Numbers:
    """Places (q, g), from 1, of the smallest keys (q, g) first; equal ones by ``then``."""
    order = np.argsort(keys, axis=1, kind="stable") if then is None else np.lexsort((then, keys), axis=1)
    places = np.empty(keys.shape, np.intp)
    np.put_along_axis(places, order, np.arange(1, keys.shape[1] + 1)[None], axis=1)
    return places


def _plain(vectors: Array) -> Array:
    return vectors


if __name__ == "__main__":
    main()
