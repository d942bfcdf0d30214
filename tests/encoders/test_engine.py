"""OpenVINO without telemetry, and not before it is needed; each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WATCHED = """
import sys
seen = []
watched = ("socket.", "subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "_winapi.CreateProcess")
sys.addaudithook(lambda event, arguments: seen.append(event) if event.startswith(watched) else None)
{body}
assert not seen, seen
assert not [name for name in sys.modules if name.startswith("openvino_telemetry")]
"""

ENCODES = """
import numpy as np
from samekind.encoders.load import load_encoder
encoder = load_encoder("lite")
encoder.encode([encoder.prepare(np.zeros((10, 10, 3), np.uint8))])
"""


def python(code: str, home: Path, cache: Path) -> None:
    watchful = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    environment = {**watchful, "HOME": str(home), "USERPROFILE": str(home), "SAMEKIND_CACHE": str(cache)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_encoding_calls_nobody_and_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    python(WATCHED.format(body=ENCODES), tmp_path / "home", tmp_path / "cache")
    assert list((tmp_path / "home").iterdir()) == []


def test_openvino_is_whole_afterwards(tmp_path: Path) -> None:
    code = "from samekind.encoders.engine import openvino; openvino().convert_model; import openvino_telemetry"
    python(code, tmp_path, tmp_path)


@pytest.mark.parametrize(
    "module", ["samekind.encoders.load", "samekind.encoders.listing", "samekind.cli.encoders_verb"]
)
def test_nothing_heavy_is_imported_early(module: str, tmp_path: Path) -> None:
    heavy = ("openvino", "safetensors", "PIL", "torch", "transformers", "onnx", "rich", "lance")
    python(f"import sys, {module}; assert not [name for name in {heavy} if name in sys.modules]", tmp_path, tmp_path)
