"""Composed queries that a collection makes of itself, without labels: a picture, words, and the picture they lead to.

Two pictures that are alike but no copies make a pair (SPN4CIR, Feng et al., 2024: within a window of ranks), and the
text says what the second shows and the first does not: colours, a thing, a value of one of the person's own columns.
The pair is drawn before the words are looked for. Drawn the other way round, the nearest picture that the words fit,
words are never wrong about a target, and a head learns to trust them more than people's questions bear out. (ours)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.meaning import concept_names, split_concepts
from samekind.meaning.colours import COLOURS
from samekind.query.hits import COLLAPSE_AT
from samekind.query.learned.evidence import Bank

WINDOWS = {"near": (0, 3), "far": (3, 30)}
"""Ranks of a target among its reference's neighbours: the same thing nearly, and something of its kind."""
GAP = 0.15
"""A colour or a thing differs where the target's share of it is larger by this much."""
PHRASES = {
    "colour": ("in {}", "the same in {}", "{}", "make it {}"),
    "thing": ("{}", "with a {}", "a {}", "show a {} instead"),
    "column": ("{}", "the same, {}"),
}
COMMON, RARE = 0.5, 3
"""A column's value is a word where at least RARE pictures and at most this share of all have it."""


@dataclass(frozen=True)
class Triplet:
    """``reference`` and ``target`` are rows of the bank, ``window`` says how near they are, ``kind`` what differs."""

    reference: int
    target: int
    text: str
    kind: str
    window: str


def self_made(
    bank: Bank, most: int, rng: np.random.Generator, columns: Mapping[str, Sequence[str | None]] | None = None
) -> list[Triplet]:
    """At most ``most`` triplets, one of each window for a reference at most; the same for the same ``rng``.

    ``columns``: the person's own, a value for each picture of the bank or None.
    """
    words = [*_shown(bank), *_said(columns or {}, len(bank))]
    found: list[Triplet] = []
    for reference in rng.permutation(len(bank)):
        if len(found) >= most:
            break
        near = _neighbours(bank, int(reference))
        for window, (first, last) in WINDOWS.items():
            there = near[first:last]
            if not len(there):
                continue
            target = int(rng.choice(there))
            differing = [one for one in (_differs(each, int(reference), target) for each in words) if one]
            if differing:
                kind, word = differing[int(rng.integers(len(differing)))]
                text = str(rng.choice(PHRASES[kind])).format(word)
                found.append(Triplet(int(reference), target, text, kind, window))
    return found[:most]


Named = tuple[str, Sequence[str], NDArray[np.float32]]
"""Kind, names (w,), and (n, w) which share of each a picture shows."""


def _differs(words: Named, reference: int, target: int) -> tuple[str, str] | None:
    """Kind and name of what the target shows and the reference does not; two colours where there are two."""
    kind, names, shares = words
    gaps = shares[target] - shares[reference]
    best = [at for at in np.argsort(-gaps)[: 2 if kind == "colour" else 1] if gaps[at] >= GAP]
    return (kind, " and ".join(names[at] for at in best)) if best else None


def _shown(bank: Bank) -> list[Named]:
    classes, colours = split_concepts(bank.wording.concepts)
    return [("colour", COLOURS, colours), ("thing", concept_names()[: classes.shape[1]], classes)]


def _said(columns: Mapping[str, Sequence[str | None]], pictures: int) -> list[Named]:
    found: list[Named] = []
    for values in columns.values():
        names, counts = np.unique([one for one in values if one], return_counts=True)
        names = names[(counts >= RARE) & (counts <= COMMON * pictures)]
        if len(names):
            has = np.array(values, object)[:, None] == names[None].astype(object)
            found.append(("column", [str(name) for name in names], has.astype(np.float32)))
    return found


def _neighbours(bank: Bank, reference: int) -> NDArray[np.intp]:
    """Rows of the nearest pictures that are no copies of the reference, nearest first."""
    scores = bank.stored @ bank.asked[reference]
    scores[bank.wording.looks @ bank.wording.looks[reference] >= COLLAPSE_AT] = -np.inf
    order = np.argsort(-scores, kind="stable")[: max(last for _, last in WINDOWS.values())]
    return np.asarray(order[np.isfinite(scores[order])], np.intp)
