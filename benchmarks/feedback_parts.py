"""Do parts of liked pictures find more than marks on whole pictures do? A trial of ColBERT-PRF's feedback on pictures.

    python benchmarks/feedback_parts.py

The vectors of the parts of the query and of liked pictures (`collection/multi_vector.py`) are clustered, and each
centroid c is weighed by rarity ln((N + 1) / (df + 1)) over a visual vocabulary: df is in how many pictures the word
nearest to c occurs (Wang et al., ColBERT-PRF, 2023). A picture's score is the product's after marks + beta x the mean
over centroids, by their weights, of the greatest cosine to its parts. Marks are simulated as in `feedback.py`. Way and
beta are chosen on the tuning sets; the confirming sets are looked at only where the choice gains there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from common import CONFIRMING_SETS, TUNING_SETS, save
from feedback import FEWEST, MARKS, Flags, Numbers, Set, as_product
from numpy.typing import NDArray
from spaces import loaded, points

from samekind import Collection, Encoder, load_encoder
from samekind.encoders.rows import Array, unit_rows
from samekind.evaluation import protocols
from samekind.evaluation.compare import Difference, differences
from samekind.evaluation.labels import LabelledSet
from samekind.evaluation.vectors import SetVectors, cached
from samekind.tuning.kmeans import nearest_centroid, spherical_kmeans

CLUSTERS, KEPT, WORDS = 24, 10, 512
SEED, ITERATIONS = 0, 10
PROTOCOLS = [(protocol, count) for protocol in ("first", "right") for count in MARKS]
ALL = range(len(PROTOCOLS))
BETAS = (0.05, 0.1, 0.2, 0.4, 0.8)
KINDS = ("residual", "whole")

Marks = Sequence[tuple[Numbers, Numbers]]
Choice = tuple[str, float]
"""A way and its beta."""
PRODUCT: Choice = ("the product", 0.0)
Found = dict[Choice, dict[str, NDArray[np.float64]]]
"""Of one set: what a choice finds in each of KINDS, MAP@R (protocols, q), nan where nothing that is right is left."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Parts of queries (q, v, d) and of pictures (g, v, d): unit vectors less the mean of all, as long as the root of
    their weights.

    ``words`` (w, d) is a visual vocabulary of the pictures' parts, ``rarity`` (w,) how rare each word is in pictures.
    """

    asked: Array
    stored: Array
    words: Array
    rarity: Array

    @staticmethod
    def of(asked: Array, stored: Array) -> Parts:
        """From what a collection keeps."""
        there = np.linalg.norm(stored, axis=2) > 0
        middle = unit_rows(stored[there]).mean(axis=0)
        asked, stored = (
            unit_rows(unit_rows(some) - middle) * np.linalg.norm(some, axis=2, keepdims=True)
            for some in (asked, stored)
        )
        words, labels = spherical_kmeans(unit_rows(stored[there]), WORDS, SEED, ITERATIONS)
        held = np.zeros((len(stored), len(words)), np.bool_)
        held[np.nonzero(there)[0], labels] = True
        rarity = np.log((len(stored) + 1) / (held.sum(axis=0) + 1)).astype(np.float32)
        return Parts(asked, stored, words, rarity)

    @cached_property
    def unit(self) -> Array:
        """(g * v, d): the parts of pictures at unit length."""
        return unit_rows(self.stored).reshape(-1, self.stored.shape[2])

    @cached_property
    def weights(self) -> Array:
        """(g, v): how much of its picture each part is, together 1."""
        weights = np.square(self.stored).sum(axis=2)
        shares: Array = weights / weights.sum(axis=1, keepdims=True)
        return shares

    def cosines(self, rows: Array) -> Array:
        """(g, v, n) of all parts of pictures with unit rows (n, d)."""
        found: Array = (self.unit @ rows.T).reshape(*self.stored.shape[:2], -1)
        return found

    @cached_property
    def crowding(self) -> tuple[Array, Array]:
        """How well pictures fit any word, (g,): words looking for their likes in a picture, and its parts in words."""
        cosines = self.cosines(self.words)
        nearest = np.sort(cosines, axis=2)[:, :, -8:].mean(axis=2)
        return cosines.max(axis=1) @ (self.rarity / self.rarity.sum()), (self.weights * nearest).sum(axis=1) / 2


@dataclass(frozen=True, eq=False)
class Sought:
    """Centroids of the parts that a query and its liked pictures have, k of them.

    ``cosines`` (g, v, k) to all parts of pictures; ``rarity`` (k,), and ``share`` (k,) of the weights of what they are
    the centroids of.
    """

    cosines: Array
    rarity: Array
    share: Array

    @staticmethod
    def of(parts: Parts, at: int, liked: Numbers) -> Sought:
        """Of one query."""
        seen = np.concatenate([parts.asked[at], *parts.stored[liked]])
        weights = np.square(seen).sum(axis=1)
        seen, weights = unit_rows(seen[weights > 0]), weights[weights > 0]
        centroids, labels = spherical_kmeans(seen, CLUSTERS, SEED, ITERATIONS)
        rarity = parts.rarity[nearest_centroid(centroids, parts.words)[0]]
        share = np.bincount(labels, weights, len(centroids)).astype(np.float32)
        return Sought(parts.cosines(centroids), rarity, share)

    @cached_property
    def best(self) -> Array:
        """(g, k): the greatest cosine to a picture's parts."""
        best: Array = self.cosines.max(axis=1)
        return best

    def by(self, weights: Array) -> Array:
        """(g,): the mean of ``best`` by weights (k,) of centroids."""
        found: Array = self.best @ (weights / weights.sum())
        return found


