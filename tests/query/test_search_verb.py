import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from samekind.cli.app import app
from samekind.collection import Collection
from samekind.encoders import load
from tests.collection.mock import MockEncoder, draw, draw_many


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("search")
    draw_many(place / "birds", 30)
    draw(place / "birds" / "odd\nname.png", 99)
    encoder = MockEncoder()
    held = Collection.create(place / "birds.samekind", encoder)
    held.sync([place / "birds"], encoder=encoder, tune=False).result()
    return place


@pytest.fixture(autouse=True)
def _mock(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setattr(load, "load_encoder", lambda *_: MockEncoder())
    monkeypatch.chdir(place)
    monkeypatch.setenv("COLUMNS", "100")


def run(*arguments: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["search", "birds.samekind", *arguments], input=given)


FILE = "birds/3/00010.png"


def test_json_is_one_object() -> None:
    result = run("--picture", FILE, "-k", "3", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["encoder"] == "mock"
    assert [hit["rank"] for hit in told["hits"]] == [1, 2, 3]
    assert told["hits"][0]["path"] == "3/00010.png"
    assert told["hits"][0]["same_file"] is True
    assert {"id", "score", "confidence"} <= set(told["hits"][0])


def test_the_other_ways_to_print() -> None:
    lines = run("--picture", FILE, "-k", "3", "--jsonl").stdout.splitlines()
    assert [json.loads(line)["rank"] for line in lines] == [1, 2, 3]
    assert run("--picture", FILE, "-k", "1", "--paths").stdout == f"{Path.cwd() / FILE}\n"
    odd = Path.cwd() / "birds" / "odd\nname.png"
    assert run("--like", "odd\nname.png", "--picture", str(odd), "-k", "2", "-0").stdout.count("\0") == 2
    assert run("--picture", str(odd), "-k", "1", "-0").stdout == f"{odd}\0"
    table = run("--picture", FILE, "-k", "3").stdout
    assert "3/00010.png" in table
    assert "the same file" in table
    assert "3 of" in table


def test_standard_input_weights_and_crops() -> None:
    from_file = run("--picture", FILE, "-k", "5", "--json")
    from_input = run("--picture", "-", "-k", "5", "--json", given=Path(FILE).read_bytes())
    assert json.loads(from_file.stdout)["hits"] == json.loads(from_input.stdout)["hits"]
    two = ("--picture", FILE, "--picture", "birds/4/00011.png", "--paths", "-k", "1")
    assert run(*two, "--weight", "1", "--weight", "0.1").stdout.endswith("00010.png\n")
    assert run(*two, "--weight", "0.1", "--weight", "1").stdout.endswith("00011.png\n")
    assert run(*two, "--crop", "whole", "--crop", "0,0,20,20").exit_code == 0


def test_stored_items_and_vectors(place: Path) -> None:
    found = json.loads(run("--like", "3/00010.png", "--unlike", "1/00001.png", "--json").stdout)["hits"]
    assert not {"3/00010.png", "1/00001.png"} & {hit["path"] for hit in found}
    held = Collection.open("birds.samekind")
    np.save("vector.npy", held.stored(held.find(["3/00010.png"]), tuned=False))
    assert run("--vector", "vector.npy", "-k", "1", "--paths").stdout.endswith("00010.png\n")


def test_a_written_query_asks_the_same_as_options() -> None:
    def hits(*arguments: str) -> list[dict[str, object]]:
        return json.loads(run(*arguments, "--json", "-k", "4").stdout)["hits"]

    by_options = ("--picture", FILE, "--weight", "2", "--crop", "0,0,20,20", "--like", "1/00001.png")
    written = f"2*{FILE}[0,0,20,20] like:1/00001.png unlike:4/00004.png where:path~=3/"
    assert hits("--query", written) == hits(*by_options, "--unlike", "4/00004.png", "--where", "path~=3/")
    (one,) = hits("--query", f"{FILE} where:path~=3/", "--where", "path~=*0.png")
    assert one["path"] == "3/00010.png"


def test_filters_are_anded() -> None:
    both = run("--picture", FILE, "--where", "path~=3/", "--where", "path~=*0.png or path~=*7.png", "--json")
    paths = {hit["path"] for hit in json.loads(both.stdout)["hits"]}
    assert paths == {"3/00010.png", "3/00017.png"}


def test_nothing_good_enough_is_exit_code_1() -> None:
    for more in (("--where", "path~=no/"), ("--min-score", "1")):
        result = run("--like", "3/00010.png", *more)
        assert result.exit_code == 1
        assert "Nothing good enough" in result.stdout
    assert run("--like", "3/00010.png", "--where", "path~=no/", "--jsonl").stdout == ""


def test_a_granularity_changes_the_order_and_says_so() -> None:
    fine, wide = (
        json.loads(run("--like", "3/00010.png", "-k", "31", "--json", *more).stdout)
        for more in ((), ("--granularity", "coarse"))
    )
    scores = {hit["id"]: pytest.approx(hit["score"], abs=1e-5) for hit in fine["hits"]}
    assert {hit["id"]: hit["score"] for hit in wide["hits"]} == scores
    assert [hit["id"] for hit in wide["hits"]] != [hit["id"] for hit in fine["hits"]]
    assert [(told["granularity"], told["no_effect"]) for told in (fine, wide)] == [(0, False), (1, False)]
    shown = " ".join(run("--like", "3/00010.png", "-k", "31", "--granularity", ".5").stdout.split())
    assert "Granularity 0.5: ordered by the wider kind; score and confidence are of the fine search." in shown
    assert "weak from here" not in shown
    none = run("--like", "3/00010.png", "--granularity", "1", "--where", "path~=no/")
    assert (none.exit_code, none.stdout.startswith("Nothing good enough")) == (1, True)


def test_a_sheet_is_written_beside_the_results(place: Path) -> None:
    for name in ("sheet.png", "sheet.html"):
        result = run("--picture", FILE, "-k", "3", "--sheet", name)
        assert result.exit_code == 0
        assert name in result.stdout
        assert (place / name).stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Say what to look for"),
        (("--picture", "no.png"), "no.png"),
        (("--picture", FILE, "--json", "--paths"), "Choose one"),
        (("--picture", FILE, "--no-collapse", "--collapse", "0.9"), "Choose one"),
        (("--picture", FILE, "--weight", "1", "--weight", "2"), "--weight"),
        (("--picture", FILE, "--crop", "1,2,3"), "LEFT,TOP,WIDTH,HEIGHT"),
        (("--picture", FILE, "--crop", "0,0,99,99"), "outside"),
        (("--picture", "-", "--picture", "-"), "standard input"),
        (("--like", "no/such.png"), "no/such.png"),
        (("--vector", "no.npy"), "no.npy"),
        (("--vector", FILE), "no .npy file"),
        (("--picture", FILE, "--where", "colour=red"), "colour"),
        (("--picture", FILE, "--sheet", "sheet.pdf"), "sheet.pdf"),
        (("--picture", FILE, "--min-confidence", "7"), "between 0 and 1"),
        (("--picture", FILE, "-k", "0"), "at least 1"),
        (("--picture", FILE, "--granularity", "2"), "fine, coarse or a number from 0 to 1, not '2'"),
        (("--picture", FILE, "--granularity", "broad"), "not 'broad'"),
        (("--query", FILE, "--like", "3/00010.png"), "--query says all"),
        (("--query", FILE, "--weight", "2"), "--query says all"),
        (("--query", "red shoes"), 'quote words: "red"'),
        (("--query", ""), "The query is empty"),
        (("--words", " "), "must say something"),
        (("--words", "red", "--judge"), "A judge is a language endpoint"),
        (("--query", FILE, "--query", FILE, "--min-score", ".5"), "leave the least score out"),
        (("--words", "red", "--not", "Red"), "both looked for and dropped"),
        (("--words", "red", "--method", "sums"), "Did you mean 'sum'"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(arguments: tuple[str, ...], says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert says in result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_reader_that_goes_away_is_no_error(place: Path) -> None:
    script = (
        "from samekind.encoders import load; from tests.collection.mock import MockEncoder;"
        "load.load_encoder = lambda *_: MockEncoder(); from samekind.cli.app import main; main()"
    )
    arguments = [sys.executable, "-c", script, "search", "birds.samekind", "--picture", FILE, "--json"]
    with subprocess.Popen(
        arguments,
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        assert isinstance(process.stdout, io.BufferedReader)
        process.stdout.close()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
