"""Does the label-free check tell good maps from bad ones? 16 maps, sabotaged ones among them, on six labelled sets.

    python benchmarks/check.py

For each map and set: held-out second views are asked for their neighbours (what the check does) and for their own
original (what one would try first), without labels; then labels say what the map really did to MAP@R.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from common import CONFIRMING_SETS, SHARED, TUNING_SETS, save

from samekind import load_encoder
from samekind.encoders.rows import unit_rows
from samekind.evaluation.labels import read_labels
from samekind.evaluation.metrics import score
from samekind.evaluation.protocols import task_of
from samekind.evaluation.ranking import rank
from samekind.evaluation.vectors import vectors_of
from samekind.events import Job
from samekind.settings import resolve
from samekind.tuning.check import FOLDS, TOLERANCE, common_neighbours
from samekind.tuning.nuisance import nearest_rows

Map = Callable[[np.ndarray], np.ndarray]
WORTH = 1.0
"""A change of MAP@R of one point counts as a change."""


def whitened(covariance: np.ndarray, shrink: float, power: float, mean: np.ndarray) -> Map:
    """z -> L2(L2(z - mean) (C + shrink * mean eigenvalue)^-power)."""
    values, basis = np.linalg.eigh(covariance.astype(np.float64))
    matrix = ((basis * (np.maximum(values, 0) + shrink * values.mean()) ** -power) @ basis.T).astype(np.float32)
    return lambda q: unit_rows(unit_rows(q - mean) @ matrix)


def moment(differences: np.ndarray) -> np.ndarray:
    """Mean outer product, scaled to mean eigenvalue 1."""
    found = differences.T @ differences
    return found * (len(found) / np.trace(found))


def neighbours(k: int, share: float, shrink: float, power: float, rounds: int = 3) -> Callable[..., Map]:
    """Nuisance whitening with these settings."""

    def fit(x: np.ndarray, views: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> Map:
        mean = x.mean(axis=0)
        z = unit_rows(x - mean)
        from_views = moment((unit_rows(views - mean) - z[rows][:, None]).reshape(-1, x.shape[1]))
        found: Map = lambda q: unit_rows(q - mean)  # noqa: E731
        for _ in range(rounds):
            near = nearest_rows(found(x), np.arange(len(x)), k)
            pairs = moment((z[:, None] - z[near]).reshape(-1, x.shape[1]))
            found = whitened(share * pairs + (1 - share) * from_views, shrink, power, mean)
        return found

    return fit


def random_pairs(shrink: float) -> Callable[..., Map]:
    """Random pictures instead of neighbours: whitens everything."""

    def fit(x: np.ndarray, views: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> Map:
        return whitened(moment(x - x[rng.permutation(len(x))]), shrink, 0.5, x.mean(axis=0))

    return fit


def principal(power: float) -> Callable[..., Map]:
    """PCA whitening."""
    return lambda x, views, rows, rng: whitened(moment(x - x.mean(axis=0)), 0.01, power, x.mean(axis=0))


def random_projection(dim: int) -> Callable[..., Map]:
    """Keeps a random subspace."""

    def fit(x: np.ndarray, views: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> Map:
        matrix = rng.normal(size=(x.shape[1], dim)).astype(np.float32)
        return lambda q: unit_rows(q @ matrix)

    return fit


def centred(x: np.ndarray, views: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> Map:
    """The mean removed, nothing else."""
    mean = x.mean(axis=0)
    return lambda q: unit_rows(q - mean)


def amplified(x: np.ndarray, views: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> Map:
    """Nuisance made larger instead of smaller."""
    mean = x.mean(axis=0)
    z = unit_rows(x - mean)
    pairs = moment((unit_rows(views - mean) - z[rows][:, None]).reshape(-1, x.shape[1]))
    return whitened(pairs, 0.3, -0.5, mean)


MAPS: dict[str, Callable[..., Map]] = {
    "mean removed": centred,
    "tuning": neighbours(3, 0.5, 0.3, 0.5),
    "one round": neighbours(3, 0.5, 0.3, 0.5, 1),
    "neighbours only": neighbours(3, 1.0, 0.3, 0.5),
    "views only": neighbours(3, 0.0, 0.3, 0.5, 1),
    "power 1": neighbours(3, 0.5, 0.3, 1.0),
    "10 neighbours": neighbours(10, 0.5, 0.3, 0.5),
    "over-fitted (10 neighbours, power 1, shrink .05)": neighbours(10, 1.0, 0.05, 1.0),
    "over-fitted (30 neighbours, shrink .01)": neighbours(30, 1.0, 0.01, 0.5),
    "PCA whitening .25": principal(0.25),
    "PCA whitening .5": principal(0.5),
    "PCA whitening 1": principal(1.0),
    "random pairs": random_pairs(0.3),
    "random pairs, shrink .01": random_pairs(0.01),
    "random 32 dimensions": random_projection(32),
    "nuisance amplified": amplified,
}


def held_out(fit: Callable[..., Map], x: np.ndarray, views: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Cross-fitted: common neighbours of view and picture, and the share of views that find their original."""
    common, found = [], []
    for fold in np.array_split(np.random.default_rng(0).permutation(len(x)), FOLDS):
        out = np.zeros(len(x), bool)
        out[fold] = True
        rest = np.flatnonzero(~out)
        position = np.full(len(x), -1)
        position[rest] = np.arange(len(rest))
        seen = ~out[rows]
        apply = fit(x[rest], views[seen], position[rows[seen]], np.random.default_rng(1))
        stored, asked = apply(x), views[~seen]
        mapped = np.stack([apply(asked[:, view]) for view in range(asked.shape[1])], axis=1)
        common.append(common_neighbours(stored, stored[rows[~seen]], mapped, rows[~seen]))
        nearest = (mapped.reshape(-1, stored.shape[1]) @ stored.T).argmax(axis=1)
        found.append(nearest == np.repeat(rows[~seen], asked.shape[1]))
    return np.concatenate(common), float(np.concatenate(found).mean())


