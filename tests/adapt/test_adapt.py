"""samekind adapt from folders and collections to an encoder that is used, by encoders without weights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.adapt import Adapted, adapt, closed_form, saved
from samekind.adapt.adapt import check_enough
from samekind.adapt.gather import gather
from samekind.collection import Collection
from samekind.encoders import load
from samekind.encoders.adapted import AdaptedEncoder, assemble
from samekind.encoders.base import encode_pictures
from samekind.encoders.experts import Experts
from samekind.encoders.golden import check_golden
from samekind.encoders.rows import Array, unit_rows
from samekind.errors import EncoderMismatch, StorageError, UsageError
from samekind.events import Chosen, Job, Progress
from samekind.pictures.decode import Limits, read_picture
from samekind.query import Picture, Query, search
from samekind.settings import resolve
from tests.collection.mock import MockEncoder, OtherEncoder, age, draw

ENCODERS: dict[str, type[MockEncoder]] = {"mock": MockEncoder, "other": OtherEncoder}


def draw_kinds(folder: Path, seed: int, kinds: int = 14, each: int = 5, light: int = 0) -> Path:
    """Reddish or bluish pictures of ``kinds``: a pattern, in a tint of its own for each picture, with some grain.

    ``light`` falls in from above, or from below where it is negative.
    """
    rng = np.random.default_rng(seed)
    ground = np.array([(200, 80, 90), (60, 120, 190)][seed % 2]) + np.zeros((4, 4, 3))
    ground += np.linspace(light, -light, 4)[:, None, None]
    folder.mkdir(parents=True)
    for kind in range(kinds):
        pattern = ground + rng.uniform(-50, 50, (4, 4, 3))
        for take in range(each):
            cells = pattern + rng.normal(0, 60, 3) + rng.normal(0, 10, pattern.shape)
            small = Image.fromarray(np.clip(cells, 0, 255).astype(np.uint8))
            small.resize((24, 24), Image.Resampling.NEAREST).save(folder / f"{kind}-{take}.png")
    age(folder)
    return folder


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("drawn")
    return [draw_kinds(place / name, seed) for seed, name in enumerate(("birds", "shop"))]


@pytest.fixture(autouse=True)
def mocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[MockEncoder]:
    """Encoders are loaded by name, or from a folder on top of these; the list fills with those that were loaded."""
    made: list[MockEncoder] = []

    def loaded(name: str, *_: object) -> MockEncoder | AdaptedEncoder:
        if (Path(name) / "encoder.toml").is_file():
            return assemble(Path(name).absolute(), MockEncoder())
        made.append(ENCODERS[name]())
        return made[-1]

    monkeypatch.setattr(load, "load_encoder", loaded)
    monkeypatch.setattr(load, "fetch", lambda *_: Job(iter(())))  # type: ignore[arg-type]
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    return made


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "made").mkdir()
    return tmp_path / "made" / "mine"


@pytest.fixture
def sabotaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mix looks at two numbers of a vector only."""

    def blind(gathered: object, parts: object, seed: int) -> tuple[Experts, ...]:
        two = np.diag([1.0] * 2 + [0.0] * 14).astype(np.float32)
        nothing = np.zeros((1, 16), np.float32)
        return (Experts((1,), nothing[0], np.eye(16, dtype=np.float32), nothing, nothing, two[None]),)

    monkeypatch.setattr(closed_form, "fit_mix", blind)


def run(sources: list[Path], out: Path, **more: object) -> Adapted:
    return adapt(sources, out, **{"encoder": "mock", **more}).result()  # type: ignore[arg-type]


def collection_of(folder: Path, path: Path, encoder: MockEncoder | None = None) -> Path:
    encoder = encoder or MockEncoder()
    Collection.create(path, encoder).sync([folder], encoder=encoder, tune=False).result()
    return path


def test_folders_become_an_encoder(drawn: list[Path], out: Path) -> None:
    found = run(drawn, out)
    assert (found.accepted, found.exit_code, found.encoder) == (True, 0, str(out))
    assert found.pictures == {"birds": 70, "shop": 70}
    assert list(found.collections) == ["birds", "shop"]
    assert found.overall.views == sum(one.views for one in found.collections.values()) > 40
    told = found.to_dict()
    assert (told["verdict"], told["base"], told["method"], told["seed"]) == ("accepted", "mock", "experts", 0)
    assert told["collections"]["birds"]["pictures"] == 70
    assert set(told["steps"]) == {"gathering", "checking", "fitting"}
    encoder = assemble(out, MockEncoder())
    assert check_golden(encoder).value == "agrees"
    rows = encode_pictures(encoder, [read_picture(file, Limits()).pixels for file in sorted(drawn[0].iterdir())])
    assert np.isfinite(rows).all()
    assert [file.name for file in out.parent.iterdir()] == ["mine"]


