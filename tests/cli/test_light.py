"""What people wait for on every call must not drag in what only some calls need."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"numpy", "lance", "pyarrow", "openvino", "PIL", "samekind.collection", "samekind.encoders"}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["search", "--help"],
        ["sync", "--help"],
        ["explain", "--help"],
        ["kinds", "--help"],
        ["adapt", "--help"],
        ["check-encoder", "--help"],
        ["config"],
        ["serch"],
    ],
)
def test_nothing_heavy_is_imported(words: list[str]) -> None:
    code = f"""
import sys
from samekind.cli.app import app
try:
    app({words!r})
finally:
    heavy = {HEAVY!r}
    print("heavy:", sorted(heavy & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.splitlines()[-1] == "heavy: []", run.stderr
