"""The report of an adaptation: JSON, page and terminal, where it accepts, falls back and refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from samekind.adapt import closed_form, trained
from samekind.adapt.gate import Judged, Verdict
from samekind.adapt.insight import Clusters, Insight, Losses
from samekind.adapt.reach import known_of
from samekind.encoders import load
from samekind.encoders.adapted import AdaptedEncoder, assemble
from samekind.encoders.experts import Experts
from samekind.errors import UsageError
from samekind.evaluation.adapted import Report, adapt_and_report
from samekind.evaluation.adapted_words import text
from samekind.events import Job, Skipped
from tests.adapt.test_adapt import draw_kinds
from tests.collection.mock import MockEncoder, age

ODD = "<b>&\"'.png"
WAYS = {"queries", "base_plain", "base_tuned", "new_plain", "new_tuned"}


class Reader(HTMLParser):
    """Notes what a page is made of, and whether every element is closed in turn."""

    VOID = ("meta", "img", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.headings = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"h1", "h2", "h3"} & set(self.open):
            self.headings += f"{data}\n"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders of pictures, each with a labels file; in the first a picture with an odd name and a torn one."""
    place = tmp_path_factory.mktemp("drawn")
    folders = [draw_kinds(place / name, seed) for seed, name in enumerate(("birds", "shop"))]
    (folders[0] / "0-0.png").rename(folders[0] / ODD)
    (folders[0] / "torn.jpg").write_bytes(b"no picture")
    age(folders[0])
    for folder in folders:
        rows = [
            '"{}",{},,both,'.format(file.name.replace('"', '""'), "0" if file.name == ODD else file.name.split("-")[0])
            for file in sorted(folder.glob("*.png"))
        ]
        (folder / "labels.csv").write_text("\n".join(["path,label,coarse,split,subset", *rows]) + "\n")
    return folders


@pytest.fixture(autouse=True)
def mocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Encoders without weights; the list fills with the names that were loaded."""
    names: list[str] = []

    def loaded(name: str, *_: object) -> MockEncoder | AdaptedEncoder:
        names.append(name)
        return assemble(Path(name), MockEncoder()) if (Path(name) / "encoder.toml").is_file() else MockEncoder()

    monkeypatch.setattr(load, "load_encoder", loaded)
    monkeypatch.setattr(load, "fetch", lambda *_: Job(iter(())))  # type: ignore[arg-type]
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    return names


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The closed form looks at two numbers of a vector only."""
    two = np.diag([1.0] * 2 + [0.0] * 14).astype(np.float32)
    monkeypatch.setattr(closed_form, "fit_mix", lambda *_: (one_expert(two),))


def one_expert(matrix: np.ndarray) -> Experts:
    nothing = np.zeros((1, 16), np.float32)
    return Experts((1,), nothing[0], np.eye(16, dtype=np.float32), nothing, nothing, matrix[None])


def train(monkeypatch: pytest.MonkeyPatch, accepted: bool) -> None:
    """Training that is over at once, and is accepted or not."""
    after = 0.9 if accepted else 0.5
    judged = {name: Judged(90, 0.8, after, 0.02, 0.9, 0.9, 0.01) for name in ("birds", "shop")}
    insight = Insight(
        trained_on=(Clusters((40, 30, 1), 0.97, 0.5), Clusters((4,) * 30, 1.0, 0.5)),
        losses=Losses((10, 20), ((3.0, 2.5), (5.0, 1.25))),
        token_bytes=1_500_000_000,
        shown="training",
        settings={"epochs": 5},
    )

    def candidate(*_: object) -> Generator[Skipped, None, trained.Candidate]:
        yield Skipped("gone.png", "missing")
        mix = one_expert(np.eye(16, dtype=np.float32))
        rows = np.eye(16, dtype=np.float32)
        return trained.Candidate(
            MockEncoder(),  # type: ignore[arg-type]
            (mix,),
            {},
            known_of(rows, rows, MockEncoder(), 0),
            rows,
            Verdict(judged["shop"], judged),
            insight,
            (rows, rows),
        )

    monkeypatch.setattr(trained, "train_candidate", candidate)
    monkeypatch.setattr(trained, "check_trainable", lambda *_: None)


def run(drawn: list[Path], out: Path, labelled: bool = True, method: str = "experts") -> Report:
    labels = [folder / "labels.csv" for folder in drawn] if labelled else []
    return adapt_and_report(drawn, out, "mock", method, labels=labels).result()


def test_it_is_written_beside_the_encoder(drawn: list[Path], tmp_path: Path) -> None:
    report = run(drawn, tmp_path / "mine")
    assert report.page == tmp_path / "mine/report.html"
    told = report.to_dict()
    assert json.loads((tmp_path / "mine/report.json").read_text()) == json.loads(json.dumps(told))
    assert (told["verdict"], told["report"], told["labels"]["skipped"]) == ("accepted", str(report.page), [])
    assert set(told["labels"]["sets"]) == {"birds", "shop"}
    for row in (*told["labels"]["sets"].values(), told["labels"]["mean"], told["labels"]["joint"]):
        assert set(row) == WAYS
        assert 0 <= row["new_tuned"]["recall@1"] <= 1
        assert 0 <= row["base_plain"]["map@r"] <= 1
    assert set(told["labels"]["differences"]) == {"birds", "shop", "mean", "joint"}
    assert [one["reason"] for one in told["skipped"]] == ["not a picture"]
    assert set(told["steps"]) == {"gathering", "checking", "fitting", "labels"}
    assert (told["settings"]["method"], told["settings"]["seed"]) == ("experts", 0)
    assert told["versions"]["samekind"]
    assert told["peak_memory_bytes"] is None or told["peak_memory_bytes"] > 1e6
    assert set(told["attention"][0]["shares"]) == {"birds", "shop"}
    assert told["examples_of"] == "experts"


