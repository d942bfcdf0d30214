from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from samekind.errors import PictureError
from samekind.pictures.decode import Limits, decode
from tests.pictures.mutate import mutants

OUTCOMES = {"pixels", "empty file", "not a picture", "broken", "too many pixels", "needs extra"}


@pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.timeout(120)
def test_mutants_give_pixels_or_a_reason() -> None:
    outcomes: Counter[str] = Counter()
    for mutant in mutants(300, seed=7):
        outcomes[_outcome(mutant.data)] += 1
    assert outcomes.total() == 300
    assert outcomes.keys() <= OUTCOMES
    assert min(outcomes["pixels"], outcomes["broken"], outcomes["not a picture"]) > 10


def _outcome(data: bytes) -> str:
    try:
        pixels = decode(data, Limits(max_pixels=4_000_000), 32).pixels
    except PictureError as problem:
        return problem.reason
    return "pixels" if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 else "wrong shape"


def test_equal_seeds_give_equal_mutants() -> None:
    assert list(mutants(40, seed=1)) == list(mutants(40, seed=1))
    assert list(mutants(40, seed=1)) != list(mutants(40, seed=2))
