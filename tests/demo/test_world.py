import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.demo import world
from samekind.demo.canvas import SIDE, arc, petal, ring, star, turned
from samekind.demo.world import PICTURES_A_KIND, THEMES, Take, draw_one, draw_world
from samekind.errors import StorageError
from samekind.events import Progress


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_theme_has_a_hierarchy_of_three_levels(theme: world.Theme) -> None:
    assert len(set(theme.kinds)) == len(theme.kinds) == 36
    assert set(Counter(kind[0] for kind in theme.kinds).values()) == {9}
    assert set(Counter(kind[:2] for kind in theme.kinds).values()) == {3}


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_middle_kind_can_be_drawn(theme: world.Theme) -> None:
    for place, kind in enumerate(theme.kinds[::3]):
        photo = theme.photo(kind, np.random.default_rng(place))
        assert photo.size == (SIDE, SIDE)
        assert photo.mode == "RGB"
        assert np.asarray(photo).std() > 10


def test_equal_seeds_draw_equal_pictures_and_takes_differ(tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.jpg" for n in range(4)]
    for file, take, seed in zip(files, (0, 0, 1, 0), (7, 7, 7, 8), strict=True):
        draw_one(Take(1, 5, take), file, seed)
    first, same, other_take, other_seed = (file.read_bytes() for file in files)
    assert first == same
    assert len({first, other_take, other_seed}) == 3


def test_a_world_is_written_with_nested_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "THEMES", tuple(world.Theme(t.name, t.levels, t.kinds[:2], t.photo) for t in THEMES))
    events = list(draw_world(tmp_path, threads=2))
    assert events[-1] == Progress("drawing", 6 * PICTURES_A_KIND, 6 * PICTURES_A_KIND)
    for theme in THEMES:
        with (tmp_path / theme.name / "labels.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == ["path", "label", "coarse", "split", "subset", "middle"]
        assert len(rows) == 2 * PICTURES_A_KIND
        for row in rows:
            with Image.open(tmp_path / theme.name / row["path"]) as picture:
                assert picture.format == "JPEG"
            assert row["label"].startswith(row["middle"] + " ")
            assert row["middle"].startswith(row["coarse"] + " ")
            assert row["split"] == "both"
        assert set(Counter(row["label"] for row in rows).values()) == {PICTURES_A_KIND}


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        list(draw_world(tmp_path / "file"))


def test_outlines() -> None:
    np.testing.assert_allclose(np.linalg.norm(ring(12), axis=1), 1)
    np.testing.assert_allclose(turned(np.array([[0.0, -1.0]]), np.pi / 2), [[1, 0]], atol=1e-12)
    assert star(5, 0.4).shape == (10, 2)
    blade = petal(0.4, 0.5)
    assert np.ptp(blade[:, 0]) == pytest.approx(0.4, abs=0.02)
    assert blade[:, 1].min() == pytest.approx(-1)
    np.testing.assert_allclose(arc((0, 0), (1, 2), (2, 0))[[0, -1]], [[0, 0], [2, 0]])
