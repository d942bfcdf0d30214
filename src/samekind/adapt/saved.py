"""Writes an adapted encoder: a folder that appears whole or not at all."""

from __future__ import annotations

import importlib.metadata
import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from samekind.encoders.adapted import (
    ADAPTORS,
    EXPERTS,
    FILE,
    FORMAT,
    GOLDEN,
    UNKNOWN,
    AdaptedEncoder,
    Adaptors,
    fingerprint,
    packed,
    packed_adaptors,
    packed_growth,
)
from samekind.encoders.base import Encoder
from samekind.encoders.experts import Experts
from samekind.encoders.golden import golden_numbers
from samekind.encoders.grown import Branch
from samekind.encoders.known import Known, packed_known
from samekind.encoders.rows import Array
from samekind.errors import StorageError, UsageError


def check_new(out: Path) -> None:
    """Raises UsageError where something is in the way, StorageError where its folder cannot be written to."""
    out = out.expanduser().absolute()
    if os.path.lexists(out):
        raise UsageError(f"{out} is there already; name a folder that does not exist yet.")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise StorageError(f"{out.parent} is no folder that can be written to; name another place for the encoder.")


def write(
    out: Path,
    base: Encoder,
    experts: Sequence[Experts],
    about: Mapping[str, str | int],
    adaptors: Adaptors | None = None,
    landmarks: Array = UNKNOWN,
    branches: Sequence[Branch] = (),
    known: Known | None = None,
) -> AdaptedEncoder:
    """Writes the folder ``out``; returns the encoder in it: ``base`` (with its ``adaptors``, if any) and experts.

    ``landmarks`` of the pictures that it was fitted to; without them nothing can be added later. ``branches``: what was
    added. ``known``: what the ``adaptors`` are for. A process that is killed meanwhile leaves a hidden folder beside
    ``out``, which nothing reads. Raises StorageError.
    """
    from safetensors.numpy import save_file

    print_ = fingerprint(base.fingerprint, experts, landmarks, branches, known)
    encoder = AdaptedEncoder(str(out), base, tuple(experts), print_, (), landmarks, tuple(branches), known)
    golden = [[round(number, 6) for number in numbers] for numbers in golden_numbers(encoder)]
    lines = {
        "format": FORMAT,
        "samekind": importlib.metadata.version("samekind"),
        "base": base.name,
        "base_fingerprint": base.fingerprint,
        "fingerprint": print_,
        **about,
    }
    draft = out.with_name(f".{out.name}-{secrets.token_hex(4)}")
    try:
        draft.mkdir()
        save_file({**packed(experts), **packed_growth(landmarks, branches), **packed_known(known)}, draft / EXPERTS)
        if adaptors:
            save_file(packed_adaptors(adaptors), draft / ADAPTORS)
        (draft / GOLDEN).write_text(json.dumps(golden) + "\n", "utf-8")
        (draft / FILE).write_text("".join(f"{key} = {_toml(value)}\n" for key, value in lines.items()), "utf-8")
        for tensors in draft.glob("*.safetensors"):  # which were written for their owner alone
            tensors.chmod((draft / FILE).stat().st_mode & 0o777)
        draft.rename(out)
    except OSError as problem:
        raise StorageError(
            f"{out} cannot be written ({problem.strerror or problem}); free space, or name another place."
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return encoder


def _toml(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
