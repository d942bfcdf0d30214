"""samekind adapt: its help, and what it prints where it accepts and where it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from samekind.adapt import closed_form
from samekind.encoders import load
from samekind.encoders.adapted import AdaptedEncoder, assemble
from samekind.encoders.experts import Experts
from tests.adapt.test_adapt import draw_kinds
from tests.cli.conftest import Call
from tests.collection.mock import MockEncoder
from tests.e2e.command import Command

ADAPT = ("adapt", "robins", "nails", "--encoder", "mock")


@pytest.fixture(scope="module", autouse=True)
def pictures(room: Path) -> None:
    for seed, name in enumerate(("robins", "nails")):
        draw_kinds(room / name, seed)


def steady(text: str) -> str:
    """Shares differ in the last digit from one processor to the next."""
    text = re.sub(r"memory .* at most", "memory # at most", text)
    return re.sub(r" +[+-]?\d+\.\d+", " #", text)


def test_adapt_help(tmp_path: Path, snapshot: Callable[[str], None]) -> None:
    answer = Command(tmp_path, tmp_path)("adapt", "--help", TYPER_USE_RICH="0")
    assert (answer.code, answer.err) == (0, "")
    snapshot("".join(f"{line.rstrip()}\n" for line in answer.out.splitlines()))


def test_adapt_accepted(call: Call, room: Path, snapshot: Callable[[str], None]) -> None:
    said = call(*ADAPT, "-o", "mine")
    assert (said.code, said.err) == (0, "")
    assert (room / "mine/encoder.toml").is_file()
    snapshot(steady(said.out))


def test_adapt_with_labels(
    call: Call, room: Path, snapshot: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(name: str, *_: object) -> MockEncoder | AdaptedEncoder:
        return assemble(Path(name), MockEncoder()) if Path(name).is_dir() else MockEncoder(name)

    monkeypatch.setattr(load, "load_encoder", loaded)
    for name in ("robins", "nails"):
        rows = [f"{file.name},{file.name.split('-')[0]},,both,\n" for file in sorted((room / name).glob("*.png"))]
        (room / f"{name}/labels.csv").write_text("".join(["path,label,coarse,split,subset\n", *rows]))
    labels = [word for name in ("robins", "nails") for word in ("--labels", f"{name}/labels.csv")]
    said = call(*ADAPT, "-o", "labelled", *labels)
    assert (said.code, said.err) == (0, "")
    assert {"report.html", "report.json"} <= {file.name for file in (room / "labelled").iterdir()}
    snapshot(re.sub(r"\n(By|No set|Worse)[^\n]*", "", steady(said.out)))


def test_adapt_refused(
    call: Call, room: Path, snapshot: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = np.zeros((1, 16), np.float32)
    blind = np.diag([1.0] * 2 + [0.0] * 14).astype(np.float32)
    mix = Experts((1,), nothing[0], blind, nothing, nothing, blind[None])
    monkeypatch.setattr(closed_form, "fit_mix", lambda *_: (mix,))
    said = call(*ADAPT, "-o", "worse")
    assert (said.code, said.err) == (1, "")
    assert not (room / "worse").exists()
    snapshot(steady(said.out))


def test_adapt_in_json(call: Call) -> None:
    said = call(*ADAPT, "-o", "jsons", "--json", "--quiet")
    assert (said.code, said.err) == (0, "")
    told = json.loads(said.out)
    assert (told["verdict"], told["encoder"]) == ("accepted", "ROOM/jsons")
    assert told["collections"]["nails"]["pictures"] == 70
    assert told["collections"]["nails"]["passed"] is True
    assert (told["report"], told["labels"]) == ("ROOM/jsons/report.html", None)
