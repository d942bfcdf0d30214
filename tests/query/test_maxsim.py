"""Search by parts: small things in big pictures."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from samekind import Collection, Like, Picture, Query, Unlike, Where, Words, explain, load_encoder, search
from samekind.cli.app import app
from samekind.collection.multi_vector import VECTORS, clustered
from samekind.encoders.rows import unit_rows
from samekind.errors import UsageError
from samekind.query.hits import about_order, remark
from samekind.query.maxsim import MINE, THEIRS, chamfer, tiles

THINGS = 8


def thing(seed: int) -> np.ndarray:
    """(60, 60, 3): a plaid of its own."""
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(0, 2, (5, 5, 3)) * 255, np.ones((12, 12, 1))).astype(np.uint8)


def alone(seed: int) -> np.ndarray:
    """(90, 90, 3): the thing on white."""
    picture = np.full((90, 90, 3), 255, np.uint8)
    picture[15:75, 15:75] = thing(seed)
    return picture


def among(seed: int) -> np.ndarray:
    """(160, 200, 3): the thing somewhere in a scene of its own."""
    rng = np.random.default_rng(100 + seed)
    ramp = np.linspace(40, 200, 200)[None, :, None] * rng.uniform(0.5, 1, 3)
    picture = np.broadcast_to(ramp, (160, 200, 3)).astype(np.uint8).copy()
    top, left = rng.integers(0, 100), rng.integers(0, 140)
    picture[top : top + 60, left : left + 60] = thing(seed)
    return picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for kind, draw in (("alone", alone), ("among", among)):
        (folder / kind).mkdir()
        for seed in range(THINGS):
            Image.fromarray(draw(seed)).save(folder / kind / f"{seed}.png")
    shutil.copy(folder / "alone" / "3.png", folder / "alone" / "copy.png")
    return folder


@pytest.fixture(scope="module")
def collection(folder: Path) -> Collection:
    held = Collection.create(folder.parent / f"{folder.name}.samekind", load_encoder("lite"))
    held.sync([folder], tune=False).result()
    assert held.learn_parts().result().looked_at == 2 * THINGS  # a copy is looked at once
    return held


@pytest.mark.parametrize(("direction", "asked", "found"), [(MINE, "among", "alone"), (THEIRS, "alone", "among")])
def test_a_thing_in_a_scene(collection: Collection, folder: Path, direction: str, asked: str, found: str) -> None:
    where = f"path~={found}/"
    right = 0
    for seed in range(THINGS):
        hits = search(collection, Query(Picture(folder / asked / f"{seed}.png")), where=where, k=3, parts=direction)
        right += f"{found}/{seed}.png" in [hit.path for hit in hits[:2]]
        assert [hit.roles["parts"] for hit in hits] == sorted((hit.roles["parts"] for hit in hits), reverse=True)
        assert len(hits) == 3
    assert right > THINGS / 2  # by chance a quarter


def test_scores_stay_those_of_whole_pictures(collection: Collection, folder: Path) -> None:
    query = Query(Picture(folder / "among" / "0.png"))
    whole = {hit.id: hit.score for hit in search(collection, query, k=50, collapse=None)}
    hits = search(collection, query, k=50, collapse=None, parts=MINE)
    assert {hit.id: pytest.approx(hit.score, abs=1e-5) for hit in hits} == whole
    assert hits.parts == MINE
    assert hits.to_dict()["parts"] == MINE
    assert not hits.nothing_here
    assert "is a part of your picture" in about_order(hits)
    assert remark(hits[1]).startswith("parts 0.")
    assert hits[0].same_file  # a picture is a part of itself


@pytest.mark.parametrize("direction", [MINE, THEIRS])
def test_reasons_know_them(collection: Collection, folder: Path, direction: str) -> None:
    query = Query(Picture(folder / "among" / "0.png"), Where("path~=alone/"))
    for hit in search(collection, query, k=50, collapse=None, parts=direction):
        reasons = explain(collection, query, hit, parts=direction, match=False)
        last = reasons.standings[-1]
        assert (last.step, last.rank, last.score) == ("parts", hit.rank, pytest.approx(hit.roles["parts"], abs=1e-5))
        assert reasons.score == pytest.approx(hit.score, abs=1e-5)
        whole = reasons.standings[-2].rank
        assert (whole == hit.rank) or "by whole pictures it would come " in reasons.sentence
    assert explain(collection, query, parts=direction, match=False).rank == 1
    asked = ["--picture", str(folder / "among" / "0.png"), "--parts", direction, "--json"]
    said = json.loads(CliRunner().invoke(app, ["explain", str(collection.path), *asked]).stdout)
    assert said["standings"][-1]["step"] == "parts"
    with pytest.raises(UsageError, match="with one picture"):
        explain(collection, Query(Words("red")), parts=direction)


def test_a_stored_picture_can_be_asked_with(collection: Collection) -> None:
    hits = search(collection, Query(Like("alone/3.png"), Where("path~=among/")), k=1, parts=THEIRS)
    assert hits[0].path.startswith("among/")


@pytest.mark.parametrize(
    "query",
    [
        Query(Picture(b""), Picture(b"")),
        Query(Picture(b""), Like("alone/3.png")),
        Query(Picture(b""), Words("red")),
        Query(Unlike("alone/3.png"), Picture(b"")),
    ],
)
def test_one_picture_and_nothing_else(collection: Collection, query: Query) -> None:
    with pytest.raises(UsageError, match="with one picture"):
        search(collection, query, parts=MINE)


def test_refusals(collection: Collection, folder: Path, tmp_path: Path) -> None:
    query = Query(Picture(folder / "alone" / "0.png"))
    with pytest.raises(UsageError, match="known: mine, theirs"):
        search(collection, query, parts="ours")
    with pytest.raises(UsageError, match="with one picture"):
        search(collection, query, parts=MINE, granularity="coarse")
    bare = Collection.create(tmp_path / "bare.samekind", load_encoder("lite"))
    bare.sync([folder / "alone"], tune=False).result()
    with pytest.raises(UsageError, match=r"never looked at; run: samekind sync --into .*bare.samekind --parts"):
        search(bare, query, parts=MINE)


def test_the_command(folder: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    into = str(tmp_path / "it.samekind")
    assert (
        run(app, ["sync", str(folder / "alone"), "--into", into, "--encoder", "lite", "--parts", "-q"]).exit_code == 0
    )
    Image.fromarray(alone(THINGS)).save(tmp_path / "new.png")
    later = run(app, ["sync", str(tmp_path / "new.png"), "--into", into, "-q"])
    assert later.exit_code == 0  # which looks at the new one's parts, too
    asked = ["search", into, "--picture", str(folder / "among" / "2.png"), "--parts", "mine", "--json", "-k", "20"]
    said = json.loads(run(app, asked).stdout)
    assert sum(1 + hit["copies"] for hit in said["hits"]) == THINGS + 2
    assert all(hit["roles"]["parts"] > -1 for hit in said["hits"])
    shown = run(app, asked[:-3]).stdout
    assert "Ordered by parts" in shown


rows = st.integers(1, 2**32 - 1).map(lambda seed: np.random.default_rng(seed))


@given(rows, st.integers(1, 6), st.integers(1, 6))
def test_chamfer_is_maxsim(rng: np.random.Generator, small: int, big: int) -> None:
    """Of equal weights: the mean over the small one's vectors of the greatest cosine; the order does not matter."""
    ours, theirs = (unit_rows(rng.standard_normal((n, 5)).astype(np.float32)) for n in (small, big))
    (found,) = chamfer(ours[None] / np.sqrt(small), theirs)
    assert found == pytest.approx((ours @ theirs.T).max(axis=1).mean(), abs=1e-5)
    (again,) = chamfer(rng.permutation(ours)[None] / np.sqrt(small), rng.permutation(theirs))
    assert again == pytest.approx(found, abs=1e-5)
    (itself,) = chamfer(ours[None] / np.sqrt(small), ours)
    assert itself == pytest.approx(1, abs=1e-5)


