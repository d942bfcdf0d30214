"""How much better is the second search, after a person has marked some hits of the first?

    python benchmarks/feedback.py

Every set in its tuned space, protocol own: all of its pictures are fitted on and searched. Marks are simulated from
labels. The figures of the ways that were compared come from the tuning sets, where the product's was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from common import CONFIRMING_SETS, TUNING_SETS, save
from numpy.typing import NDArray
from spaces import loaded, points, sides, tuned

from samekind import Encoder, load_encoder
from samekind.adapt.gather import Gathered
from samekind.encoders.rows import Array, unit_rows
from samekind.evaluation import protocols
from samekind.evaluation.compare import differences
from samekind.evaluation.labels import LabelledSet
from samekind.evaluation.metrics import RelevantRanks, score
from samekind.evaluation.vectors import SetVectors
from samekind.query.feedback import refined
from samekind.query.wider import NEIGHBOURS, pulled

MARKS = (3, 6)
LOOKED_AT = 50
FEWEST = 100
"""A set with fewer queries left is not part of a mean over sets."""
Numbers = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Set:
    """Queries (q, d), pictures (g, d), what hubs lose (g,); first scores, who is right and who the query itself.

    ``codes`` (q,) and ``stored_codes`` (g,) are their labels.
    """

    name: str
    queries: Array
    gallery: Array
    hubs: Array
    first: Array
    right: Flags
    itself: Flags
    codes: Numbers
    stored_codes: Numbers

    @staticmethod
    def of(labelled: LabelledSet, found: SetVectors, encoder: Encoder) -> Set:
        """A labelled set, tuned as a collection is; queries with nothing right to find are left out."""
        task = protocols.task_of(labelled, "own")
        look, views, view_rows = found.take(task.fit)
        asked, stored = sides(tuned([Gathered(labelled.name, look, views, view_rows, ())], encoder.parts), found.look)
        codes = np.unique(np.array(labelled.labels), return_inverse=True)[1]
        itself = task.own[:, None] == np.arange(len(task.gallery))
        right = (codes[task.queries][:, None] == codes[task.gallery]) & ~itself
        kept = right.any(axis=1)
        asked, stored = asked[task.queries][kept], stored[task.gallery]
        first = np.where(itself[kept], -np.inf, asked @ stored.T)
        own = codes[task.queries][kept], codes[task.gallery]
        return Set(labelled.name, asked[:, :-1], stored[:, :-1], stored[:, -1], first, right[kept], itself[kept], *own)

    def part(self, rows: Numbers) -> Set:
        """These queries alone."""
        ours = {name: getattr(self, name)[rows] for name in ("queries", "first", "right", "itself", "codes")}
        return replace(self, **ours)

    def marks(self, protocol: str, count: int) -> list[tuple[Numbers, Numbers]]:
        """For each query the numbers of liked and of disliked pictures."""
        made = []
        for order, right in zip(np.argsort(-self.first, axis=1, kind="stable"), self.right, strict=True):
            if protocol == "first":
                seen = order[:count]
                made.append((seen[right[seen]], seen[~right[seen]]))
            else:
                seen = order[:LOOKED_AT]
                made.append((seen[right[seen]][:count], seen[:0]))
        return made

    def values(self, scores: Array, gone: Flags) -> NDArray[np.float64]:
        """MAP@R of every query that has something right left, pictures that are ``gone`` (q, g) left out."""
        right = self.right & ~gone
        some = np.flatnonzero(right.any(axis=1))
        order = np.argsort(-np.where(gone, -np.inf, scores)[some], axis=1, kind="stable")
        hits = np.take_along_axis(right[some], order, axis=1)
        ranks = [np.flatnonzero(row) + 1 for row in hits]
        return score(RelevantRanks.of(ranks, hits.sum(axis=1)))["map@r"]


Way = Callable[[Set, int, Numbers, Numbers], Array]
"""Scores (g,) of one query, by its number, after marks."""


def as_product(one: Set, at: int, liked: Numbers, disliked: Numbers) -> Array:
    """What search asks with."""
    made = refined(one.queries[at], one.gallery[liked], one.gallery[disliked])
    return one.gallery @ made.vector + np.float32(made.crowding) * one.hubs


def hubs_as_before(one: Set, at: int, liked: Numbers, disliked: Numbers) -> Array:
    """The product's vector; hubs lose no more than they do to a picture query."""
    return one.gallery @ refined(one.queries[at], one.gallery[liked], one.gallery[disliked]).vector + one.hubs


