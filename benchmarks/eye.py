"""What do marks that were kept (an eye) do to later searches, for the same kinds and for others?

    python benchmarks/eye.py

Every set in its tuned space, protocol own, as in feedback.py. Marks are simulated from labels on the first hits of some
pictures of a kind; later queries are other pictures, which nobody has marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from common import CONFIRMING_SETS, TUNING_SETS, save
from feedback import FEWEST, Flags, Numbers, Set
from numpy.typing import NDArray
from spaces import loaded, points

from samekind import load_encoder
from samekind.encoders.rows import Array, unit_rows
from samekind.evaluation.compare import differences
from samekind.query.eye import LIVE, Marked, seen
from samekind.query.feedback import held, refined

PROTOCOLS = ((1, 3, 1), (1, 6, 1), (2, 6, 1), (1, 3, 4))
"""Searches a kind, marks a search, kinds an eye."""
EYES, LATER = 40, 40
CONFUSED = 3
GROUPS = ("same kinds", "kinds taken for them", "other kinds")
_SPARE = 16


@dataclass(frozen=True, eq=False)
class Eye:
    """Marks of some searches: numbers of the query, of liked and of disliked pictures of each."""

    one: Set
    searches: Sequence[tuple[int, Numbers, Numbers]]

    @property
    def marks(self) -> Numbers:
        """All marked pictures."""
        return np.unique(np.concatenate([np.concatenate(found[1:]) for found in self.searches]))

    @property
    def marked(self) -> list[Marked]:
        """As the product has them."""
        asked, stored = self.one.queries, self.one.gallery
        return [
            Marked(np.vstack([asked[at : at + 1], stored[liked]]), stored[disliked])
            for at, liked, disliked in self.searches
            if len(liked)
        ]


Way = Callable[[Eye, Array], Array]
"""Later queries (q, d) as they are asked with."""


def as_product(eye: Eye, queries: Array) -> Array:
    """What search asks with."""
    one, marks, marked = eye.one, eye.marks, eye.marked
    made = []
    for query in queries:
        near = np.argsort(-(one.gallery @ query + one.hubs), kind="stable")[: LIVE + _SPARE + len(marks)]
        made.append(seen(query, marked, one.gallery[near[~np.isin(near, marks)]]))
    return np.stack(made)


def as_marks(eye: Eye, queries: Array) -> Array:
    """All kept marks in every later search, as if they had been made there."""
    liked, disliked = (np.unique(np.concatenate([one[at] for one in eye.searches])) for at in (1, 2))
    return np.stack([refined(one, eye.one.gallery[liked], eye.one.gallery[disliked]).vector for one in queries])


def without_rivals(eye: Eye, queries: Array, strength: float = 0.5) -> Array:
    """q + strength x M M^T q: the middles M of what was marked, whatever the live hits are."""
    middles = unit_rows(np.stack([one.looks.sum(axis=0) for one in eye.marked]))
    return _held(queries + strength * np.maximum(queries @ middles.T, 0) @ middles, queries)


def by_ridge(eye: Eye, queries: Array, strength: float = 1.0) -> Array:
    """q + M V^T q, where V tells the looks of each search from disliked pictures by ridge regression."""
    marked = eye.marked
    rows = np.vstack([part for one in marked for part in (one.looks, one.disliked)])
    wanted = np.zeros((len(rows), len(marked)), np.float32)
    start = 0
    for at, one in enumerate(marked):
        wanted[start : start + len(one.looks), at] = 1
        start += len(one.looks) + len(one.disliked)
    tells = rows.T @ np.linalg.solve(rows @ rows.T + 0.3 * np.eye(len(rows), dtype=np.float32), wanted)
    middles = unit_rows(np.stack([one.looks.sum(axis=0) for one in marked]))
    return _held(queries + strength * np.maximum(queries @ tells, 0) @ middles, queries)


def trained(eye: Eye, queries: Array, rank: int = 8, steps: int = 40, refreshed: int = 4) -> Array:
    """L2(q + U V^T q), U and V learned: InfoNCE (temperature .05) of each look against disliked pictures and, as weak
    negatives, its 50 best unmarked hits, fetched anew four times; copies of looks are no negatives (ADORE)."""
    one, marks, marked = eye.one, eye.marks, eye.marked
    starts = np.vstack([found.looks for found in marked])
    wanted = [np.delete(found.looks, n, axis=0) for found in marked for n in range(len(found.looks))]
    unwanted = [found.disliked for found in marked for _ in found.looks]
    right = np.linalg.svd(starts, full_matrices=False)[2][:rank].T
    left = np.zeros_like(right)
    live: list[Array] = []
    for step in range(steps):
        moved = starts + (starts @ right) @ left.T
        lengths = np.linalg.norm(moved, axis=1, keepdims=True)
        asked = moved / lengths
        if step % (steps // refreshed) == 0:
            scores = asked @ one.gallery.T + one.hubs
            scores[:, marks] = -np.inf
            live = [one.gallery[np.argsort(-row)[:50]] for row in scores]
            live = [rows[(rows @ near.T).max(axis=1) < 0.95] for rows, near in zip(live, wanted, strict=True)]
        slope = np.stack([_slope(*row) for row in zip(asked, wanted, unwanted, live, strict=True)])
        slope = slope + 0.1 * (asked - starts)
        slope = (slope - (slope * asked).sum(axis=1, keepdims=True) * asked) / lengths / len(starts)
        left, right = left - slope.T @ (starts @ right), right - starts.T @ (slope @ left)
    return _held(queries + (queries @ right) @ left.T, queries)


def _slope(asked: Array, wanted: Array, unwanted: Array, live: Array) -> Array:
    rows = np.vstack([wanted, unwanted, live])
    logits = rows @ asked / 0.05
    logits[len(wanted) + len(unwanted) :] += np.log(0.1)
    chances = np.exp(logits - logits.max())
    slope: Array = chances / chances.sum() @ rows - wanted.mean(axis=0)
    return slope


def _held(made: Array, queries: Array) -> Array:
    pairs = zip(unit_rows(made).astype(np.float64), queries.astype(np.float64), strict=True)
    return np.stack([held(*pair) for pair in pairs]).astype(np.float32)


PRODUCT = "the product"
WAYS: dict[str, Way] = {
    PRODUCT: as_product,
    "all marks in every search": as_marks,
    "no rivals, half as much": without_rivals,
    "ridge against disliked": by_ridge,
    "trained on live hits, rank 8": trained,
}


def eyes(one: Set, searches: int, count: int, kinds: int) -> Iterator[tuple[Eye, dict[str, Numbers]]]:
    """Eyes of one set, with later queries of each group; a kind is the set of pictures that are right together."""
    rng = np.random.default_rng(0)
    kind = np.unique(one.codes, return_inverse=True)[1]
    large = [code for code in range(kind.max() + 1) if (kind == code).sum() > searches]
    order = rng.permutation(large)
    for start in range(0, min(len(order) - kinds + 1, EYES * kinds), kinds):
        chosen = order[start : start + kinds]
        asked = np.concatenate([rng.permutation(np.flatnonzero(kind == code))[:searches] for code in chosen])
        eye = Eye(one, list(_marked(one, asked, count)))
        free = ~one.itself[:, eye.marks].any(axis=1)
        free[asked] = False
        taken = _taken(one, eye, kind, chosen)
        here, there = np.isin(kind, chosen), np.isin(kind, taken)
        groups = dict(zip(GROUPS, (here, there, ~here), strict=True))
        yield eye, {name: rng.permutation(np.flatnonzero(of & free))[:LATER] for name, of in groups.items()}


def _marked(one: Set, asked: Numbers, count: int) -> Iterator[tuple[int, Numbers, Numbers]]:
    """The first hits of each query that no query before has marked."""
    done = np.zeros(one.first.shape[1], np.bool_)
    for at in asked:
        order = np.argsort(-one.first[at], kind="stable")
        hits = order[~done[order] & ~one.itself[at][order]][:count]
        done[hits] = True
        yield int(at), hits[one.right[at][hits]], hits[~one.right[at][hits]]


def _taken(one: Set, eye: Eye, kind: Numbers, chosen: Numbers) -> Numbers:
    """Kinds of disliked pictures, and of the first wrong hits of what was asked."""
    found: set[int] = set()
    for at, _, disliked in eye.searches:
        order = np.argsort(-one.first[at], kind="stable")
        wrong = order[~one.right[at][order] & ~one.itself[at][order]]
        near = dict.fromkeys(one.stored_codes[wrong].tolist())
        codes = [*one.stored_codes[disliked].tolist(), *list(near)[:CONFUSED]]
        found |= {int(kind[np.flatnonzero(one.codes == code)[0]]) for code in codes if (one.codes == code).any()}
    return np.array(sorted(found - set(chosen.tolist())), np.intp)


Values = dict[str, list[NDArray[np.float64]]]


def measured(one: Set, protocol: tuple[int, int, int]) -> tuple[Values, dict[str, Values], list[tuple[int, int]]]:
    """MAP@R before and with each way, of later queries of each group; how many were liked and disliked."""
    before: Values = {name: [] for name in GROUPS}
    after: dict[str, Values] = {way: {name: [] for name in GROUPS} for way in WAYS}
    marks = []
    for eye, groups in eyes(one, *protocol):
        marks.append((sum(len(found[1]) for found in eye.searches), sum(len(found[2]) for found in eye.searches)))
        if not eye.marked:
            continue
        for name, later in groups.items():
            gone: Flags = one.itself[later].copy()
            gone[:, eye.marks] = True
            part = one.part(later)
            before[name].append(part.values(part.first, gone))
            for way, run in WAYS.items():
                scores = run(eye, part.queries) @ one.gallery.T + one.hubs if len(later) else part.first
                after[way][name].append(part.values(scores, gone))
    return before, after, marks


def rows_of(sets: Sequence[Set], protocol: tuple[int, int, int]) -> list[dict[str, Any]]:
    """The product in each set and on average; other ways on average over the tuning sets."""
    found = [measured(one, protocol) for one in sets]
    names = [one.name for one in sets]
    tuning, confirming = ([names.index(name) for name in group] for group in (TUNING_SETS, CONFIRMING_SETS))
    shown = [(name, [at], PRODUCT) for at, name in enumerate(names)]
    shown += [("mean of tuning sets", tuning, way) for way in WAYS]
    shown.append(("mean of confirming sets", confirming, PRODUCT))
    searches, count, kinds = protocol
    return [
        {"set": name, "searches a kind": searches, "marks a search": count, "kinds": kinds, "way": way}
        | _figures(way, [found[at] for at in of])
        for name, of, way in shown
    ]


def _figures(way: str, found: Sequence[tuple[Values, dict[str, Values], list[tuple[int, int]]]]) -> dict[str, Any]:
    given = np.mean([np.mean(marks, axis=0) for _, _, marks in found], axis=0)
    row: dict[str, Any] = {"liked / disliked": " / ".join(f"{number:.1f}" for number in given)}
    for name in GROUPS:
        pairs = [
            tuple({"map@r": np.concatenate([*values[name], np.zeros(0)])} for values in (before, after[way]))
            for before, after, _ in found
        ]
        pairs = [pair for pair in pairs if len(pair[0]["map@r"]) >= (FEWEST if len(found) > 1 else 1)]
        if not pairs:
            row |= {f"queries, {name}": 0, f"alone, {name}": "", f"gain, {name}": ""}
            continue
        gain = differences([pair[1] for pair in pairs], [pair[0] for pair in pairs])["map@r"]
        row[f"queries, {name}"] = sum(len(pair[0]["map@r"]) for pair in pairs)
        row[f"alone, {name}"] = f"{100 * np.mean([pair[0]['map@r'].mean() for pair in pairs]):.1f}"
        row[f"gain, {name}"] = points(gain)
    return row


def main() -> None:
    """Eyes of one kind and of four, of three to twelve marks."""
    encoder = load_encoder("dino")
    sets = [Set.of(*one, encoder) for one in zip(*loaded(encoder), strict=True)]
    rows = [row for protocol in PROTOCOLS for row in rows_of(sets, protocol)]
    notes = [
        "MAP@R in percent, and what an eye adds to it in points. In brackets 95 % intervals over queries.",
        "An eye holds the marks of a few searches for pictures of one kind or of four, at most "
        f"{EYES} eyes a set; their first hits are marked by their labels. Later queries are at most {LATER} other "
        "pictures an eye, none of them marked: of the same kinds; of kinds that are easily taken for them (those of "
        f"disliked pictures and of the first {CONFUSED} wrong kinds among the hits), where harm is most likely; and of "
        "other kinds, these among them. Marked pictures are taken out of the gallery before and with the eye alike.",
        f"Means over sets leave out sets with fewer than {FEWEST} queries left: in birds five pictures are of a kind "
        "and in ikea mostly two.",
        "all marks in every search: what feedback.py does with marks of the same search, for all later ones.",
        "Weights were chosen on the tuning sets.",
    ]
    save("eye", "Later searches with kept marks (dino, tuned)", rows, notes, seed=0)


if __name__ == "__main__":
    main()
