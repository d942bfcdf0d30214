"""A hub model where any encoder goes: sync, search, migrate, evaluate, adapt and the list, as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("transformers")

from samekind.adapt import saved, trained
from samekind.adapt.closed_form import fit_mix, rounded
from samekind.adapt.gather import Gathered, gather
from samekind.cli.app import app
from samekind.demo.world import Take, draw_one
from samekind.encoders.golden import draw_card
from samekind.encoders.load import load_encoder
from samekind.encoders.rows import unit_rows
from samekind.events import Event, Job
from samekind.settings import Settings
from tests.encoders.hubs import save

Call = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("everywhere")
    lines = ["path,label,coarse,split"]
    (place / "pictures").mkdir()
    for number in range(54):
        draw_one(Take(1, number % 6, number // 6), place / "pictures" / f"{number}.jpg")
        lines.append(f"pictures/{number}.jpg,{number % 6},,both")
    (place / "labels.csv").write_text("\n".join(lines))
    for kind in ("clip", "vit"):
        save(place / kind, kind)
    return place


@pytest.fixture
def call(place: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("SAMEKIND_CACHE", str(place / "cache"))
    monkeypatch.setenv("SAMEKIND_OFFLINE", "1")
    monkeypatch.chdir(place)

    def call(*words: str) -> tuple[int, Any]:
        done = CliRunner().invoke(app, [*words, "--json"])
        return done.exit_code, json.loads(done.stdout) if done.stdout else done.stderr

    return call


def test_a_collection_from_sync_to_migration(place: Path, call: Call) -> None:
    name = f"hub:{place / 'clip'}"
    for encoder in ("hub:./clip", name):  # made, then synced again under another way to say it
        assert call("sync", "pictures", "--into", "a.samekind", "--encoder", encoder)[0] == 0
    code, said = call("sync", "pictures", "--into", "a.samekind", "--encoder", "hub:./vit")
    assert (code, "has encoder" in said) == (2, True)
    code, hits = call("search", "a.samekind", "--picture", "pictures/7.jpg", "-k", "3")
    assert (code, hits["encoder"], hits["hits"][0]["path"]) == (0, name, "7.jpg")
    assert call("info", "a.samekind")[1]["dim"] == 24
    code, report = call("migrate", "a.samekind", "--encoder", "hub:./vit")
    assert (code, report["encoder"]) == (0, f"hub:{place / 'vit'}")
    assert call("search", "a.samekind", "--picture", "pictures/7.jpg")[1]["hits"][0]["path"] == "7.jpg"
    listed = [one["name"] for one in call("encoders")[1]["encoders"] if one["name"].startswith("hub:")]
    assert listed == [name, f"hub:{place / 'vit'}"]


def test_evaluate(call: Call) -> None:
    code, report = call("evaluate", "labels.csv", "--encoder", "hub:./clip")
    assert code == 0
    assert "hub:" in json.dumps(report)


def test_adapt(place: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    known = [unit_rows(np.random.default_rng(0).normal(size=(54, 8)))]  # a second network that need not be fetched
    monkeypatch.setattr(trained, "fetched", lambda *_: iter(()))
    monkeypatch.setattr(trained, "witnessed", lambda *_: finished(known))
    monkeypatch.setattr(trained, "witness_of", lambda *_: None)
    code, report = call("adapt", "pictures", "--method", "experts", "--encoder", "hub:./clip", "--out", "mine")
    assert code in (0, 1)  # whether random weights pass the gate is not the question here
    assert "pictures" in json.dumps(report)
    code, report = call("adapt", "pictures", "--method", "both", "--encoder", "hub:./clip", "--out", "more")
    assert code in (0, 1)
    assert report["method"] == "both"


def finished(result: list[Any]) -> Generator[Event, None, list[Any]]:
    yield from ()
    return result


def test_an_adapted_encoder_on_top(place: Path, call: Call) -> None:
    base = load_encoder("hub:./clip", Settings())
    gathered: list[Gathered] = Job(gather([place / "pictures"], base, Settings())).result()
    mix = [rounded(one) for one in fit_mix(gathered, base.parts, 0)]
    saved.write(place / "adapted", base, mix, {})
    adapted = load_encoder(str(place / "adapted"), Settings())
    vector = adapted.encode([adapted.prepare(draw_card())])[0]
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert adapted.fingerprint != base.fingerprint
    assert call("sync", "pictures", "--into", "b.samekind", "--encoder", "adapted")[0] == 0