def liked_only(one: Set, at: int, liked: Numbers, disliked: Numbers) -> Array:
    """Disliked pictures say nothing."""
    return as_product(one, at, liked, disliked[:0])


def all_alike(one: Set, at: int, liked: Numbers, disliked: Numbers) -> Array:
    """Rocchio without guards: L2(query + mean of liked - half the mean of disliked)."""
    vector = one.queries[at].copy()
    for rows, weight in ((liked, 1.0), (disliked, -0.5)):
        if len(rows):
            vector += np.float32(weight) * one.gallery[rows].mean(axis=0)
    return one.gallery @ unit_rows(vector[None])[0] + one.hubs


def nearest_look(one: Set, at: int, liked: Numbers, disliked: Numbers) -> Array:
    """The best score to the query or any liked picture."""
    return np.max(one.gallery @ np.vstack([one.queries[at][None], one.gallery[liked]]).T, axis=1) + one.hubs


def soft_looks(one: Set, at: int, liked: Numbers, disliked: Numbers) -> Array:
    """A soft maximum over query and liked pictures, less .6 of a harder one over disliked pictures."""
    made = _soft(one.gallery @ np.vstack([one.queries[at][None], one.gallery[liked]]).T, 0.2) + one.hubs
    return made - 0.6 * _soft(one.gallery @ one.gallery[disliked].T, 0.05) if len(disliked) else made


def against_live_hits(one: Set, at: int, liked: Numbers, disliked: Numbers) -> Array:
    """Five steps of InfoNCE (temperature .05) from the mean, against disliked pictures and, as weak negatives, the
    hundred best hits of the moment that are no copies of liked ones (after ADORE, Zhan et al., 2021)."""
    wanted, unwanted = np.vstack([one.queries[at][None], one.gallery[liked]]), one.gallery[disliked]
    start = wanted.mean(axis=0) - (0.5 * unwanted.mean(axis=0) if len(unwanted) else 0)
    start = vector = unit_rows(start[None])[0]
    for _ in range(5):
        scores = np.where(one.itself[at], -np.inf, one.gallery @ vector + one.hubs)
        scores[np.concatenate([liked, disliked])] = -np.inf
        live = one.gallery[np.argsort(-scores)[:100]]
        live = live[(live @ wanted.T).max(axis=1) < 0.95]
        rows = np.vstack([wanted, unwanted, live])
        logits = rows @ vector / 0.05
        logits[len(wanted) + len(unwanted) :] += np.log(0.1)
        chances = np.exp(logits - logits.max())
        step = wanted.mean(axis=0) - chances / chances.sum() @ rows - 0.1 * (vector - start)
        vector = unit_rows((vector + 0.2 * step)[None])[0]
    return one.gallery @ vector + one.hubs


def no_marks(one: Set, at: int, liked: Numbers, disliked: Numbers) -> Array:
    """Nobody marks anything: the first six hits count as a wider look counts them."""
    near = np.argsort(-one.first[at], kind="stable")[:NEIGHBOURS]
    return one.gallery @ pulled(one.queries[at], one.gallery[near], 1) + one.hubs


def all_of_the_kind(one: Set, at: int, liked: Numbers, disliked: Numbers) -> Array:
    """What one vector can do: the mean of query and right pictures, the picture that is scored left out."""
    total = one.queries[at] + one.gallery[one.right[at]].sum(axis=0)
    scores = one.gallery @ unit_rows(total[None])[0] + one.hubs
    rows = one.gallery[one.right[at]]
    scores[one.right[at]] = np.einsum("nd,nd->n", unit_rows(total - rows), rows) + one.hubs[one.right[at]]
    return scores


PRODUCT, KNOWN = "the product", "all of the kind known"
WAYS: dict[str, Way] = {
    PRODUCT: as_product,
    "hubs lose as before": hubs_as_before,
    "liked ones only": liked_only,
    "Rocchio without guards": all_alike,
    "nearest of query and liked": nearest_look,
    "soft maximum over looks": soft_looks,
    "trained against live hits": against_live_hits,
    "first six hits, no marks": no_marks,
    KNOWN: all_of_the_kind,
}


