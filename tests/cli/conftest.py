"""The command called in this process, on a small collection by an encoder without weights."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from samekind.cli.app import app
from samekind.encoders import load
from samekind.events import Job
from samekind.settings import user_file
from tests.collection.mock import MockEncoder, age, draw

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = "UPDATE_SNAPSHOTS"
_CHANGING = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*", "TIME"),
    (r"\b[0-9a-f]{32}\b", "ID"),
    (r"\d+(\.\d+)? ms", "# ms"),
    (r"\d+(\.\d+)? s\b", "# s"),
    (r"\d+(\.\d+)? pictures/s", "# pictures/s"),
    (r"\d+(\.\d+)? MB", "# MB"),
)


@dataclass(frozen=True)
class Said:
    """Exit code, standard output and standard error of one call, without what changes from run to run."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


def _none(name: str, settings: object) -> Job[None]:
    def steps():  # type: ignore[no-untyped-def]
        yield from ()

    return Job(steps())


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to stand in, with ``birds/``: twelve pictures, a copy, a broken file."""
    room = tmp_path_factory.mktemp("cli")
    for n in range(12):
        draw(room / "birds" / ("train" if n % 3 else "test") / f"{n:02}.png", n)
    (room / "birds/train/copy.png").write_bytes((room / "birds/train/01.png").read_bytes())
    (room / "birds/torn.jpg").write_bytes(b"no picture")
    (room / "empty").mkdir()
    age(room / "birds")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(room)
        for name in [name for name in os.environ if name.startswith("SAMEKIND_")]:
            patch.delenv(name)
        patch.setenv("SAMEKIND_CACHE", str(room / "cache"))
        patch.setenv("XDG_CONFIG_HOME", str(room / "settings"))
        patch.setenv("COLUMNS", "100")
        patch.setenv("NO_COLOR", "1")
        patch.setattr(load, "fetch", _none)
        patch.setattr(load, "load_encoder", lambda name, *_: MockEncoder(name))
        yield room


@pytest.fixture(scope="module")
def call(room: Path) -> Call:
    """Calls the command with words, and gives back what it said."""

    def plain(text: str) -> str:
        text = text.replace(str(user_file()), "SETTINGS").replace(str(room), "ROOM")
        for pattern, word in _CHANGING:
            text = re.sub(pattern, word, text)
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines())

    def called(*words: str) -> Said:
        answer = CliRunner().invoke(app, words)
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
        return Said(answer.exit_code, plain(answer.stdout), plain(answer.stderr))

    return called


@pytest.fixture(scope="module")
def synced(call: Call) -> Said:
    """What the first sync of ``birds/`` into ``birds.samekind`` said."""
    return call("sync", "birds", "--into", "birds.samekind", "--encoder", "mock")


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Compares a text with snapshots/NAME.txt, NAME being the test's; UPDATE_SNAPSHOTS=1 writes it instead."""
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-").replace("_", "-")
    file = SNAPSHOTS / f"{name}.txt"

    def compare(text: str) -> None:
        if os.environ.get(UPDATE):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, "utf-8")
        assert file.exists(), f"there is no {file.name}; run the tests once with {UPDATE}=1 and look at it"
        assert text == file.read_text("utf-8"), f"not as in {file.name}; if that is meant, update with {UPDATE}=1"

    return compare
