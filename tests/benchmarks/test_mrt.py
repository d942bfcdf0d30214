"""The six sets of the Grappa paper: their own layouts drawn small, read, and measured from end to end."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.mrt import run, sets
from samekind.adapt import adapt
from samekind.encoders import load
from samekind.errors import MissingExtra, UsageError
from samekind.evaluation.evaluate import evaluate
from samekind.events import Job
from tests.collection.mock import MockEncoder

EACH = 14
"""Pictures of a class."""


def picture(file: Path, kind: int, take: int) -> None:
    """A pattern for each kind, in a tint of its own for each take."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pattern = np.random.default_rng(kind).uniform(40, 200, (4, 4, 3))
    cells = pattern + np.random.default_rng([kind, take]).normal(0, 25, 3)
    small = Image.fromarray(np.clip(cells, 0, 255).astype(np.uint8))
    small.resize((24, 24), Image.Resampling.NEAREST).save(file, quality=95)


def write(file: Path, lines: list[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines))


def draw_aircraft(folder: Path, kinds: int = 8) -> None:
    names = [f"70{kind}-A 0" for kind in range(kinds)]
    write(folder / "data/variants.txt", names)
    lines = []
    for kind, name in enumerate(names):
        for take in range(EACH):
            number = f"{kind:03}{take:04}"
            picture(folder / f"data/images/{number}.jpg", kind, take)
            lines.append(f"{number} {name}")
    for at, part in enumerate(("train", "val", "test")):
        write(folder / f"data/images_variant_{part}.txt", lines[at::3])
    write(folder / "data/images_variant_trainval.txt", [*lines[0::3], *lines[1::3]])