def measured(one: Set, marks: Sequence[tuple[Numbers, Numbers]], way: Way) -> dict[str, tuple[Any, Any]]:
    """MAP@R of each query before and after, of what nobody has marked, and of the whole gallery."""
    scores = np.stack([way(one, at, *both) for at, both in enumerate(marks)])
    gone = one.itself.copy()
    for at, both in enumerate(marks):
        gone[at, np.concatenate(both)] = True
    return {
        name: (one.values(one.first, left_out), one.values(scores, left_out))
        for name, left_out in (("residual", gone), ("whole", one.itself))
    }


def rows_of(sets: Sequence[Set], protocol: str, count: int) -> list[dict[str, Any]]:
    """The product's way in each set and on average; other ways on average over the tuning sets."""
    marks = [one.marks(protocol, count) for one in sets]
    found = {
        name: [measured(one, given, way) for one, given in zip(sets, marks, strict=True)] for name, way in WAYS.items()
    }
    names = [one.name for one in sets]
    tuning, confirming = ([names.index(name) for name in group] for group in (TUNING_SETS, CONFIRMING_SETS))
    everywhere = [(name, [at]) for at, name in enumerate(names)]
    means = [("mean of tuning sets", tuning), ("mean of confirming sets", confirming)]
    shown = [(*group, way) for group in [*everywhere, *means] for way in (PRODUCT, KNOWN)]
    shown += [(*means[0], way) for way in WAYS if way not in (PRODUCT, KNOWN)]
    return [
        {"set": name, "protocol": protocol, "marks": count, "way": way}
        | _figures(way, [marks[at] for at in of], [found[way][at] for at in of])
        for name, of, way in shown
    ]


def _figures(
    way: str, marks: Sequence[Sequence[tuple[Numbers, Numbers]]], found: Sequence[dict[str, tuple[Any, Any]]]
) -> dict[str, Any]:
    """Of one set, or the mean over several."""
    given = [np.mean([[len(liked), len(disliked)] for liked, disliked in one], axis=0) for one in marks]
    row: dict[str, Any] = {"liked / disliked": " / ".join(f"{number:.2f}" for number in np.mean(given, axis=0))}
    for kind in ("residual", "whole"):
        counted = [one[kind] for one in found if len(found) == 1 or len(one[kind][0]) >= FEWEST]
        before, after = ([{"map@r": one[at]} for one in counted] for at in (0, 1))
        if way == KNOWN and kind == "whole":  # it is of those pictures' own making
            row |= {f"queries, {kind}": "", f"picture alone, {kind}": "", f"gain, {kind}": ""}
            continue
        gain = differences(after, before)["map@r"]
        row[f"queries, {kind}"] = sum(len(one["map@r"]) for one in before)
        row[f"picture alone, {kind}"] = f"{100 * np.mean([one['map@r'].mean() for one in before]):.1f}"
        row[f"gain, {kind}"] = points(gain)
    return row


def _soft(scores: Array, warmth: float) -> Array:
    """(g, n) -> (g,): warmth * log mean exp(score / warmth)."""
    best = scores.max(axis=1, keepdims=True)
    made: Array = best[:, 0] + warmth * np.log(np.exp((scores - best) / warmth).mean(axis=1))
    return made


def main() -> None:
    """Both protocols, three marks and six."""
    encoder = load_encoder("dino")
    sets = [Set.of(*one, encoder) for one in zip(*loaded(encoder), strict=True)]
    rows = [row for protocol in ("first", "right") for count in MARKS for row in rows_of(sets, protocol, count)]
    notes = [
        "MAP@R in percent, and what marks add to it in points. In brackets 95 % intervals over queries.",
        "Marks are simulated from labels on the hits of the picture alone, best first. first: the first 3 (6) hits are "
        "looked at and marked, liked where the label is the query's, else disliked. right: the first 3 (6) right hits "
        f"among the first {LOOKED_AT} are liked, nothing is disliked; where there are fewer, fewer.",
        "residual: marked pictures are taken out of the gallery and of what is right, before and after alike; queries "
        "that have nothing right left are left out. It says how far marks carry. whole: marked pictures stay in both "
        "times, ranked by their scores.",
        f"Means over sets leave out, in residual, sets with fewer than {FEWEST} queries left: in birds five pictures "
        "are of a kind and in ikea mostly two, so that marks soon leave nothing to find.",
        f"{KNOWN}: no way to search, but a measure of what one vector can do: the mean of the query and of all right "
        "pictures except the one that is being scored. Disliked pictures can lead past it.",
        "Weights were chosen on the tuning sets.",
    ]
    save("feedback", "A second search after marks on the first (dino, tuned)", rows, notes)


if __name__ == "__main__":
    main()