def test_it_is_used_for_a_collection(drawn: list[Path], out: Path, tmp_path: Path) -> None:
    run(drawn, out)
    encoder = load.load_encoder(str(out))
    collection = Collection.create(tmp_path / "c.samekind", encoder)
    report = collection.sync([drawn[1]], encoder=encoder).result()
    assert report.pictures == 70
    asked = sorted(drawn[1].iterdir())[9]
    hits = search(Collection.open(tmp_path / "c.samekind"), Query(Picture(asked)), k=3)
    assert (hits.encoder, hits[0].path) == (str(out), asked.name)


def test_a_collection_migrates_to_it_and_back(drawn: list[Path], out: Path, tmp_path: Path) -> None:
    run(drawn, out)
    collection = Collection.open(collection_of(drawn[0], tmp_path / "c.samekind"))
    plain = collection.vectors(tuned=False).matrix
    encoder = load.load_encoder(str(out))
    assert collection.migrate(encoder, tune=False).result().encoder == str(out)
    np.testing.assert_allclose(collection.vectors(tuned=False).matrix, encoder.adapt(plain), atol=5e-3)
    assert collection.back().result().encoder == "mock"
    np.testing.assert_allclose(collection.vectors(tuned=False).matrix, plain)


def test_collections_are_read_and_left_alone(
    drawn: list[Path], out: Path, tmp_path: Path, mocks: list[MockEncoder]
) -> None:
    sources = [collection_of(folder, tmp_path / f"{folder.name}.samekind") for folder in drawn]
    before = [Collection.open(path).table.version for path in sources]
    found = run(sources, out)
    assert found.pictures == {"birds": 70, "shop": 70}
    assert [Collection.open(path).table.version for path in sources] == before
    assert sum(one.seen for one in mocks) == 1  # the test card
    assert not (tmp_path / "cache").exists()


def test_a_collection_and_a_folder_give_the_same(drawn: list[Path], tmp_path: Path) -> None:
    source = collection_of(drawn[0], tmp_path / "birds.samekind")
    run(drawn, tmp_path / "one")
    run([source, drawn[1]], tmp_path / "other")
    one, other = (assemble(tmp_path / name, MockEncoder()) for name in ("one", "other"))
    rows = encode_pictures(MockEncoder(), [read_picture(file, Limits()).pixels for file in sorted(drawn[0].iterdir())])
    assert np.einsum("nd,nd->n", one.adapt(rows), other.adapt(rows)).mean() > 0.98


def test_folders_are_encoded_once(drawn: list[Path], out: Path, mocks: list[MockEncoder]) -> None:
    run(drawn, out)
    first = sum(one.seen for one in mocks)
    assert first > 140
    run(drawn, out.with_name("again"))
    assert sum(one.seen for one in mocks) == first + 1
    draw(drawn[0] / "new.png", 99)
    try:
        assert run(drawn, out.with_name("third")).pictures["birds"] == 71
    finally:
        (drawn[0] / "new.png").unlink()


def test_the_same_seed_gives_the_same_bytes(drawn: list[Path], out: Path) -> None:
    names = ("one", "two")
    for name in names:
        run(drawn, out.with_name(name), seed=3)
    one, two = ({file.name: file.read_bytes() for file in out.with_name(name).iterdir()} for name in names)
    assert one == two


def test_what_is_worse_is_refused_and_nothing_is_written(drawn: list[Path], out: Path, sabotaged: None) -> None:
    found = run(drawn, out)
    assert (found.accepted, found.exit_code, found.encoder) == (False, 1, None)
    assert "worse in birds, shop" in found.why
    assert found.to_dict()["verdict"] == "refused"
    assert "fitting" not in found.seconds
    assert list(out.parent.iterdir()) == []


def test_a_job_that_is_dropped_leaves_nothing_and_may_run_again(
    drawn: list[Path], out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = [event.stage for event in adapt(drawn, out.with_name("first"), "mock") if isinstance(event, Progress)]
    assert stages[-4:] == ["checking", "checking", "fitting", "fitting"]
    for stage in dict.fromkeys(stages):
        monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / f"cache before {stage}"))
        job = adapt(drawn, out, "mock")
        next(event for event in job if isinstance(event, Progress) and event.stage == stage)
        del job
        assert not out.exists()
        assert run(drawn, out.with_name(stage)).accepted