def main() -> None:
    """All maps on all sets."""
    encoder, settings = load_encoder("dino"), resolve()
    rows, wrong = [], {"accepted though worse": 0, "refused though better": 0, "better": 0, "worse": 0}
    agree: list[tuple[float, float, float]] = []
    tables: dict[str, dict[str, str]] = {name: {} for name in MAPS}
    for labelled in read_labels([SHARED / name / "labels.csv" for name in (*TUNING_SETS, *CONFIRMING_SETS)]):
        vectors = Job(vectors_of(labelled, encoder, settings)).result()
        labelled = labelled.take(vectors.rows)
        task = task_of(labelled, "own", 0)
        _, codes = np.unique(np.array(labelled.labels), return_inverse=True)

        def truth(apply: Map, task=task, codes=codes, vectors=vectors) -> float:
            mapped = apply(vectors.look)
            kinds = {"label": (codes[task.queries], codes[task.gallery])}
            ranking = rank(mapped[task.queries], mapped[task.gallery], task.own, kinds, 1)
            return 100 * float(score(ranking.found["label"])["map@r"].mean())

        plain, plain_found = held_out(lambda *_: lambda q: q, vectors.look, vectors.views, vectors.view_rows)
        before = truth(lambda q: q)
        for name, fit in MAPS.items():
            common, found = held_out(fit, vectors.look, vectors.views, vectors.view_rows)
            gain = truth(fit(vectors.look, vectors.views, vectors.view_rows, np.random.default_rng(1))) - before
            accepted = common.mean() >= plain.mean() - TOLERANCE
            wrong["better"] += gain > WORTH
            wrong["worse"] += gain < -WORTH
            wrong["accepted though worse"] += bool(accepted and gain < -WORTH)
            wrong["refused though better"] += bool(not accepted and gain > WORTH)
            agree.append((gain, float(common.mean() - plain.mean()), found - plain_found))
            tables[name][labelled.name] = f"{gain:+.1f} {'yes' if accepted else 'no'}"
    rows = [{"map": name, **cells} for name, cells in tables.items()]
    table = np.array(agree)
    order = np.argsort(np.argsort(table, axis=0), axis=0)
    ranks = np.corrcoef(order.T)
    notes = [
        "Each cell: what the map does to MAP@R (points, by labels), and whether the check accepts it (without labels).",
        f"Of {len(agree)} maps and sets {wrong['worse']} are worse by more than a point: "
        f"{wrong['accepted though worse']} of them accepted; {wrong['better']} are better by more than a point: "
        f"{wrong['refused though better']} of them refused.",
        f"Rank correlation with the true change of MAP@R: common neighbours {ranks[0, 1]:.2f}, "
        f"views that find their original {ranks[0, 2]:.2f}.",
    ]
    save("check", "The label-free check against labels (dino)", rows, notes, seed=0)


if __name__ == "__main__":
    main()
