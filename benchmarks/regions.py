"""Does it help words of several parts to weigh in what regions of a picture show? A trial of ComCLIP's re-ranking.

    python benchmarks/regions.py

e = e_img + w sum_k s_k e_k over the regions of a picture, s_k a softmax of how well the parts of the text fit region k;
the score is that of e, at the picture's length, with the whole text (Jiang et al., ComCLIP, 2024). Captions:
overlapping tiles, looked at like whole pictures, with colours; every picture is re-ranked. The toy world: each thing
alone on its ground is a region, which no tiling would find so exactly; one encoder binds attributes to things, one is a
bag of words. The weight w and the temperature of the softmax were chosen on half of the pictures and of the scenes;
figures are of the other half. Beside it a simpler way: w times the mean over the parts of how well the best region fits
each.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from common import save
from numpy.typing import NDArray
from words import asked_of, collection_of

from samekind import load_encoder
from samekind.encoders.base import Vectors, encode_pictures
from samekind.evaluation.compare import Values, differences
from samekind.evaluation.toy.language import caption
from samekind.evaluation.toy.queries import gallery
from samekind.evaluation.toy.swaps import SWAPS as KINDS
from samekind.evaluation.toy.swaps import TIE, swap_cases
from samekind.evaluation.toy.towers import BagOfWordsTower, CompositionalTower, Tower
from samekind.evaluation.toy.world import Scene
from samekind.meaning.concepts import concept_encoder
from samekind.pictures.decode import Limits, read_picture
from samekind.query.maxsim import tiles
from samekind.query.wordings.concepts import ConceptWording
from samekind.settings import resolve

ENCODERS = ("dino", "lite")
SCENES, SWAPS, SEED = 600, 300, 0
COMCLIP, BEST = "ComCLIP", "each part's best region"
WEIGHTS, TEMPERATURES = (0.25, 0.5, 1.0), (0.02, 0.05, 0.2)
SETTINGS = {COMCLIP: list(product(WEIGHTS, TEMPERATURES)), BEST: [(weight, 0.0) for weight in WEIGHTS]}
_TIES = re.compile(
    r"\s*(?:[,.]|\b(?:and|with|on|in|at|by|near|left of|of|above|beside|behind|under|over|to|from|while|is|are)\b)\s*"
)

Scores = NDArray[np.float64]
Score = Callable[[Sequence[str]], NDArray[np.float32]]


def parts_of(text: str) -> list[str]:
    """What stands between the words that tie a text together, or else the text."""
    return [part for part in _TIES.split(text) if len(part.split()) > 1] or [text]


class Regions:
    """Scores of pictures by the whole text and by their regions.

    ``vectors`` (n, d) of the pictures and (m, d) of all regions; ``owner`` (m,) says whose each region is.
    """

    def __init__(self, whole: Score, regions: Score, vectors: tuple[Vectors, Vectors], owner: NDArray[np.intp]) -> None:
        self.owner, self._whole, self._regions = owner, whole, regions
        self.starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
        self._vectors, self._near = vectors
        self._lengths = np.linalg.norm(self._vectors, axis=1)

    def ask(self, texts: Sequence[str]) -> None:
        """All that does not depend on weight and temperature."""
        self.plain = np.asarray(self._whole(texts), np.float64)
        self.regional = np.asarray(self._regions(texts), np.float64)
        self.fits = [np.asarray(self._regions(parts_of(text)), np.float64) for text in texts]

    def scores(self, way: str, weight: float, temperature: float) -> Scores:
        """(t, n) with regions."""
        found = self.plain.copy()
        for row, fits in enumerate(self.fits):
            if way == BEST:
                found[row] += weight * np.maximum.reduceat(fits, self.starts, axis=1).mean(axis=0)
                continue
            raised = np.exp((fits - fits.max(axis=1, keepdims=True)) / temperature) + 1e-12
            shares = (raised / np.add.reduceat(raised, self.starts, axis=1)[:, self.owner]).mean(axis=0)
            found[row] += weight * np.add.reduceat(shares * self.regional[row], self.starts)
            summed = self._vectors + weight * np.add.reduceat(shares[:, None] * self._near, self.starts)
            found[row] *= self._lengths / np.linalg.norm(summed, axis=1)
        return found


def firsts(scores: Scores, right: NDArray[np.intp]) -> Values:
    """R@1 of each text, and R@10; ties count as lost."""
    own = scores[np.arange(len(right)), right]
    above = (scores >= own[:, None] - 1e-9).sum(axis=1) - 1
    return {"R@1": (above < 1).astype(float), "R@10": (above < 10).astype(float)}


def row_of(task: str, way: str, tried: Sequence[Values], plain: Values, chosen_on: NDArray[np.bool_]) -> dict[str, Any]:
    """``tried`` has what each of the way's settings finds, one value a text; the best on ``chosen_on`` is measured."""
    best = int(np.argmax([one["R@1"][chosen_on].mean() for one in tried]))
    before, after = ({key: values[~chosen_on] for key, values in one.items()} for one in (plain, tried[best]))
    others = [100 * (one["R@1"][~chosen_on].mean() - before["R@1"].mean()) for one in tried]
    row: dict[str, Any] = {"task": task, "way": way, "texts": int((~chosen_on).sum())}
    for key, gain in differences([after], [before]).items():
        row[f"{key}, with regions"] = f"{100 * before[key].mean():.1f}, {100 * after[key].mean():.1f}"
        row[f"{key} gained"] = f"{100 * gain.mean:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
    weight, temperature = SETTINGS[way][best]
    more = {"R@1 gained by any setting": f"{min(others):+.1f} to {max(others):+.1f}"}
    return row | {"weight": weight, "temperature": temperature or ""} | more


