"""Sparse concepts against what they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from samekind.meaning import concept_names
from samekind.meaning.sparse import COLOURED, KEPT, SHOWN, SparseConcepts, concepts_named, shows

NAMES = list(concept_names())


def concepts(n: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    shares = np.concatenate([rng.dirichlet([0.05] * 1000, n), rng.dirichlet([0.5] * 13, n)], axis=1)
    return np.sqrt(shares).astype(np.float32)


def log_odds(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    some = np.clip(shares, 1e-6, 1 - 1e-6)
    return np.log(some / (1 - some))


def test_weights_are_log_odds_over_the_mean_and_few_are_kept() -> None:
    made = concepts(20)
    index = SparseConcepts.of(made)
    weights = log_odds(made**2) - log_odds((made**2).mean(axis=0))
    kept = np.zeros_like(weights)
    for at, (rows, found) in index.weights.items():
        kept[rows, at] = found
        np.testing.assert_allclose(found, weights[rows, at], atol=1e-3)
    for row in range(20):
        assert 0 < (kept[row] > 0).sum() <= KEPT
        assert set(np.flatnonzero(kept[row])) <= set(np.argsort(-weights[row])[:KEPT])


def test_a_text_scores_the_concepts_that_it_names() -> None:
    index = SparseConcepts.of(concepts(50))
    found = index.scores(["Teapots, please", "teapot", "red teapot red", "hellebore", ""])
    rows, weights = index.weights[NAMES.index("teapot")]
    assert found[1, rows] == pytest.approx(weights)
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[2] >= found[1]).all()
    assert not found[3:].any()


def test_names_are_whole_names_or_hold_all_words() -> None:
    assert concepts_named("Teapots") == (NAMES.index("teapot"),)
    assert {NAMES[at] for at in concepts_named("shark")} >= {"great white shark", "tiger shark"}
    assert concepts_named("tiger") == (NAMES.index("tiger"),)
    assert concepts_named("hellebore") == concepts_named("of") == ()


def test_a_picture_shows_what_is_likeliest_in_it_whatever_the_others_show() -> None:
    made = concepts(30)
    for at in (3, NAMES.index("teapot")):
        wanted = [at in np.argsort(-row[:1000])[:SHOWN] for row in made]
        assert shows(made, [at]).tolist() == wanted
        assert shows(made[:7], [at]).tolist() == wanted[:7]
    red = NAMES.index("red")
    assert shows(made, [red]).tolist() == (made[:, red] ** 2 >= COLOURED).tolist()
    assert not shows(made, []).any()
