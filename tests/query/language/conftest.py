"""The real texts, where they are."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_annotations() -> Path:
    """The folder ``shared/data/composed/annotations`` beside the checkout."""
    folder = Path(__file__).parents[3].parent / "shared" / "data" / "composed" / "annotations"
    if not folder.is_dir():
        pytest.skip("wants the composed annotations: the folder shared beside the checkout is not there")
    return folder
