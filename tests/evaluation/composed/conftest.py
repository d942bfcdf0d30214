"""The real annotation files, where they are there, and small ones written for a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ``shared/data`` beside the checkout."""
    data = Path(__file__).parents[3].parent / "shared" / "data"
    if not (data / "composed").is_dir():
        pytest.skip("wants the composed annotations: the folder shared beside the checkout is not there")
    return data


@pytest.fixture(scope="session")
def annotations(shared: Path) -> Path:
    return shared / "composed" / "annotations"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Writes JSON (or text as it stands) to a file below the test's folder."""

    def to(name: str, content: Any) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return file

    return to