@given(rows, st.integers(3, 6), st.integers(3, 6))
def test_few_patches_stand_for_themselves(rng: np.random.Generator, height: int, width: int) -> None:
    patches = rng.standard_normal((height, width, 7)).astype(np.float32)
    found = clustered(patches)
    assert found.shape == (VECTORS, 7)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    if height * width <= VECTORS:
        cosines = unit_rows(patches.reshape(-1, 7)) @ unit_rows(found[: height * width]).T
        assert sorted(cosines.argmax(axis=1)) == list(range(height * width))
        np.testing.assert_allclose(cosines.max(axis=1), 1, atol=1e-5)


def test_the_thing_outweighs_what_is_around_it() -> None:
    """A block of its own on an even ground."""
    rng = np.random.default_rng(0)
    patches = np.tile(np.eye(8, dtype=np.float32)[0], (12, 12, 1)) + 0.1 * rng.standard_normal((12, 12, 8))
    patches[4:8, 4:8] = np.eye(8)[1] + 0.1 * rng.standard_normal((4, 4, 8))
    found = clustered(patches.astype(np.float32))
    weights = np.linalg.norm(found, axis=1) ** 2
    is_thing = unit_rows(found)[:, 1] > 0.7
    assert weights[is_thing].sum() > 0.4  # 11 % of the picture
    (whole,) = chamfer(found[None], np.eye(8, dtype=np.float32)[:2])
    (around,) = chamfer(found[None], np.eye(8, dtype=np.float32)[:1])
    assert whole > 0.9
    assert around < whole - 0.3


@given(st.integers(1, 60), st.integers(1, 60))
def test_tiles_cover_a_picture(height: int, width: int) -> None:
    pixels = np.arange(height * width * 3, dtype=np.int64).reshape(height, width, 3)
    seen = tiles(pixels)  # type: ignore[arg-type]
    assert len(np.unique(np.concatenate([one.ravel() for one in seen]))) == pixels.size
    assert all(one.shape[0] == one.shape[1] for one in seen)
