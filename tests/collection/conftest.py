from pathlib import Path

import pytest

from samekind.collection import Collection
from tests.collection.mock import MockEncoder, age, draw_many


@pytest.fixture
def encoder() -> MockEncoder:
    return MockEncoder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty pictures in seven folders, a minute old."""
    draw_many(tmp_path / "pictures", 40)
    age(tmp_path / "pictures")
    return tmp_path / "pictures"


@pytest.fixture
def collection(tmp_path: Path, encoder: MockEncoder) -> Collection:
    return Collection.create(tmp_path / "c.samekind", encoder)


@pytest.fixture
def synced(collection: Collection, folder: Path, encoder: MockEncoder) -> Collection:
    """A collection of the forty pictures, not tuned."""
    collection.sync([folder], encoder=encoder, tune=False).result()
    return collection
