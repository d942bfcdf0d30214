"""The documents are true: what they show runs, what they link to is there, the files that they name exist."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from samekind.demo.world import Take, draw_one
from tests.e2e.command import COMMAND, Command

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FOR_READING = ("duckdb", "pandas", "polars")
"""What the documents show and samekind does not need; a block that uses one is skipped where it is absent."""


@dataclass(frozen=True)
class Block:
    """A fenced block: the language behind its fence, its text, and the line that it starts in."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks(document: str, *languages: str) -> list[Block]:
    text = (ROOT / document).read_text("utf-8")
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    all_of_them = [Block(document, text[: one.start()].count("\n") + 1, one[1], one[2]) for one in found]
    return [block for block in all_of_them if block.language in languages]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the documents take for granted: ``pictures/`` with ``flowers/`` and ``birds/``, and pictures to ask with."""
    place = tmp_path_factory.mktemp("docs")
    for folder in ("flowers", "birds"):
        (place / "pictures" / folder).mkdir(parents=True)
    for kind in range(4):
        for take in range(2):
            draw_one(Take(1, kind, take), place / f"pictures/flowers/{kind}-{take}.jpg")
            draw_one(Take(2, kind, take), place / f"pictures/birds/{kind}-{take}.jpg")
    for n, name in enumerate(("query.jpg", "other.jpg", "unknown.jpg")):
        draw_one(Take(1 + n // 2, n, 9), place / name)
    return place


def run(block: Block, place: Path, text: str) -> str:
    """Runs a block's text in ``place`` as its language says; returns what it printed."""
    absent = [name for name in FOR_READING if name in text and importlib.util.find_spec(name) is None]
    if absent:
        pytest.skip(f"{block} shows {', '.join(absent)}, not installed here")
    path = os.pathsep.join([str(COMMAND.parent), os.environ.get("PATH", "")])
    interpreter = {"sh": ["sh", "-e", "-c", text], "python": [sys.executable, "-c", text]}[block.language]
    environment = Command(place, place / "home").environment | {"PATH": path, "SAMEKIND_ENCODER": "lite"}
    done = subprocess.run(interpreter, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{block}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("block", blocks("docs/quick-start.md", "sh", "python"), ids=str)
def test_the_quick_start_runs_from_top_to_bottom(block: Block, place: Path) -> None:
    run(block, place, block.text)


@pytest.mark.parametrize("block", blocks("docs/asking.md", "sh", "python"), ids=str)
def test_the_page_on_asking_runs_from_top_to_bottom(block: Block, place: Path) -> None:
    run(block, place, block.text)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough pictures for kinds: ``pictures/`` with eight flowers of five kinds and eight birds of five."""
    place = tmp_path_factory.mktemp("kinds")
    for world, folder in enumerate(("flowers", "birds"), 1):
        (place / "pictures" / folder).mkdir(parents=True)
        for n in range(40):
            draw_one(Take(world, n % 5, n // 5), place / f"pictures/{folder}/{n % 5}-{n // 5}.jpg")
    draw_one(Take(1, 2, 9), place / "query.jpg")
    return place


@pytest.mark.parametrize("block", blocks("docs/kinds.md", "sh", "python"), ids=str)
def test_the_page_on_kinds_runs_from_top_to_bottom(block: Block, many: Path) -> None:
    run(block, many, block.text)


@pytest.fixture(scope="module")
def gardens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough pictures to adapt to: ``pictures/garden/``, labelled, and ``pictures/meadow/``, flowers of six kinds.

    And of another kind of thing, ``pictures/orchard``.
    """
    place = tmp_path_factory.mktemp("adapting")
    for world, first, folder in ((1, 0, "garden"), (1, 6, "meadow"), (2, 0, "orchard")):
        (place / "pictures" / folder).mkdir(parents=True)
        for n in range(60):
            draw_one(Take(world, first + n % 6, n // 6), place / f"pictures/{folder}/{n % 6}-{n // 6}.jpg")
    lines = ["path,label,coarse,split", *(f"{n % 6}-{n // 6}.jpg,{n % 6},,both" for n in range(60))]
    (place / "pictures/garden/labels.csv").write_text("\n".join(lines) + "\n")
    draw_one(Take(1, 2, 19), place / "query.jpg")
    return place


@pytest.mark.parametrize("block", blocks("docs/adapting.md", "sh", "python"), ids=str)
def test_the_page_on_adapting_runs_from_top_to_bottom(block: Block, gardens: Path) -> None:
    run(block, gardens, block.text)


def test_the_python_of_the_readme_runs(place: Path) -> None:
    (block,) = blocks("README.md", "python")
    assert 'load_encoder("dino")' in block.text
    lines = run(block, place, block.text.replace('"dino"', '"lite"')).splitlines()
    assert len(lines) == 5
    assert all(re.fullmatch(r"\d \S+\.jpg \d+%", line) for line in lines)


def test_the_readme_opens_with_two_commands() -> None:
    install, check = blocks("README.md", "sh")
    assert install.text.count("\n") == check.text.count("\n") == 1
    assert "samekind demo" in install.text
    assert "pytest" in check.text
    assert blocks("README.md", "sh", "console", "python")[:2] == [install, check]


def links() -> Iterator[tuple[Path, str]]:
    for document in DOCUMENTS:
        text = re.sub(r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        yield from ((document, target) for target in re.findall(r"\]\(([^)\s]+)\)", text))


def heading_anchors(document: Path) -> set[str]:
    """The anchors of a document's headings as code hosts make them."""
    titles = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_between_documents_resolve() -> None:
    broken = []
    for document, target in links():
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        if not file.exists() or (anchor and anchor not in heading_anchors(file)):
            broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert not broken


def test_files_that_the_documents_name_exist() -> None:
    modules = {file.name for folder in ("src", "tests", "benchmarks", "scripts") for file in (ROOT / folder).rglob("*")}
    absent = []
    for document in DOCUMENTS:
        for name in re.findall(r"`([\w./-]+)`", document.read_text("utf-8")):
            below_root = name.startswith(("src/", "tests/", "docs/", "scripts/", "benchmarks/", ".ci/"))
            is_module = re.fullmatch(r"(\w+/)*\w+\.py", name) is not None
            there = (ROOT / name).exists() if below_root else name.rpartition("/")[2] in modules
            if (below_root or is_module) and not there:
                absent.append(f"{document.relative_to(ROOT)}: {name}")
    assert not absent
