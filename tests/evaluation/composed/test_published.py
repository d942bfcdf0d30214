"""samekind evaluate on published benchmarks: figures worked by hand, the real files cut down, and refusals.

For figures by hand a picture is one grey level, its vector a direction by that level, and a text stands for the level
that it names: the picture alone ranks by distance to the reference's level, the words alone by distance to the named
one. So every ranking can be read off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import samekind.tuning
from samekind.cli.app import app
from samekind.collection import Collection
from samekind.encoders import load
from samekind.encoders.base import Part
from samekind.evaluation.composed import asking, published
from samekind.evaluation.composed.circo import read_circo
from samekind.evaluation.composed.cirr import read_cirr
from samekind.evaluation.composed.submissions import check_circo, check_cirr
from samekind.query.wordings import Wording
from tests.collection.mock import MockEncoder
from tests.evaluation.composed import cut_down

FIT = samekind.tuning.fit


class LevelEncoder:
    """A direction in the plane for each grey level."""

    name, fingerprint, dim, input_side = "level", "0" * 16, 2, 8
    parts = (Part("level", 0, 2),)

    def prepare(self, pixels):
        return (pixels.mean(),)

    def encode(self, batch):
        turn = np.array([one[0] for one in batch], np.float32).reshape(-1, 1) * (np.pi / 255)
        return np.concatenate([np.cos(turn), np.sin(turn)], axis=1)


class LevelWording(Wording):
    """A text scores a picture by how near its level is to the one that it names."""

    def scores(self, texts: Sequence[str]):
        levels = np.arctan2(self.looks[:, 1], self.looks[:, 0]) * (255 / np.pi)
        named = [float(re.search(r"\d+", text)[0]) for text in texts]
        return np.array([-np.abs(levels - one) for one in named], np.float32).reshape(len(texts), len(levels))

    def shared(self, text: str, row: int):
        return []  # nothing here is explained


def level_wording(collection: Collection) -> LevelWording:
    loaded = collection.vectors(tuned=False)
    return LevelWording(list(loaded.ids), np.arange(len(loaded.ids)), loaded.matrix)


def grey(file: Path, level: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 12), (level,) * 3).save(file)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """The command, which knows an encoder "mock"; tuning is the real one."""
    fetch, load_encoder = load.fetch, load.load_encoder
    mocked = {"mock": MockEncoder, "level": LevelEncoder}
    monkeypatch.setattr(load, "fetch", lambda name, *more: iter(()) if name in mocked else fetch(name, *more))
    monkeypatch.setattr(
        load, "load_encoder", lambda name, *more: mocked[name]() if name in mocked else load_encoder(name, *more)
    )
    monkeypatch.setattr(samekind.tuning, "fit", FIT)
    return lambda *words: CliRunner().invoke(app, ["evaluate", *map(str, words)])


@pytest.fixture
def measured(call: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """The JSON form of what the command finds by grey levels, without tuning."""
    monkeypatch.setattr(asking, "prepare", lambda *_: iter(()))
    monkeypatch.setattr(asking, "wording_of", level_wording)
    monkeypatch.setattr(published, "wording_of", level_wording)

    def found(*words: object) -> dict:
        answer = call(*words, "--encoder", "level", "--method", "sum", "--no-tune", "--json")
        assert answer.exit_code == 0, answer.stderr
        return json.loads(answer.stdout)

    return found


def of(found: dict, way: str, convention: str, metrics: Sequence[str]) -> list[float]:
    mean = found["ways"][way][convention]["mean"]
    return [pytest.approx(mean[metric]) for metric in metrics]


LEVELS = {"a": 12, "b": 20, "c": 30, "d": 41, "e": 50, "f": 60, "g": 22, "h": 100}


def test_cirr_by_hand(measured, write, tmp_path):
    def pair(number, reference, target, caption):
        return {
            "pairid": number,
            "reference": reference,
            "target_hard": target,
            "caption": caption,
            "img_set": {"members": list("abcdef")},
        }

    file = write("cirr/captions/cap.rc2.val.json", [pair(1, "b", "d", "like 41"), pair(2, "e", "f", "like 50")])
    write("cirr/image_splits/split.rc2.val.json", {name: f"./dev/{name}.png" for name in LEVELS})
    for name, level in LEVELS.items():
        grey(tmp_path / f"dev/deep/{name}.png", level)
    found = measured(file, "--gallery", tmp_path / "dev")
    metrics = ["recall@1", "recall@5", "subset recall@1", "subset recall@2", "subset recall@3"]
    # b: g a c d; of its group a c d. e: d f; of its group d f.
    assert of(found, "picture only", "official", metrics) == [0, 1, 0, 0.5, 1]
    # 41: d first. 50 without e: d f, although e itself has that level
    assert of(found, "words only", "official", metrics) == [0.5, 1, 0.5, 1, 1]
    assert found["against_the_better_single_one"].keys() == {"sum"}
    assert found["against_the_better_single_one"]["sum"]["official"].keys() == {"recall@1", "subset recall@1"}
    assert found["parts"][0]["gallery"] == 8
    assert found["aspects"] == {}


def test_a_caption_that_says_nothing_leaves_the_picture(measured, write, tmp_path):
    pair = {"pairid": 1, "reference": "b", "target_hard": "a", "caption": "", "img_set": {"members": list("abcdef")}}
    file = write("captions/cap.rc2.val.json", [pair])
    write("image_splits/split.rc2.val.json", {name: f"./dev/{name}.png" for name in LEVELS})
    for name, level in LEVELS.items():
        grey(tmp_path / f"dev/{name}.png", level)
    found = measured(file, "--gallery", tmp_path / "dev")
    # b: g a c d; words that are none leave the gallery's order: a c d
    for way, expected in (("picture only", [0, 1]), ("sum", [0, 1]), ("words only", [1, 1])):
        assert of(found, way, "official", ["recall@1", "recall@5"]) == expected


def test_circo_by_hand(measured, write, tmp_path):
    asked = {
        "id": 0,
        "reference_img_id": 7,
        "target_img_id": 11,
        "gt_img_ids": [11, 12],
        "relative_caption": "like 200",
        "semantic_aspects": ["negation"],
    }
    file = write("circo/annotations/val.json", [asked])
    for name, level in {7: 100, 11: 110, 12: 85, 13: 60, 14: 150, 15: 200}.items():
        grey(tmp_path / f"unlabeled2017/{name:012}.jpg", level)
    grey(tmp_path / "unlabeled2017/cover.jpg", 101)  # no picture of COCO
    found = measured(file, "--gallery", tmp_path)
    # the reference, 11, 12: (1/2 + 2/3) / 2; without it 1
    assert of(found, "picture only", "official", ["map@5", "recall@5"]) == [7 / 12, 1]
    assert of(found, "picture only", "reference excluded", ["map@5", "recall@5"]) == [1, 1]
    # 15, 14, 11, the reference, 12: (1/3 + 2/5) / 2; without it (1/3 + 2/4) / 2
    assert of(found, "words only", "official", ["map@5"]) == [11 / 30]
    assert of(found, "words only", "reference excluded", ["map@5"]) == [5 / 12]
    assert found["aspects"]["words only"]["negation"]["map@10"] == pytest.approx(11 / 30)
    assert found["parts"][0]["gallery"] == 6


def test_fashion_iq_by_hand_in_both_galleries(measured, write, tmp_path):
    # twelve garments stand between the dress and its target, and only the original split has them
    levels = {"A": 100, "B": 150} | {f"near{at}": 101 + at for at in range(12)}
    shirts = {"S": 10, "T": 40}
    for category, (candidate, target), names in (("dress", "AB", levels), ("shirt", "ST", shirts)):
        captions = [f"has {names[target]}", f"is {names[target]}."]
        asked = {"candidate": candidate, "target": target, "captions": captions}
        write(f"iq/captions/cap.{category}.val.json", [asked])
        write(f"iq/image_splits/split.{category}.val.json", list(names))
        for at, (name, level) in enumerate(names.items()):
            grey(tmp_path / f"images/{name}.{('png', 'jpg')[at % 2]}", level)
    files = [tmp_path / f"iq/captions/cap.{category}.val.json" for category in ("dress", "shirt")]
    found = measured(*files, "--gallery", tmp_path / "images")
    assert of(found, "picture only", "original split", ["recall@10", "recall@50"]) == [0.5, 1]
    assert of(found, "picture only", "val split", ["recall@10", "recall@50"]) == [1, 1]
    assert of(found, "words only", "original split", ["recall@10"]) == [1]
    assert [part["gallery"] for part in found["parts"]] == [14, 2, 2, 2]
    assert list(found["ways"]["sum"]["val split"]["sets"]) == [
        "fashion_iq dress, val split",
        "fashion_iq shirt, val split",
    ]
    assert list(measured(files[0], "--gallery", tmp_path)["ways"]["sum"]["val split"]["sets"]) == [
        "fashion_iq dress, val split"
    ]


def test_genecis_by_hand_with_crops(measured, write, tmp_path):
    def coco(name):
        return {"val_image_id": name}

    asked = {"condition": "like 90", "reference": coco(1), "target": coco(2), "gallery": [coco(3), coco(4)]}
    focus = write("focus_object.json", [asked])
    for name, level in {1: 50, 2: 80, 3: 60, 4: 150}.items():
        grey(tmp_path / f"val2017/{name:012}.jpg", level)

    def crop(left, top):
        return {"image_id": 5, "instance_bbox": [left, top, 10, 10]}

    # one picture of four fields; the box is grown by 7 to the left and the top, and stays within its field
    fields = np.repeat(np.repeat(np.array([[20, 60], [100, 200]], np.uint8), 40, axis=0), 40, axis=1)
    (tmp_path / "VG_100K").mkdir()
    Image.fromarray(fields).save(tmp_path / "VG_100K/5.png")
    asked = {"condition": "like 190", "reference": crop(20, 20), "target": crop(60, 60)}
    change = write("change_attribute.json", [asked | {"gallery": [crop(20, 60), crop(60, 20)]}])
    found = measured(focus, change, "--gallery", tmp_path)
    # 50: 60, 80, 150. 20: 60, 100, 200
    metrics = ["recall@1", "recall@2", "recall@3"]
    assert of(found, "picture only", "official", metrics) == [0, 0.5, 1]
    # 90: 80 first. 190: 200 first
    assert of(found, "words only", "official", metrics) == [1, 1, 1]
    assert list(found["ways"]["sum"]["official"]["sets"]) == ["genecis focus_object", "genecis change_attribute"]
    kept = list((tmp_path / "cache/evaluate").glob("crops-*/*.png"))
    assert sorted(file.name for file in kept) == [f"5@{at},10,10.png" for at in ("20,20", "20,60", "60,20", "60,60")]
    assert [Image.open(file).size for file in kept] == [(17, 17)] * 4


CASES = {
    "cirr": (cut_down.cirr, ["val"], "dev", "R@1   R@5  R@10"),
    "circo": (cut_down.circo, ["val"], "unlabeled2017", "reference excluded"),
    "fashion_iq": (cut_down.fashion_iq, ["dress", "toptee"], "images", "mean R@10 R@50"),
    "genecis": (cut_down.genecis, ["focus_object", "change_object"], "val2017", "mean R@1 R@2 R@3"),
}


@pytest.mark.shared
@pytest.mark.parametrize("name", CASES)
def test_the_real_files_cut_down(call, annotations, tmp_path, monkeypatch, name):
    make, parts, folder, header = CASES[name]
    files = [make(annotations, tmp_path, part) for part in parts]
    monkeypatch.chdir(tmp_path)
    command = [*files, "--gallery", folder, "--encoder", "mock", "--method", "sum", "--method", "pdv"]
    said = call(*command)
    assert said.exit_code == 0, said.stderr
    assert said.stdout.startswith(f"{name} (mock, tuning on, percent)\n")
    assert header in said.stdout
    found = json.loads(call(*command, "--json").stdout)
    assert found["benchmark"] == name
    assert [part["queries"] for part in found["parts"]] == [cut_down.FEW] * len(found["parts"])
    assert list(found["ways"]) == ["picture only", "words only", "sum", "pdv"]
    for measured in found["ways"].values():
        for one in measured.values():
            assert 0 <= next(iter(one["mean"].values())) <= 1


@pytest.mark.shared
def test_files_for_the_servers(call, annotations, tmp_path):
    cirr, circo = cut_down.cirr(annotations, tmp_path, "test1"), cut_down.circo(annotations, tmp_path, "test")
    plain = ["--encoder", "mock", "--method", "sum", "--no-tune"]
    refused = call(cirr, "--gallery", tmp_path, *plain)
    assert refused.exit_code == 2
    assert "The targets of cirr test1 are kept by its server; name a folder with --submission." in refused.stderr
    out = tmp_path / "out"
    said = call(cirr, "--gallery", tmp_path / "test1", "--submission", out, *plain)
    assert said.exit_code == 0, said.stderr
    assert f"written for the server:\n{out / 'cirr-test1-picture-only-recall.json'}\n" in said.stdout
    pairs = read_cirr(tmp_path, "test1")
    check_cirr(out / "cirr-test1-sum-recall.json", pairs, "recall")
    check_cirr(out / "cirr-test1-sum-recall_subset.json", pairs, "recall_subset")
    found = json.loads(
        call(circo, "--gallery", tmp_path / "unlabeled2017", "--submission", out, *plain, "--json").stdout
    )
    assert found["ways"] == {}
    assert [Path(file).name for file in found["submissions"]] == [
        f"circo-test-{way}{more}.json"
        for way in ("picture-only", "words-only", "sum")
        for more in ("", "-reference-excluded")
    ]
    asked = read_circo(tmp_path, "test")
    for file in found["submissions"]:
        check_circo(Path(file), asked)
    kept, without = (
        json.loads((out / f"circo-test-picture-only{more}.json").read_text()) for more in ("", "-reference-excluded")
    )
    for query in asked.queries:
        assert kept[query.id][0] == int(query.reference)
        assert int(query.reference) not in without[query.id]


@pytest.mark.shared
def test_pictures_that_are_missing_or_broken(call, annotations, tmp_path):
    file = cut_down.genecis(annotations, tmp_path, "focus_object")
    pictures = sorted((tmp_path / "val2017").iterdir())
    command = [file, "--gallery", tmp_path / "val2017", "--encoder", "mock", "--method", "sum"]
    torn = pictures[3].read_bytes()
    pictures[3].write_bytes(b"no picture")
    said = call(*command)
    assert said.exit_code == 2
    assert (
        f"1 of {len(pictures)} pictures of genecis focus_object cannot be read, the first is {pictures[3]}"
        in said.stderr
    )
    pictures[3].write_bytes(torn)
    assert call(*command).exit_code == 0
    (tmp_path / "val2017" / "again").mkdir()
    twin = tmp_path / "val2017" / "again" / f"{pictures[0].stem}.png"
    twin.write_bytes(torn)
    assert f"two pictures are called {pictures[0].stem}" in call(*command).stderr
    for one in (twin, *pictures[:5]):
        one.unlink()
    said = call(*command)
    assert said.exit_code == 2
    assert said.stderr.count("\n") == 1
    assert f"5 of {len(pictures)} pictures of genecis focus_object are not below" in said.stderr


@pytest.mark.parametrize(
    ("files", "more", "message"),
    [
        (["captions/cap.rc2.val.json"], [], "Composed queries are one .jsonl file, or .json files of one benchmark"),
        (["captions/cap.rc2.val.json", "own.jsonl"], ["--gallery", "."], "Composed queries are one .jsonl file"),
        (["own.jsonl"], ["--gallery", ".", "--submission", "out"], "No server scores own.jsonl"),
        (["captions/cap.rc2.val.json"], ["--gallery", "none"], "There is no folder"),
        (["other.json"], ["--gallery", "."], "other.json is no annotation file of cirr, circo, fashion_iq, genecis"),
        (["pairs.json"], ["--gallery", "."], "pairs.json is of cirr, but is not named captions/cap.rc2.SPLIT.json"),
        (["pairs.json", "iq.json"], ["--gallery", "."], "The files are of cirr and fashion_iq"),
        (["pairs.json", "pairs.json"], ["--gallery", "."], "The splits of cirr have no mean"),
        (["captions/cap.rc2.val.json"], ["--gallery", ".", "--method", "some"], "There is no method 'some'"),
        (["captions/cap.rc2.train.json"], ["--gallery", "."], "There is no split of CIRR 'train'"),
        (["focus_object.json"], ["--gallery", ".", "--submission", "out"], "No server scores genecis"),
        (["focus_object.json"] * 2, ["--gallery", "."], "A part is there twice among focus_object, focus_object"),
    ],
)
def test_refusals_are_one_sentence(call, write, tmp_path, monkeypatch, files, more, message):
    pair = {"pairid": 1, "img_set": {"members": ["a", "b"]}}
    for name in ("captions/cap.rc2.val.json", "captions/cap.rc2.train.json", "pairs.json"):
        write(name, [pair])
    write("iq.json", [{"candidate": "a", "target": "b", "captions": ["", ""]}])
    write("other.json", [{"reference": "a"}])
    write("own.jsonl", "")
    reference, target, other = ({"val_image_id": at} for at in range(3))
    write("focus_object.json", [{"condition": "x", "reference": reference, "target": target, "gallery": [other]}])
    for at in range(3):
        grey(tmp_path / f"{at:012}.png", at)
    monkeypatch.chdir(tmp_path)
    said = call(*files, *more)
    assert said.exit_code == 2
    assert message in said.stderr
    assert said.stderr.count("\n") == 1
    assert not said.stdout
