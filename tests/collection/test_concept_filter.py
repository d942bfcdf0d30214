"""The filter concept=... on drawn pictures, whose colours are known by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.collection import Collection
from samekind.errors import UsageError
from samekind.meaning import concept_names
from samekind.meaning.sparse import shows
from tests.collection.mock import MockEncoder

ENCODER = MockEncoder()
COLOURS = {"red": (200, 25, 35), "green": (40, 140, 50), "blue": (30, 70, 185)}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    folder = tmp_path_factory.mktemp("coloured") / "folder"
    folder.mkdir()
    for name, colour in COLOURS.items():
        for n in range(2):
            pixels = np.full((64, 64, 3), colour, np.uint8)
            pixels[n : n + 9, n : n + 9] += 9
            Image.fromarray(pixels).save(folder / f"{name}{n}.png")
    held = Collection.create(folder.parent / "coloured.samekind", ENCODER)
    held.sync([folder], encoder=ENCODER, tune=False).result()
    with pytest.raises(UsageError, match=r"samekind sync --into coloured\.samekind --words"):
        held.passing("concept=red")
    held.learn_words().result()
    held.refresh()
    return held


def paths(collection: Collection, where: str) -> set[str]:
    return {row["path"] for row in collection.rows(sorted(collection.passing(where)))}


def test_names(collection: Collection) -> None:
    red, blue = {"red0.png", "red1.png"}, {"blue0.png", "blue1.png"}
    assert paths(collection, "concept=red") == paths(collection, "samekind.concept=Reds") == red
    assert paths(collection, "concept in (red, blue)") == red | blue
    assert paths(collection, "concept!=red and concept!=blue") == {"green0.png", "green1.png"}
    assert paths(collection, "concept=red and path~=red0") == {"red0.png"}
    assert paths(collection, "concept=null") == set()
    assert len(paths(collection, "concept!=null")) == 6
    assert {row["path"] for row in collection.pictures("concept~=turq*e or concept~=blue")} >= blue


def test_a_class_is_what_shows_says(collection: Collection) -> None:
    ids = collection.vectors(tuned=False).ids
    concepts, _ = collection.concepts_of(collection.hashes(ids))
    name = concept_names()[int(concepts[0, :1000].argmax())]
    wanted = shows(concepts, [concept_names().index(name)])
    assert collection.passing(f"concept='{name}'") >= {ids[row] for row in np.flatnonzero(wanted)}
    assert ids[0] in collection.passing(f"concept='{name}'")


@pytest.mark.parametrize(
    ("where", "says"),
    [("concept=teapott", "Did you mean 'teapot'"), ("concept>=red", "no order"), ("concept=of", "No concept")],
)
def test_refusals(collection: Collection, where: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        collection.passing(where)


def test_the_persons_own_column_comes_first(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), "red").save(tmp_path / "a.png")
    (tmp_path / "list.csv").write_text("path,concept\na.png,mine\n")
    held = Collection.create(tmp_path / "own.samekind", ENCODER)
    held.sync([tmp_path / "list.csv"], encoder=ENCODER, tune=False).result()
    assert len(held.passing("concept=mine")) == 1
    with pytest.raises(UsageError, match="not learned yet"):
        held.passing("samekind.concept=red")
