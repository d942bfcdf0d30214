"""Every benchmark can be started: what it needs of the package and of its neighbours is there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize("name", sorted(file.stem for file in BENCHMARKS.glob("*.py")))
def test_it_can_be_imported(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as problem:
        missing = str(problem.name).partition(".")[0]
        if missing == "samekind" or (BENCHMARKS / f"{missing}.py").exists():
            raise
        pytest.skip(f"{missing} is not installed")
    assert Path(str(sys.modules[name].__file__)).parent == BENCHMARKS
