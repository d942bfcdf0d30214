"""Migrations in real processes: killed at random moments, with syncs in between, while others search."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from samekind.collection import Collection
from samekind.encoders.base import encode_pictures
from samekind.pictures.decode import Limits, read_picture
from tests.collection.mock import MockEncoder, OtherEncoder, age, draw, draw_many
from tests.collection.test_processes import start

KILLS = 8


@pytest.fixture
def begun(tmp_path: Path) -> tuple[Path, Path]:
    """A tuned collection of sixty pictures, and its folder."""
    folder = tmp_path / "pictures"
    draw_many(folder, 60)
    age(folder)
    collection = Collection.create(tmp_path / "c.samekind", MockEncoder())
    collection.sync([folder], encoder=MockEncoder()).result()
    return collection.path, folder


def whole(path: Path) -> str:
    """The encoder in use; checked that every present picture has its vector by it, plain and in the tuned space."""
    collection = Collection.open(path)
    encoder = {"mock": MockEncoder, "other": OtherEncoder}[collection.encoder_name]()
    assert collection.fingerprint == encoder.fingerprint
    loaded = collection.vectors(tuned=False)
    pixels = [read_picture(row["file"], Limits()).pixels for row in collection.rows(loaded.ids)]
    expected = encode_pictures(encoder, pixels)
    assert np.allclose(loaded.matrix, expected, atol=2e-3)
    tuned = collection.vectors()
    assert tuned.ids == loaded.ids
    if collection.tuned and collection.tuning is not None:
        assert np.allclose(tuned.matrix, collection.tuning.stored(expected), atol=0.03)
    return collection.encoder_name


def test_kills_syncs_and_readers(begun: tuple[Path, Path]) -> None:
    path, folder = begun
    asked = folder / "1" / "00001.png"
    reader = start("ask", path, asked, stdin=subprocess.PIPE)
    rng = random.Random(7)
    killed = 0
    for turn in range(KILLS):
        process = start("migrate", path)
        time.sleep(rng.uniform(0.0, 1.0))
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        if whole(path) == "mock" and turn % 2 == 0:  # a sync by the encoder that is still in use
            files = [file for file in sorted(folder.rglob("*.png")) if file != asked]
            files[turn].rename(folder / f"renamed {turn}.png")
            draw(files[turn + 1], 500_000 + turn)
            files[turn + 2].unlink()
            draw_many(folder, 2, 2000 + 10 * turn)
            Collection.open(path).sync([folder], encoder=MockEncoder()).result()
            whole(path)
    assert killed > KILLS // 2
    assert start("migrate", path).wait() == 0
    assert whole(path) == "other"
    collection = Collection.open(path)
    table = collection.table
    assert table.encoded_columns == [collection.made.look, collection.made.views]
    assert table.tuned_columns == [collection.searched[0]]
    time.sleep(0.5)
    said, problem = reader.communicate("")
    assert reader.returncode == 0, problem
    assert said.split() == ["mock", "other"]
