"""The public face: the list of names, and what importing costs."""

import subprocess
import sys

import samekind

HEAVY = ("numpy", "lance", "openvino", "PIL", "pyarrow", "rich", "typer", "torch")


def test_public_names_are_importable_sorted_and_complete():
    assert samekind.__all__ == sorted(samekind.__all__)
    assert set(samekind.__all__) == set(samekind._HOMES)
    for name in samekind.__all__:
        assert getattr(samekind, name).__name__ == name
    assert "nothing" not in dir(samekind)


def test_importing_samekind_imports_nothing_heavy():
    code = f"import sys, samekind; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_no_part_of_the_core_imports_torch():
    code = (
        "import sys, pkgutil, importlib, samekind\n"
        "for m in pkgutil.walk_packages(samekind.__path__, 'samekind.'):\n"
        "    importlib.import_module(m.name)\n"
        "kept_out = ('torch', 'transformers', 'huggingface_hub', 'onnx', 'sklearn')\n"
        "print([name for name in kept_out if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr
