"""Does an encoder hear word order? The swap test of ARO, and the shuffle test beside it.

Yuksekgonul and others, "When and why vision-language models behave like bags-of-words, and what to do about it", ICLR
2023 (ARO): a picture, its caption, and the caption with attributes or places exchanged. The share of pictures whose own
caption scores higher is 1 for who hears order and .5 for who does not; here ties count half, so that a bag of words has
exactly .5. The shuffle test is ours: the same hits after a query's words were shuffled mean that order went unheard.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError
from samekind.evaluation.toy.edits import EDITS
from samekind.evaluation.toy.language import caption
from samekind.evaluation.toy.world import Scene, random_scene

SWAPS = ("attributes", "relation")
TIE = 1e-6
"""Scores that differ by less are equal: below what float32 tells apart."""

BLIND = 9
"""So many of the first ten hits unchanged after shuffling: the order of the words was not heard."""


@dataclass(frozen=True)
class SwapCase:
    """A picture, its caption, the same words swapped, and which of ``SWAPS`` was done."""

    scene: Scene
    right: str
    wrong: str
    kind: str


@dataclass(frozen=True)
class SwapScore:
    """How often the right caption scored higher, ties counted half: shares in 0..1, of all and of each kind."""

    share: float
    cases: int
    ties: int
    by_kind: dict[str, float]

    @property
    def hears_order(self) -> bool:
        """Whether the share lies above chance by more than 1.96 standard deviations of a coin thrown that often."""
        return self.share > 0.5 + 1.96 * 0.5 / math.sqrt(self.cases)

    @property
    def sentence(self) -> str:
        """For people."""
        return (
            f"this encoder {'hears' if self.hears_order else 'does not hear'} word order: it scores "
            f"{100 * self.share:.3g} of 100 where chance is 50"
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**vars(self), "hears_order": self.hears_order, "sentence": self.sentence}


def swap_cases(seed: int, count: int) -> tuple[SwapCase, ...]:
    """``count`` cases of different scenes, attributes and relations by turns."""
    rng = np.random.default_rng(seed)
    cases: dict[Scene, SwapCase] = {}
    while len(cases) < count:
        scene, kind = random_scene(rng), SWAPS[len(cases) % len(SWAPS)]
        for edit in EDITS[kind](scene):
            cases.setdefault(scene, SwapCase(scene, caption(scene), caption(edit.results[0]), kind))
    return tuple(cases.values())


def swap_score(
    cases: Sequence[SwapCase],
    pictures: NDArray[np.floating[Any]],
    right: NDArray[np.floating[Any]],
    wrong: NDArray[np.floating[Any]],
) -> SwapScore:
    """The score of an encoder from its unit rows, each (n, d): of n pictures, their captions, and the swapped ones.

    Raises UsageError where the shapes disagree or there are no cases.
    """
    if not cases or not len(cases) == len(pictures) == len(right) == len(wrong):
        raise UsageError(
            f"The swap test wants one picture and two captions a case, not {len(pictures)}, {len(right)} and "
            f"{len(wrong)} for {len(cases)} cases."
        )
    if not pictures.shape == right.shape == wrong.shape:
        raise UsageError(
            f"Pictures have {pictures.shape[1:]} numbers and words {right.shape[1:]}, which cannot be compared."
        )
    gained = np.einsum("nd,nd->n", pictures.astype(np.float64), right.astype(np.float64) - wrong.astype(np.float64))
    points = np.where(np.abs(gained) < TIE, 0.5, gained > 0)
    kinds = np.array([case.kind for case in cases])
    by_kind = {kind: float(points[kinds == kind].mean()) for kind in dict.fromkeys(kinds.tolist())}
    return SwapScore(float(points.mean()), len(cases), int((points == 0.5).sum()), by_kind)


def shuffled(text: str, rng: np.random.Generator) -> str:
    """The words of a text in another order; the text itself where all its words are the same."""
    words = text.split()
    if len(set(words)) < 2:
        return text
    while True:
        mixed = [words[place] for place in rng.permutation(len(words))]
        if mixed != words:
            return " ".join(mixed)


def same_hits(one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]], k: int = 10) -> NDArray[np.int64]:
    """How many of the first k hits two score matrices (queries, pictures) share, for each query: (queries,) in 0..k."""
    tops: Iterable[NDArray[np.intp]] = (np.argsort(-scores, axis=1, kind="stable")[:, :k] for scores in (one, other))
    first, second = tops
    return np.array([len(set(a) & set(b)) for a, b in zip(first.tolist(), second.tolist(), strict=True)], np.int64)