def draw_cars(folder: Path, kinds: int = 8) -> None:
    savemat = pytest.importorskip("scipy.io").savemat
    rows = []
    for number in range(kinds * EACH):
        path = f"car_ims/{number + 1:06}.jpg"
        picture(folder / path, 100 + number % kinds, number)
        rows.append((path, 1, 1, 20, 20, np.uint8(number % kinds + 1), np.uint8(number % 2)))
    fields = ("relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "test")
    annotations = np.array([rows], [(name, object) for name in fields])[0][None]
    names = np.array([[f"Maker {kind} Coupé 20{kind:02}" for kind in range(kinds)]], object)
    savemat(folder / "cars_annos.mat", {"annotations": annotations, "class_names": names})


def draw_cub(folder: Path, kinds: int = 8) -> None:
    names = [f"{kind + 1:03}.Bird_{kind}" for kind in range(kinds)]
    write(folder / "classes.txt", [f"{kind + 1} {name}" for kind, name in enumerate(names)])
    images, labels = [], []
    for kind, name in enumerate(names):
        for take in range(EACH):
            path = f"{name}/Bird_{take:04}.jpg"
            picture(folder / "images" / path, 200 + kind, take)
            images.append(f"{len(images) + 1} {path}")
            labels.append(f"{len(images)} {kind + 1}")
    write(folder / "images.txt", images)
    write(folder / "image_class_labels.txt", labels)
    write(folder / "train_test_split.txt", [f"{at + 1} {at % 2}" for at in range(len(images))])


def draw_flowers(folder: Path, kinds: int = 8) -> None:
    savemat = pytest.importorskip("scipy.io").savemat
    labels = [number % kinds + 1 for number in range(kinds * EACH)]
    for number, kind in enumerate(labels):
        picture(folder / f"jpg/image_{number + 1:05}.jpg", 300 + kind, number)
    numbers = np.arange(1, len(labels) + 1, dtype=np.uint16)
    savemat(folder / "imagelabels.mat", {"labels": np.array([labels], np.uint8)})
    parts = {"trnid": numbers[None, 0::3], "valid": numbers[None, 1::3], "tstid": numbers[None, 2::3]}
    savemat(folder / "setid.mat", parts)


def draw_food(folder: Path, kinds: int = 7) -> None:
    names = [f"dish_{kind}" for kind in range(kinds)]
    write(folder / "meta/classes.txt", names)
    lines = []
    for kind, name in enumerate(names):
        for take in range(EACH):
            picture(folder / f"images/{name}/{1000 + take}.jpg", 400 + kind, take)
            lines.append(f"{name}/{1000 + take}")
    write(folder / "meta/train.txt", lines[0::2])
    write(folder / "meta/test.txt", lines[1::2])


def draw_products(folder: Path, kinds: int = 8) -> None:
    number = 0
    for part, some in (("train", range(kinds // 2)), ("test", range(kinds // 2, kinds))):
        lines = ["image_id class_id super_class_id path"]
        for kind in some:
            for take in range(EACH):
                number += 1
                path = f"chair_final/1{kind:011}_{take}.JPG"
                picture(folder / path, 500 + kind, take)
                lines.append(f"{number} {kind + 1} 3 {path}")
        write(folder / f"Ebay_{part}.txt", lines)


DRAW: dict[str, Callable[[Path], None]] = {
    "aircraft": draw_aircraft,
    "cars": draw_cars,
    "cub": draw_cub,
    "flowers": draw_flowers,
    "food": draw_food,
    "products": draw_products,
}
ANNOTATIONS = {
    "aircraft": "data/variants.txt",
    "cars": "cars_annos.mat",
    "cub": "image_class_labels.txt",
    "flowers": "setid.mat",
    "food": "meta/classes.txt",
    "products": "Ebay_test.txt",
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("six")
    for name, draw in DRAW.items():
        (place / name).mkdir()
        draw(place / name)
    return {name: place / name for name in DRAW}


@pytest.fixture(autouse=True)
def mock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "load_encoder", lambda *_: MockEncoder())
    monkeypatch.setattr(load, "fetch", lambda *_: Job(iter(())))  # type: ignore[arg-type]
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("name", DRAW)
def test_halves_are_whole_classes_and_all_pictures(name: str, drawn: dict[str, Path]) -> None:
    train, test = map(rows, sets.write_labels(name, drawn[name]))
    kinds = [{row["label"] for row in half} for half in (train, test)]
    assert not kinds[0] & kinds[1]
    assert (len(kinds[0]), len(kinds[1])) == ((4, 3) if name == "food" else (4, 4))
    paths = [row["path"] for row in (*train, *test)]
    found = {str(file.relative_to(drawn[name])) for file in drawn[name].rglob("*.[jJ]*[gG]")}
    assert len(paths) == len(set(paths))
    assert set(paths) == found
    assert {row["subset"] for row in train} == {"train"}
    assert {(row["subset"], row["split"], row["coarse"]) for row in test} == {("test", "both", "")}


@pytest.mark.parametrize(
    ("name", "path", "label"),
    [
        ("aircraft", "data/images/0000000.jpg", "700-A 0"),
        ("cars", "car_ims/000002.jpg", "Maker 1 Coupé 2001"),
        ("cub", "images/003.Bird_2/Bird_0001.jpg", "003.Bird_2"),
        ("flowers", "jpg/image_00003.jpg", "3"),
        ("food", "images/dish_3/1000.jpg", "dish_3"),
        ("products", "chair_final/100000000002_0.JPG", "3"),
    ],
)
def test_pictures_of_the_first_half_have_their_labels(name: str, path: str, label: str, drawn: dict[str, Path]) -> None:
    assert (path, label) in sets.read(name, drawn[name]).train


def test_classes_are_in_the_order_of_their_list_not_of_the_alphabet(tmp_path: Path) -> None:
    draw_cub(tmp_path, kinds=12)
    halves = sets.read("cub", tmp_path)
    assert sorted({kind for _, kind in halves.test}) == [f"{n:03}.Bird_{n - 1}" for n in range(7, 13)]
    write(tmp_path / "classes.txt", [f"{n} {'zyxwvutsrqpo'[n - 1]}" for n in range(12, 0, -1)])
    assert {kind for _, kind in sets.read("cub", tmp_path).train} == set("zyxwvu")


@pytest.mark.parametrize("name", DRAW)
def test_a_folder_that_is_missing_or_is_something_else(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no folder .*nowhere; name the one that .* was unpacked into\."):
        sets.read(name, tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"is not laid out as .*No such file.*; it must hold .*\.$") as said:
        sets.read(name, tmp_path)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("name", DRAW)
def test_annotations_that_are_damaged(name: str, tmp_path: Path) -> None:
    DRAW[name](tmp_path)
    for damage in (b"\x93damaged\xff", b"", b"one\n"):
        (tmp_path / ANNOTATIONS[name]).write_bytes(damage)
        with pytest.raises(UsageError, match=r"is not laid out as .* \(.+\); it must hold "):
            sets.read(name, tmp_path)


def test_without_scipy_the_install_line(drawn: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    for name in ("cars", "flowers"):
        with pytest.raises(MissingExtra, match=r"wants scipy, which is not installed: pip install scipy\."):
            sets.read(name, drawn[name])


def test_the_commands_take_the_files(drawn: dict[str, Path], tmp_path: Path) -> None:
    files = [sets.write_labels(name, drawn[name]) for name in ("cub", "food")]
    found = adapt([train for train, _ in files], tmp_path / "mine", "mock").result()
    assert found.pictures == {"cub-train": 4 * EACH, "food-train": 4 * EACH}
    measured = evaluate([test for _, test in files], MockEncoder(), tune=False).result()
    assert [len(one.queries) for one in measured.sets] == [4 * EACH, 3 * EACH]


def test_every_setting_from_end_to_end(drawn: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    saved: dict[str, Any] = {}

    def keep(name: str, title: str, table: list[dict[str, Any]], notes: list[str], seed: int) -> None:
        saved.update(name=name, title=title, table=table, notes=notes)

    monkeypatch.setattr(run, "save", keep)
    named = [word for name, folder in drawn.items() for word in (f"--{name}", str(folder))]
    run.main([*named, "--method", "experts"])
    table = {row["setting"]: row for row in saved["table"]}
    assert list(table) == ["plain", "each tuned", "each tuned less plain", "experts", "experts less plain"]
    assert {"mean", "joint", *DRAW} < set(table["plain"])
    plain = evaluate([drawn["cub"] / "cub-test.csv"], MockEncoder(), tune=False).result().sets[0]
    wanted = [100 * plain.values[metric].mean() for metric in run.METRICS]
    assert table["plain"]["cub"] == " / ".join(f"{value:.1f}" for value in wanted)
    assert table["experts"]["gate"] in ("accepted", "refused")
    assert "Nothing was trained, as asked." in saved["notes"]
    assert sum("is not whole" in note for note in saved["notes"]) == 6
    assert " to " in table["experts less plain"]["joint"]


def test_some_of_the_sets_and_a_broken_picture(
    drawn: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    notes: list[str] = []
    (drawn["food"] / "images/dish_6/1000.jpg").write_bytes(b"no picture")
    monkeypatch.setattr(run, "save", lambda *rest, **_: notes.extend(rest[3]))
    run.main(["--food", str(drawn["food"]), "--encoder", "mock", "--method", "experts"])
    assert any(note.startswith("Not the paper's six: without FGVC-Aircraft, Stanford Cars") for note in notes)
    assert "Pictures of Food-101 that could not be read: 1." in notes
    with pytest.raises(SystemExit):
        run.main([])
    assert "name the folder of one or more sets: --aircraft" in capsys.readouterr().err