def rows_of(task: str, regions: Regions, texts: Sequence[str], right: NDArray[np.intp]) -> list[dict[str, Any]]:
    """Both ways; chosen on the texts whose right answer has an even number."""
    regions.ask(texts)
    plain = firsts(regions.plain, right)
    return [
        row_of(task, way, [firsts(regions.scores(way, *one), right) for one in some], plain, right % 2 == 0)
        for way, some in SETTINGS.items()
    ]


def captions(encoder: str, folder: Path) -> list[dict[str, Any]]:
    """The captions of 79 pictures."""
    asked, held = asked_of("captions"), collection_of("captions", encoder, folder)
    wording = ConceptWording.read(held)
    rows = held.rows(wording.ids)
    at = {row["path"]: n for n, row in enumerate(rows)}
    cut = [tiles(read_picture(row["file"], Limits()).pixels) for row in rows]
    crops, owner = [tile for some in cut for tile in some], np.repeat(np.arange(len(cut)), [len(some) for some in cut])
    concepts = encode_pictures(concept_encoder(resolve()), crops)
    looks = encode_pictures(load_encoder(encoder), crops)
    ids = [str(n) for n in range(len(crops))]
    near = ConceptWording(ids, np.arange(len(crops)), looks, concepts, wording.space)
    right = np.array([at[next(iter(paths))] for paths in asked.right])
    return rows_of(
        f"captions, {encoder}, {len(crops) / len(cut):.1f} regions",
        Regions(wording.scores, near.scores, (wording.meanings, near.meanings), owner),
        asked.texts,
        right,
    )


def alone(scene: Scene) -> list[Scene]:
    """Each thing by itself."""
    return [Scene.of([thing], scene.background) for thing in scene.things]


def regions_of(tower: Tower, scenes: Sequence[Scene]) -> Regions:
    """Of scenes, and of their things alone; less the mean of each."""
    owner = np.repeat(np.arange(len(scenes)), [len(scene.things) for scene in scenes])
    whole = tower.pictures(scenes)
    near = tower.pictures([one for scene in scenes for one in alone(scene)])
    whole, near = whole - whole.mean(axis=0), near - near.mean(axis=0)
    scores = [lambda texts, of=of: tower.words(texts) @ of.T for of in (whole, near)]
    return Regions(scores[0], scores[1], (whole, near), owner)


def toy(name: str, tower: Tower) -> list[dict[str, Any]]:
    """The captions of scenes."""
    scenes = gallery(SEED, SCENES)
    texts = [caption(scene) for scene in scenes]
    return rows_of(f"toy captions, {name}", regions_of(tower, scenes), texts, np.arange(SCENES))


def swaps(name: str, tower: Tower) -> list[dict[str, Any]]:
    """How often a scene's own caption beats the one with attributes or places swapped; a tie counts half."""
    cases = swap_cases(SEED, SWAPS)
    regions, rows = regions_of(tower, [case.scene for case in cases]), []
    for kind, (way, some) in product(KINDS, SETTINGS.items()):
        own = np.array([case.kind == kind for case in cases])
        found = []
        for texts in ([case.right for case in cases], [case.wrong for case in cases]):
            regions.ask(texts)
            found.append([np.diag(one)[own] for one in (regions.plain, *(regions.scores(way, *one) for one in some))])
        gained = [right - wrong for right, wrong in zip(*found, strict=True)]
        plain, *tried = ({"R@1": np.where(abs(one) < TIE, 0.5, one > 0)} for one in gained)
        rows.append(row_of(f"toy swaps of {kind}, {name}", way, tried, plain, np.arange(own.sum()) % 2 == 0))
        rows[-1] |= {"R@10, with regions": "", "R@10 gained": ""}
    return rows


def main() -> None:
    """Both worlds."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as made:
        for encoder in ENCODERS:
            rows += captions(encoder, Path(made))
    for name, tower in (("binding", CompositionalTower(SEED)), ("bag of words", BagOfWordsTower(SEED))):
        rows += [*toy(name, tower), *swaps(name, tower)]
    notes = [
        "Percent, gains with 95 % bootstrap intervals over texts.",
        "Swaps: how often a scene's own caption beats the swapped one, ties half. The last column: the least and the "
        "most of all settings, on the texts that are reported.",
    ]
    save("regions", "Words of several parts, with regions (a trial, not in the product)", rows, notes, seed=SEED)


if __name__ == "__main__":
    main()