def test_a_kill_before_the_folder_appears(drawn: list[Path], out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left has another name, and is in nobody's way."""
    rename = Path.rename

    def killed(self: Path, target: Path) -> Path:
        if target == out:
            raise SystemExit
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        patch.setattr(saved.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(SystemExit):
            run(drawn, out)
    assert not out.exists()
    (left,) = out.parent.iterdir()
    assert left.name.startswith(".mine-")
    assert run(drawn, out).accepted


def test_what_is_there_already_stays(drawn: list[Path], out: Path, mocks: list[MockEncoder]) -> None:
    run(drawn, out)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    seen = len(mocks)
    with pytest.raises(UsageError, match=r"mine is there already; name a folder that does not exist yet\."):
        run(drawn, out)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    assert len(mocks) == seen


def test_what_appears_in_between_stays(drawn: list[Path], out: Path) -> None:
    job = adapt(drawn, out, "mock")
    next(iter(job))
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(StorageError, match="mine cannot be written"):
        job.result()
    assert (out / "thesis.txt").read_text() == "mine"
    assert list(out.parent.iterdir()) == [out]


def test_too_few_pictures(drawn: list[Path], out: Path, tmp_path: Path) -> None:
    few = draw_kinds(tmp_path / "few", 5, kinds=7, each=7)
    with pytest.raises(UsageError, match=r"few has 49 pictures; adaptation wants 50 or more of each collection: "):
        run([*drawn, few], out)
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match=r"There are no pictures in .*none; name a collection or folder"):
        run([*drawn, tmp_path / "none"], out)
    assert list(out.parent.iterdir()) == []


def test_copies_teach_nothing_and_count_once(drawn: list[Path], tmp_path: Path) -> None:
    many = shutil.copytree(drawn[0], tmp_path / "many")
    for file in list(many.iterdir())[::2]:
        shutil.copy2(file, file.with_stem(f"{file.stem}-again"))
    job = Job(gather([drawn[0], many], MockEncoder(), resolve()))
    told = [event for event in job if isinstance(event, Chosen) and event.what == "pictures"]
    once, again = job.result()
    assert (once.copies, again.copies) == (0, 35)
    assert [one.value for one in told] == ["70 of 105 in many"]
    np.testing.assert_array_equal(np.sort(once.vectors, axis=0), np.sort(again.vectors, axis=0))
    assert len(again.view_rows) == len(once.view_rows)
    few = draw_kinds(tmp_path / "few", 5, kinds=7, each=7)
    shutil.copy2(few / "0-0.png", few / "copy.png")
    with pytest.raises(UsageError, match="few has 49 pictures, copies not counted; adaptation wants 50 or more"):
        check_enough(Job(gather([few], MockEncoder(), resolve())).result())


def test_a_collection_of_another_encoder(drawn: list[Path], out: Path, tmp_path: Path) -> None:
    source = collection_of(drawn[0], tmp_path / "birds.samekind", OtherEncoder())
    with pytest.raises(EncoderMismatch, match=r"made with encoder 'other', not 'mock'; give --encoder other, or name"):
        run([source, drawn[1]], out)
    assert run([source, drawn[1]], out, encoder="other").base == "other"


def test_what_is_adapted_is_no_base(drawn: list[Path], out: Path, tmp_path: Path) -> None:
    run(drawn, out)
    with pytest.raises(UsageError, match=r"adapted already; add to it with --grow, or take its base: --encoder mock\."):
        run(drawn, out.with_name("second"), encoder=str(out))
    source = collection_of(drawn[0], tmp_path / "birds.samekind", load.load_encoder(str(out)))
    with pytest.raises(EncoderMismatch, match=r"not 'mock'; name its folders of pictures instead\."):
        run([source, drawn[1]], out.with_name("second"))


@pytest.mark.parametrize(
    ("sources", "more", "sentence"),
    [
        ([], {}, "There is nothing to adapt to; name collections or folders of pictures"),
        (["nowhere"], {}, "There is no collection or folder .*nowhere; check the spelling"),
        (["nowhere"], {"method": "expert"}, "no method 'expert'; known: both, experts.* Did you mean"),
    ],
)
def test_impossible_choices(out: Path, sources: list[str], more: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        run([out.parent / one for one in sources], out, **more)
    assert list(out.parent.iterdir()) == []


def test_a_place_that_is_not_there(drawn: list[Path], out: Path) -> None:
    with pytest.raises(StorageError, match=r"nowhere is no folder that can be written to; name another place"):
        run(drawn, out.parent / "nowhere" / "mine")


def test_a_place_without_permission(drawn: list[Path], out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StorageError, match="made is no folder that can be written to"):
        run(drawn, out)


def test_a_full_disk(drawn: list[Path], out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(StorageError, match=r"mine cannot be written \(No space left on device\); free space"):
        run(drawn, out)
    assert list(out.parent.iterdir()) == []


def test_names_that_collide_are_numbered(drawn: list[Path], out: Path, tmp_path: Path) -> None:
    again = draw_kinds(tmp_path / "more" / "birds", 7)
    third = collection_of(draw_kinds(tmp_path / "third", 8), tmp_path / "birds.samekind")
    found = run([drawn[0], again, third], out)
    assert list(found.pictures) == ["birds", "birds-2", "birds-3"]


def test_a_source_named_twice_counts_once(drawn: list[Path], out: Path) -> None:
    assert run([drawn[0], drawn[0]], out).pictures == {"birds": 70}


def test_one_collection_is_enough(drawn: list[Path], out: Path) -> None:
    found = run(drawn[:1], out)
    assert found.pictures == {"birds": 70}


def test_what_is_gathered(drawn: list[Path]) -> None:
    (found,) = Job(gather(drawn[:1], MockEncoder(), resolve())).result()
    files = [read_picture(file, Limits()).pixels for file in found.files]
    np.testing.assert_allclose(found.vectors, encode_pictures(MockEncoder(), files), atol=2e-3)
    assert found.views.shape == (len(found.view_rows), 2, 16)
    half = found.take(np.arange(0, 70, 2))
    other = found.without(np.arange(0, 70, 2))
    assert (len(half), len(other)) == (35, 35)
    assert len(half.view_rows) + len(other.view_rows) == len(found.view_rows)
    for part in (half, other):
        views_of = {found.files[row]: found.views[at] for at, row in enumerate(found.view_rows)}
        for at, row in enumerate(part.view_rows):
            np.testing.assert_array_equal(part.views[at], views_of[part.files[row]])
    for most in (65, 40):
        some = found.sample(most, np.random.default_rng(0))
        assert len(some) == most
        assert len(some.view_rows) == min(len(found.view_rows), most)
    assert found.sample(70, np.random.default_rng(0)) is found


def test_a_large_collection_is_sampled(drawn: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    gathered = Job(gather(drawn, MockEncoder(), resolve())).result()
    monkeypatch.setattr(closed_form, "FIT_AT_MOST", 120)
    seen: list[Array] = []

    def fit(vectors: Array, views: Array, view_rows: Array, rng: object) -> Experts:
        seen.append(vectors)
        assert np.einsum("md,mvd->mv", vectors[view_rows], unit_rows(views)).mean() > 0.5
        return fit_experts(vectors, views, view_rows, rng)

    fit_experts = closed_form.fit_experts
    monkeypatch.setattr(closed_form, "fit_experts", fit)
    closed_form.fit_mix(gathered, MockEncoder.parts, 0)
    assert [len(vectors) for vectors in seen] == [120]


def test_a_giant_and_a_tiny_collection(out: Path, tmp_path: Path) -> None:
    giant = draw_kinds(tmp_path / "giant", 11, kinds=200, each=10)
    tiny = draw_kinds(tmp_path / "tiny", 12, kinds=10, each=5)
    found = run([giant, tiny], out)
    assert found.pictures == {"giant": 2000, "tiny": 50}
    assert found.exit_code in (0, 1)
    assert all(np.isfinite(one.neighbours) and np.isfinite(one.found) for one in found.collections.values())


@pytest.mark.parametrize("others", [False, True])
def test_pictures_that_are_all_alike(drawn: list[Path], out: Path, tmp_path: Path, others: bool) -> None:
    alike = tmp_path / "alike"
    alike.mkdir()
    data = draw(tmp_path / "one.png", 1).read_bytes()
    for number in range(60):
        (alike / f"{number}.png").write_bytes(data + b"#" * number)
    found = run([alike, *drawn] if others else [alike], out)
    figures = [one for one in found.collections["alike"].to_dict().values() if one is not None]
    assert np.isfinite(figures).all()
    if found.encoder:
        assert np.isfinite(assemble(out, MockEncoder()).adapt(np.eye(16, dtype=np.float32))).all()


def test_a_list_is_what_it_says_now(drawn: list[Path], out: Path, tmp_path: Path) -> None:
    files = sorted(drawn[0].iterdir())
    named = tmp_path / "some.csv"
    for count in (70, 60):
        named.write_text("\n".join(["path", *map(str, files[:count])]) + "\n")
        assert run([named, drawn[1]], out.with_name(str(count))).pictures == {"some": count, "shop": 70}


def test_the_order_of_a_table_does_not_matter(drawn: list[Path], tmp_path: Path) -> None:
    """A collection that came about in two syncs, the later files first."""
    path = collection_of(drawn[0], tmp_path / "birds.samekind")
    collection = Collection.open(path)
    again = tmp_path / "again.samekind"
    source = Collection.create(again, MockEncoder())
    files = sorted(drawn[0].iterdir())
    for some in (files[40:], files[:40]):
        source.sync([*map(str, some)], encoder=MockEncoder(), tune=False).result()
    assert collection.vectors(tuned=False).ids != Collection.open(again).vectors(tuned=False).ids
    one, other = (
        Job(gather([path], MockEncoder(), resolve())).result(),
        Job(gather([again], MockEncoder(), resolve())).result(),
    )
    assert one[0].files == other[0].files == tuple(files)
    np.testing.assert_array_equal(one[0].vectors, other[0].vectors)
