import numpy as np

from samekind.demo.spread import well_spread


def test_examples_come_from_different_groups_and_never_from_loners() -> None:
    rng = np.random.default_rng(0)
    centres = np.eye(8, dtype=np.float32)[:4]
    rows = np.repeat(centres, 10, axis=0) + rng.normal(0, 0.02, (40, 8)).astype(np.float32)
    loners = np.eye(8, dtype=np.float32)[4:]
    rows = np.concatenate([rows, loners])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    taken = well_spread(rows, 4)
    assert sorted(taken // 10) == [0, 1, 2, 3]
    assert len(set(well_spread(rows, 100).tolist())) == 22


def test_few_pictures() -> None:
    assert well_spread(np.ones((1, 3), np.float32), 4).tolist() == [0]
    assert len(well_spread(np.zeros((0, 3), np.float32), 4)) == 0