def test_the_page(drawn: list[Path], tmp_path: Path) -> None:
    run(drawn, tmp_path / "mine")
    page = (tmp_path / "mine/report.html").read_text("utf-8")
    found = Reader(page)
    for heading in ("One encoder for 2 collections", "By your labels", "Neighbours before and after", "Time, memory"):
        assert heading in found.headings
    assert re.findall(r"https?://|<script|<link|url\(|@import", page) == []
    assert found.images
    assert all((one["src"] or "").startswith("data:image/") and one["alt"] for one in found.images)
    assert 'name="viewport"' in page
    assert "prefers-color-scheme: dark" in page


def test_odd_names_are_escaped(drawn: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samekind.adapt.insight._EXAMPLES", 200)
    odd = tmp_path / "<i>odd"
    odd.symlink_to(drawn[0])
    run([odd, drawn[1]], tmp_path / "mine", labelled=False)
    page = (tmp_path / "mine/report.html").read_text("utf-8")
    Reader(page)
    assert "&lt;b&gt;&amp;&quot;&#x27;.png" in page
    assert "&lt;i&gt;odd" in page
    assert "<b>&" not in page
    assert "<i>odd" not in page
    assert "By your labels" not in page


def test_labels_change_nothing_but_the_report(drawn: list[Path], tmp_path: Path) -> None:
    for name, labelled in (("with", True), ("without", False)):
        assert (run(drawn, tmp_path / name, labelled).to_dict()["labels"] is not None) is labelled
    one, other = (
        {file.name: file.read_bytes() for file in (tmp_path / name).iterdir() if not file.name.startswith("report")}
        for name in ("with", "without")
    )
    assert one == other


def test_refused_and_nothing_written(drawn: list[Path], tmp_path: Path, blind: None) -> None:
    report = run(drawn, tmp_path / "mine")
    assert (report.exit_code, report.page) == (1, None)
    assert [file.name for file in tmp_path.iterdir()] == ["cache"]
    told = report.to_dict()
    assert set(told["labels"]["sets"]["birds"]) == {"queries", "base_plain", "base_tuned"}
    assert told["labels"]["differences"] == {}
    assert told["verdicts"]["experts"]["accepted"] is False
    said = text(report)
    assert said.startswith("refused: ")
    assert "Nothing was written; each collection keeps its own tuning." in said
    assert "base, tuned" in said
    assert "new, tuned" not in said
    assert "Report:" not in said


def test_what_was_trained_is_refused(drawn: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(monkeypatch, accepted=False)
    report = run(drawn, tmp_path / "mine", method="both")
    told = report.to_dict()
    assert (told["verdict"], told["saved"], report.exit_code) == ("refused", "experts", 0)
    assert {name: one["accepted"] for name, one in told["verdicts"].items()} == {"training": False, "experts": True}
    assert [one["reason"] for one in told["skipped"]] == ["not a picture", "missing"]
    assert told["losses"]["sets"][1] == (5.0, 1.25)
    assert told["settings"]["epochs"] == 5
    page = (tmp_path / "mine/report.html").read_text("utf-8")
    headings = Reader(page).headings
    assert "Refused in part\nThe closed form is written, not what was trained" in headings
    assert "What was trained: refused\nThe closed form: accepted" in headings
    assert "What was trained was refused: views of held-out pictures keep 50.0% of their neighbours" in page
    assert 'class="curve set1"' in page
    said = text(report)
    assert "The closed form was written instead of what was trained." in said
    assert "Losses: 3.00 -> 2.50, 5.00 -> 1.25" in said
    assert "token cache 1.5 GB" in said


def test_what_was_trained_is_accepted(drawn: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(monkeypatch, accepted=True)
    report = run(drawn, tmp_path / "mine", labelled=False, method="both")
    assert (report.adapted.saved, list(report.adapted.verdicts)) == ("both", ["training"])
    headings = Reader((tmp_path / "mine/report.html").read_text("utf-8")).headings
    assert "What was learned from" in headings
    assert "By your labels" not in headings


def test_labels_that_cannot_be_used_are_refused_first(drawn: list[Path], tmp_path: Path, mocks: list[str]) -> None:
    single = tmp_path / "labels.csv"
    (tmp_path / "a.png").write_bytes((drawn[1] / "1-1.png").read_bytes())
    single.write_text("path,label,coarse,split,subset\na.png,one,,both,\n")
    with pytest.raises(UsageError, match="a class needs two pictures or more"):
        adapt_and_report(drawn, tmp_path / "mine", "mock", "experts", labels=[single])
    with pytest.raises(UsageError, match=r"There is no labels file .*nowhere\.csv"):
        adapt_and_report(drawn, tmp_path / "mine", "mock", "experts", labels=[tmp_path / "nowhere.csv"])
    assert mocks == []


def test_labels_that_disagree_come_first(drawn: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a gate a blind encoder is accepted; labels see it."""
    two = np.diag([1.0] * 2 + [0.0] * 14).astype(np.float32)
    monkeypatch.setattr(closed_form, "fit_mix", lambda *_: (one_expert(two),))
    monkeypatch.setattr(Judged, "passed", True)
    report = run(drawn, tmp_path / "mine")
    assert report.labels is not None
    assert (report.labels.worse, report.labels.better) == (["birds", "shop"], False)
    page = (tmp_path / "mine/report.html").read_text("utf-8")
    assert "Accepted, but labels disagree\nBy your labels it is worse in birds, shop" in Reader(page).headings
    assert "\nBy your labels it is worse in birds, shop.\n" in text(report)