def rarest(parts: Parts, sought: Sought) -> Array:
    """The KEPT rarest alone, as ColBERT-PRF does."""
    return sought.by(np.where(sought.rarity >= np.sort(sought.rarity)[-KEPT:][0], sought.rarity, 0))


def rarity_and_share(parts: Parts, sought: Sought) -> Array:
    """By how much of the thing itself a centroid holds, too."""
    return sought.by(sought.rarity * sought.share)


def other_way(parts: Parts, sought: Sought) -> Array:
    """Each of a picture's parts, by its weight, looks for what is most like it among the greater half of centroids."""
    great = np.argsort(-sought.share)[: CLUSTERS // 2]
    best: Array = (parts.weights * sought.cosines[:, :, great].max(axis=2)).sum(axis=1)
    return best - parts.crowding[1]


WAYS: dict[str, Callable[[Parts, Sought], Array]] = {
    f"the {KEPT} rarest, by rarity": rarest,
    "all, by rarity": lambda _, sought: sought.by(sought.rarity),
    "all, by share": lambda _, sought: sought.by(sought.share),
    "all, by rarity and share": rarity_and_share,
    "the same, less what hubs lose": lambda parts, sought: rarity_and_share(parts, sought) - parts.crowding[0],
    "a picture's parts look for centroids, less what hubs lose": other_way,
}
"""Scores of pictures' parts (g,)."""


def scores_of(parts: Parts, marks: Marks, ways: Sequence[str]) -> dict[str, Array]:
    """Of every query (q, g) by each way; 0 where nothing is liked."""
    found = {way: np.zeros((len(marks), len(parts.stored)), np.float32) for way in ways}
    for at, (liked, _) in enumerate(marks):
        if len(liked):
            sought = Sought.of(parts, at, liked)
            for way in ways:
                found[way][at] = WAYS[way](parts, sought)
    return found


def with_parts(product: Array, parts: Array, beta: float) -> Array:
    """(q, g): the product's scores after marks, and beta times those of parts."""
    return product + np.float32(beta) * parts


def measured(one: Set, parts: Parts, choices: Sequence[Choice]) -> Found:
    """The product alone, and these choices."""
    made: dict[Choice, dict[str, list[NDArray[np.float64]]]] = {
        choice: {kind: [] for kind in KINDS} for choice in (PRODUCT, *choices)
    }
    for protocol in PROTOCOLS:
        marks = one.marks(*protocol)
        product = np.stack([as_product(one, at, *both) for at, both in enumerate(marks)])
        marked = one.itself.copy()
        for at, both in enumerate(marks):
            marked[at, np.concatenate(both)] = True
        by_parts = scores_of(parts, marks, sorted({way for way, _ in choices}))
        for (way, beta), found in made.items():
            scores = product if (way, beta) == PRODUCT else with_parts(product, by_parts[way], beta)
            for kind, gone in zip(KINDS, (marked, one.itself), strict=True):
                found[kind].append(_values(one, scores, gone))
    return {choice: {kind: np.stack(rows) for kind, rows in found.items()} for choice, found in made.items()}


def _values(one: Set, scores: Array, gone: Flags) -> NDArray[np.float64]:
    """MAP@R (q,), nan where nothing that is right is left."""
    found = np.full(len(scores), np.nan)
    found[(one.right & ~gone).any(axis=1)] = one.values(scores, gone)
    return found


def gained(sets: Sequence[Found], choice: Choice, kind: str, of: Sequence[int]) -> Difference:
    """What a choice adds to the product, in the mean over a query's protocols (by number), queries and sets.

    Sets with few queries left have no part in a mean over sets.
    """
    pairs = [np.stack([one[choice][kind][of], one[PRODUCT][kind][of]]) for one in sets]
    some = [np.nanmean(pair[:, :, ~np.isnan(pair[0]).all(axis=0)], axis=1) for pair in pairs]
    counted = [one for one in some if len(sets) == 1 or one.shape[1] >= FEWEST]
    after, before = ([{"map@r": one[side]} for one in counted] for side in (0, 1))
    return differences(after, before)["map@r"]


def row_of(name: str, sets: Sequence[Found], choice: Choice, kind: str) -> dict[str, Any]:
    """One choice in a group of sets."""
    columns: dict[str, Sequence[int]] = {
        f"{protocol}, {count} marks": [at] for at, (protocol, count) in enumerate(PROTOCOLS)
    }
    columns["mean of a query's four"] = ALL
    row = {"set": name, "gallery": kind, "way": choice[0], "beta": f"{choice[1]:g}"}
    return row | {column: points(gained(sets, choice, kind, of)) for column, of in columns.items()}


def parts_of(labelled: LabelledSet, encoder: Encoder) -> Array:
    """Vectors (n, v, d) of the parts of all pictures of a set, kept with its vectors in the cache folder."""
    held = Collection.open(cached(labelled.folder, encoder))
    held.learn_parts().result()
    hashes = {one["path"]: one["hash"] for one in held.pictures("state = present", ["path", "hash"])}
    found, there = held.parts_of([hashes[path] for path in labelled.paths])
    assert there.all(), f"{labelled.name} has pictures without parts"
    return found


def found_in(labelled: LabelledSet, vectors: SetVectors, encoder: Encoder, choices: Sequence[Choice]) -> Found:
    """What these choices find in a set; queries with nothing right to find are left out, as in ``Set.of``."""
    task = protocols.task_of(labelled, "own")
    codes = np.unique(np.array(labelled.labels), return_inverse=True)[1]
    kept = np.bincount(codes[task.gallery], minlength=codes.max() + 1)[codes[task.queries]] > (task.own >= 0)
    parts = parts_of(labelled, encoder)
    one = Set.of(labelled, vectors, encoder)
    return measured(one, Parts.of(parts[task.queries[kept]], parts[task.gallery]), choices)


def main() -> None:
    """Chooses on the tuning sets, and confirms where there is something to confirm."""
    encoder = load_encoder("dino")
    sets = {one[0].name: one for one in zip(*loaded(encoder), strict=True)}

    def found(names: Sequence[str], choices: Sequence[Choice]) -> list[Found]:
        return [found_in(*sets[name], encoder, choices) for name in names]

    tuning = found(TUNING_SETS, [(way, beta) for way in WAYS for beta in BETAS])

    def gain(choice: Choice) -> Difference:
        return gained(tuning, choice, "residual", ALL)

    best = [max(((way, beta) for beta in BETAS), key=lambda one: gain(one).mean) for way in WAYS]
    first = max(best, key=lambda one: gain(one).mean)
    rows = [row_of("mean of tuning sets", tuning, choice, kind) for kind in KINDS for choice in best]
    shown = list(zip(TUNING_SETS, tuning, strict=True))
    if gain(first).low > 0:
        confirming = found(CONFIRMING_SETS, [first])
        rows += [row_of("mean of confirming sets", confirming, first, kind) for kind in KINDS]
        shown += zip(CONFIRMING_SETS, confirming, strict=True)
    rows += [row_of(name, [one], first, kind) for kind in KINDS for name, one in shown]
    notes = [
        "Points of MAP@R that parts add to the product's marks, with 95 % intervals over queries; protocols and "
        "galleries as in feedback.json. Each way has the best of the betas "
        f"{', '.join(f'{beta:g}' for beta in BETAS)} by the mean of a query's four protocols, residual, on the tuning "
        "sets; single sets are of the best way. The choice is among "
        f"{len(WAYS) * len(BETAS)} settings, so that its interval flatters it. The confirming sets are looked at only "
        "where it gains beyond that.",
        f"Means over sets leave out sets with fewer than {FEWEST} queries left.",
        f"Sixteen parts a picture, less the mean of all parts; {CLUSTERS} centroids of those of query and liked "
        f"pictures; a vocabulary of {WORDS} words a set. Every picture of a set is scored anew.",
        "Before that, twelve centroids, parts without the mean taken off and beta up to 4 were looked at on a quarter "
        "or a third of the queries: no better.",
    ]
    save(
        "feedback_parts", "Marks and the parts of liked pictures (a trial, not in the product)", rows, notes, seed=SEED
    )


if __name__ == "__main__":
    main()
