"""One awkward folder and one small one, each synced once for all tests; a test that changes things takes a copy."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.command import Answer, Command
from tests.pictures.awkward import Expected, write_awkward

KINDS = {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (40, 60, 200), "grey": (120, 120, 120)}


@dataclass(frozen=True)
class Ground:
    """A folder of pictures and the collection that ``synced`` made of it, both in the folder of ``command``.

    ``expected`` says what should become of each awkward file.
    """

    command: Command
    folder: Path
    collection: Path
    synced: Answer
    expected: tuple[Expected, ...] = ()

    def copied(self, to: Path) -> Ground:
        """The same in another place, without syncing anew."""
        folder, collection = to / self.folder.name, to / self.collection.name
        shutil.copytree(self.folder, folder)
        shutil.copytree(self.collection, collection)
        manifest = collection / "samekind.toml"
        manifest.write_text(manifest.read_text("utf-8").replace(str(self.folder), str(folder)), "utf-8")
        return Ground(Command(to, self.command.home), folder, collection, self.synced)


def draw(file: Path, colour: tuple[int, int, int], seed: int) -> None:
    """A small picture of one colour with its own pattern."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(-35, 36, (5, 6, 3)) + np.array(colour)
    file.parent.mkdir(parents=True, exist_ok=True)
    small = Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8))
    small.resize((72, 60), Image.Resampling.BICUBIC).save(file, quality=90)


def draw_kinds(folder: Path, each: int) -> None:
    """Pictures ``KIND-N.jpg`` of every kind, the first of each in ``train/``, the others in ``test/``."""
    for n, (kind, colour) in enumerate(KINDS.items()):
        for take in range(each):
            part = "test" if take else "train"
            draw(folder / part / f"{kind}-{take}.jpg", colour, 100 * n + take)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings, weights and compiled networks of all runs."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Ground:
    """The awkward folder with some pictures of four kinds in ``train/`` and ``test/``, synced with ``lite``."""
    room = tmp_path_factory.mktemp("ground")
    folder = room / "pictures"
    folder.mkdir()
    expected = tuple(write_awkward(folder))
    draw_kinds(folder, each=3)
    command = Command(room, home)
    synced = command("sync", folder, "--into", "awkward.samekind", "--encoder", "lite", "--json")
    return Ground(command, folder, room / "awkward.samekind", synced, expected)


@pytest.fixture(scope="session")
def _small(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Ground:
    room = tmp_path_factory.mktemp("small")
    draw_kinds(room / "pictures", each=2)
    (room / "pictures/broken.jpg").write_bytes(b"no picture")
    command = Command(room, home)
    synced = command("sync", "pictures", "--into", "small.samekind", "--encoder", "lite", "--no-tune", "--json")
    return Ground(command, room / "pictures", room / "small.samekind", synced)


@pytest.fixture
def small(_small: Ground, tmp_path: Path) -> Ground:
    """Eight pictures and a broken one in a collection of their own, to be changed at will."""
    return _small.copied(tmp_path)
