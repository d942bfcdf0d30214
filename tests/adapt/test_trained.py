"""Training from collections to an encoder folder, with the real network."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save_file

from samekind import Collection, load_encoder
from samekind.adapt import adapt, estimate, trained, trial
from samekind.adapt.estimate import Plan, estimated, in_words
from samekind.adapt.gate import Judged, Verdict
from samekind.adapt.gather import Gathered
from samekind.adapt.grappa import Variant
from samekind.adapt.networks import Cut
from samekind.adapt.watch import Watch
from samekind.encoders import catalog, load, weights
from samekind.encoders.adapted import AdaptedEncoder, read_about, read_adaptors
from samekind.encoders.base import Encoder, encode_pictures
from samekind.encoders.golden import check_golden
from samekind.encoders.onnx import read_onnx
from samekind.encoders.recipe import Trunk
from samekind.encoders.rows import unit_rows
from samekind.errors import EncoderError, MissingExtra, UsageError
from samekind.events import Chosen, Event, Job, Progress
from samekind.pictures.views import View
from samekind.settings import Settings
from tests.adapt.networks import SIDE, WIDTH, write_conv, write_vit

COLOURS = [(200, 40, 40), (40, 160, 60), (50, 70, 200), (220, 190, 40), (150, 60, 180), (40, 180, 190)]


def draw(folder: Path, striped: bool) -> Path:
    """60 pictures: stripes or spots in six colours, each moved and lit anew."""
    folder.mkdir()
    y, x = np.mgrid[0:120, 0:160]
    for number in range(60):
        rng = np.random.default_rng(number + 1000 * striped)
        turn, shift, size = rng.uniform(0, np.pi), rng.uniform(0, 50), 12 + 6 * (number % 3)
        along = x * np.cos(turn) + y * np.sin(turn) + shift
        across = y * np.cos(turn) - x * np.sin(turn) + shift
        wave = np.sin(along / size * 6) if striped else np.sin(along / size * 4) * np.sin(across / size * 4)
        pixels = np.where((wave > 0)[..., None], COLOURS[number % 6], (235, 230, 220)) * rng.uniform(0.6, 1)
        noisy = np.clip(pixels + rng.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number:02}.jpg", quality=90)
    return folder


def test_what_is_trained_where_nothing_is_said() -> None:
    assert all(trained.is_trainable(name) for name in ("dino", "dino@336", "tiny", "lite", "best"))
    assert not trained.is_trainable("onnx:network.onnx")


def test_without_torch_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from samekind.adapt import torches

    torches.torch.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"pip install 'samekind\[adapt\]', or take --method experts"):
        adapt(["anything"], "nowhere", "dino", "both")
    torches.torch.cache_clear()


def trained_on(
    folder: Path, encoder: str, monkeypatch: pytest.MonkeyPatch, verdicts: Sequence[Verdict] = ()
) -> tuple[list[Path], AdaptedEncoder]:
    """Two drawn collections and what comes of them; the gate says ``verdicts`` one by one, and then yes."""
    pytest.importorskip("torch")
    said = iter(verdicts)
    monkeypatch.setattr(trial, "judge", lambda *_: next(said, ACCEPTED))
    monkeypatch.setattr(trained, "fetched", lambda *_: iter(()))
    monkeypatch.setattr(trained, "witnessed", some_witness)
    monkeypatch.setattr(trained, "witness_of", lambda *_: None)
    monkeypatch.setenv("SAMEKIND_CACHE", str(folder / "cache"))
    folders = [draw(folder / "stripes", True), draw(folder / "spots", False)]
    result = adapt(folders, folder / "mine", encoder, "both").result()
    assert (result.accepted, result.saved) == (True, "both")
    assert not list((folder / "cache" / "tokens").iterdir())
    found = load_encoder(str(folder / "mine"))
    assert isinstance(found, AdaptedEncoder)
    assert check_golden(found).value == "agrees"
    knows_its_own(found, load_encoder(encoder), folders)
    return folders, found


def knows_its_own(found: AdaptedEncoder, plain: Encoder, folders: list[Path]) -> None:
    """Whether its own pictures are adapted, and something else has the plain vector, to the bit."""
    assert found.known is not None
    assert found.known.plain().fingerprint == plain.fingerprint
    alien = np.random.default_rng(9).integers(0, 256, (60, 80, 3), np.uint8)
    own = np.asarray(Image.open(sorted(folders[0].iterdir())[3]))
    seen, alone = (encode_pictures(one, [alien, own]) for one in (found, plain))
    assert seen[0].tobytes() == alone[0].tobytes()
    assert not np.allclose(seen[1], alone[1], atol=1e-3)


def some_witness(
    gathered: list[Gathered], _: Encoder, __: Settings
) -> Generator[Event, None, list[NDArray[np.float32]]]:
    """A second network that knows nothing."""
    yield from ()
    return [unit_rows(np.random.default_rng(len(one)).normal(size=(len(one), 8))) for one in gathered]


def same_as_written(folders: list[Path], encoder: AdaptedEncoder, base: Encoder) -> None:
    """Whether the encoder works as any other, and is not its base."""
    assert encoder.base.fingerprint != base.fingerprint
    assert encoder.dim == base.dim
    collection = Collection.create(folders[0].with_name("c.samekind"), encoder)
    collection.sync([folders[0]], encoder=encoder).result()
    found = collection.vectors(tuned=False).matrix
    assert found.shape == (60, base.dim)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)


def test_without_a_witness_views_alone_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def judge(names: Sequence[str], folds: object, witnesses: Sequence[object]) -> Verdict:
        asked.extend(witnesses)
        return ACCEPTED

    def nobody(gathered: list[Gathered], *_: object) -> Generator[Event, None, list[None]]:
        yield from ()
        return [None] * len(gathered)

    name = f"onnx:{write_conv(tmp_path / 'network.onnx')}"
    monkeypatch.setattr(sys.modules[__name__], "some_witness", nobody)
    with monkeypatch.context() as only:
        folders, _ = trained_on(tmp_path, name, only)
        only.setattr(trial, "judge", judge)
        found = adapt(folders, tmp_path / "another", name, "both").result()
    assert asked == [None, None]
    assert found.insight.spared == ()


def test_a_teacher_is_asked_about_every_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"onnx:{write_conv(tmp_path / 'network.onnx')}"
    taught: list[NDArray[np.float32]] = []
    whole = trained.grappa

    def noted(*given: Any, taught_by: list[Any] = taught, **more: Any) -> Any:
        taught_by.append(more["taught"])
        return whole(*given, **more)

    monkeypatch.setattr(trained, "grappa", noted)
    folders, _ = trained_on(tmp_path, name, monkeypatch)
    job = adapt(folders, tmp_path / "pupil", name, "both", teacher="lite")
    events = list(job)
    stages = {event.stage for event in events if isinstance(event, Progress)}
    (time,) = (event for event in events if isinstance(event, Chosen) and event.what == "time")
    assert "asking the teacher" in time.why
    assert job.result().accepted
    assert "asking the teacher" in stages
    assert taught[0] is None
    assert taught[1].shape == (120, 1280)
    assert 'teacher = "lite"' in (tmp_path / "pupil" / "encoder.toml").read_text()
    with pytest.raises(UsageError, match="A teacher teaches by training; leave --teacher out"):
        adapt(folders, tmp_path / "none", name, "experts", teacher="lite")


def test_no_more_is_trained_on_than_the_budget_holds() -> None:
    some = [a_collection(name, 400) for name in ("stripes", "spots")]
    rng = np.random.default_rng(0)

    def afforded(picture_bytes: int, some: list[Gathered] = some) -> tuple[list[str], list[int]]:
        job = Job(trained._afforded(some, picture_bytes, Settings(token_gb=1), rng))
        told = [f"{event.value}, {event.why}" for event in job if isinstance(event, Chosen)]
        return told, [len(one) for one in job.result()]

    assert afforded(1_000_000) == ([], [400, 400])
    assert afforded(5_000_000) == (["200 of 800, setting token_gb = 1"], [100, 100])
    with pytest.raises(UsageError, match=r"token_gb = 1 leaves room for 83 pictures, and training wants 50 of each"):
        afforded(12_000_000)
    many = [a_collection("many", 60)] * 241
    assert afforded(1_000, many)[0] == ["11,809 of 14,460, the most that training takes"]


def a_collection(name: str, count: int) -> Gathered:
    rng = np.random.default_rng(count)
    rows, files = np.arange(0, count, 2), tuple(Path(f"{name}/{at}.jpg") for at in range(count))
    vectors, views = rng.normal(size=(count, 4)), rng.normal(size=(len(rows), 2, 4))
    return Gathered(name, vectors.astype(np.float32), views.astype(np.float32), rows, files)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(40, "40 s"), (89.6, "90 s"), (95, "2 min"), (5000, "83 min"), (9000, "2.5 h"), (float("nan"), "unknown")],
)
def test_times_are_said_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_no_time_is_told_where_the_first_pictures_cannot_be_read() -> None:
    some, cut = [a_collection("gone", 60)], Cut("", "", View("squash", 32), lambda: None, None, "")  # type: ignore[arg-type]
    job = Job(estimated(some, [cut], None, None, Plan.of(some, Variant()), Settings()))
    assert [(event.done, event.total) for event in job if isinstance(event, Progress)] == [(0, 1), (1, 1)]
    assert np.isnan(job.result())


def test_two_processes_train_in_half_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    some, cut = [a_collection("some", 60)], Cut("", "", View("squash", 32), lambda: None, None, "")  # type: ignore[arg-type]
    monkeypatch.setattr(estimate, "views_of", lambda *_: np.zeros((1, 8, 8, 3), np.uint8))
    monkeypatch.setattr(estimate, "_lower_seconds", lambda *_: 0.0)
    monkeypatch.setattr(estimate, "_upper_seconds", lambda _, __, work, ___: float(work is estimate._step))
    plan, found = Plan.of(some, Variant()), []
    for count in (1, 2):
        monkeypatch.setattr(estimate.processes, "count", lambda count=count: count)
        found.append(Job(estimated(some, [cut], None, None, plan, Settings())).result())
    assert found == pytest.approx([plan.pairs, plan.pairs / 2], rel=0.01)


def test_the_time_is_told_beforehand_and_stands_in_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"onnx:{write_conv(tmp_path / 'network.onnx')}"
    folders, _ = trained_on(tmp_path, name, monkeypatch)
    job = adapt(folders, tmp_path / "another", name, "both")
    seen = [event for event in job if isinstance(event, Chosen | Progress)]
    (told,) = (event for event in seen if isinstance(event, Chosen) and event.what == "time")
    assert set(re.findall("preparing|training|looking again|judging", told.why)) == {
        "preparing",
        "training",
        "looking again",
        "judging",
    }
    before = seen[: seen.index(told)]
    assert not any(isinstance(event, Progress) and event.stage in ("preparing", "training") for event in before)
    settings = job.result().insight.settings
    assert told.value == f"about {settings['time estimated beforehand']}"


def test_an_early_stop_stands_in_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"onnx:{write_conv(tmp_path / 'network.onnx')}"
    folders, _ = trained_on(tmp_path, name, monkeypatch)
    left = iter([0.5, 0.9, 0.1, *[0.5] * 6])  # two rounds
    monkeypatch.setattr(Watch, "scores", lambda _: {"views": np.full(8, next(left), np.float32)})
    found = adapt(folders, tmp_path / "another", name, "both").result()
    assert found.insight.settings["early stop"] == "goes back to epoch 1 of 3"


def test_an_onnx_file_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"onnx:{write_conv(tmp_path / 'network.onnx')}"
    folders, encoder = trained_on(tmp_path, name, monkeypatch)
    assert [part.name for part in encoder.parts] == ["onnx+adaptors"]
    same_as_written(folders, encoder, load_encoder(name))


@pytest.mark.parametrize(("verdicts", "spared"), [([True, False], ("stripes",)), ([True, True], ())])
def test_a_collection_that_got_worse_is_spared(
    verdicts: list[bool], spared: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless all did: then there is nothing to learn for, and the gate will say so."""
    said = iter(verdicts)
    monkeypatch.setattr(trial, "less_alike", lambda *_: next(said, False))
    name = f"onnx:{write_conv(tmp_path / 'network.onnx')}"
    _, encoder = trained_on(tmp_path, name, monkeypatch)
    assert any(tensor.startswith("prior.") for tensor in read_adaptors(tmp_path / "mine")["onnx"]) == bool(spared)
    about = read_about(tmp_path / "mine").rest["why"]
    assert ("pictures like those of stripes are left as they were" in about) == bool(spared)
    same_as_written([tmp_path / "stripes"], encoder, load_encoder(name))


def test_a_collection_that_the_gate_refuses_is_spared_and_judged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Judged(60, 0.5, 0.5, 0.1, 0.9, 0.9, 0.1)
    wrong = replace(right, found=0.2)
    refused = Verdict(wrong, {"stripes": right, "spots": wrong})
    monkeypatch.setattr(trial, "less_alike", lambda *_: False)
    name = f"onnx:{write_conv(tmp_path / 'network.onnx')}"
    trained_on(tmp_path, name, monkeypatch, [refused])
    assert "pictures like those of spots are left as they were" in read_about(tmp_path / "mine").rest["why"]


def test_adaptors_that_do_not_fit_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"onnx:{write_conv(tmp_path / 'network.onnx')}"
    trained_on(tmp_path, name, monkeypatch)
    save_file({"onnx.down.nowhere": np.zeros((1, 4, 4), np.float16)}, tmp_path / "mine" / "adaptors.safetensors")
    with pytest.raises(EncoderError, match=r"does not fit onnx:.*; copy the folder again"):
        load_encoder(str(tmp_path / "mine"))


def test_networks_side_by_side_are_trained_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder of two networks, put into the catalog for this test."""
    files = {"small": write_conv(tmp_path / "small.onnx"), "other": write_vit(tmp_path / "other.onnx")}
    trunks = tuple(
        Trunk(name, str(at) * 64, View("squash", SIDE), "own", WIDTH, weight=1.0 - at / 3)
        for at, name in enumerate(files)
    )
    monkeypatch.setitem(catalog.RECORDS, "two", catalog.Record("two", "for a test", trunks, 1.0))
    monkeypatch.setattr(catalog.Record, "weights", ())
    for name, file in files.items():
        monkeypatch.setitem(load._GRAPHS, name, lambda _, __, file=file: read_onnx(file)[0])
    monkeypatch.setattr(load, "_fetch", fetch_nothing(tuple(files.values())))
    folders, encoder = trained_on(tmp_path, "two", monkeypatch)
    assert [part.name for part in encoder.parts] == ["small+adaptors", "other+adaptors"]
    assert set(read_adaptors(tmp_path / "mine")) == {"small", "other"}
    assert len(encoder.experts) == 2
    same_as_written(folders, encoder, load_encoder("two"))


def fetch_nothing(files: tuple[Path, ...]) -> Callable[..., Generator[Event, None, tuple[Path, ...]]]:
    def fetch(*_: object) -> Generator[Event, None, tuple[Path, ...]]:
        yield from ()
        return files

    return fetch


@pytest.mark.weights
@pytest.mark.parametrize("name", ["dino", "lite"])
def test_from_folders_to_a_trained_encoder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = load_encoder(name)
    here = weights.weights_folder()
    monkeypatch.setattr(weights, "weights_folder", lambda: here)
    same_as_written(*trained_on(tmp_path, name, monkeypatch), base)


class Accepting:
    """A verdict for the flow's sake: whether so few drawn pictures gain is not the question here."""

    accepted, why = True, "as asked by the test"
    overall, collections = None, {}


ACCEPTED = Accepting()
