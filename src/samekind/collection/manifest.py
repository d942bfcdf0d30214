"""samekind.toml: what a collection is (format, encoder, roots, settings), written whole or not at all."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from samekind.collection.made_by import MadeBy
from samekind.collection.whole import whole
from samekind.encoders.base import Encoder, Part
from samekind.errors import (
    DamagedCollection,
    NewerFormat,
    NotACollection,
    StorageError,
    UsageError,
    unknown_name,
)

FORMAT = 1
FILE = "samekind.toml"


@dataclass(frozen=True)
class Root:
    """An absolute folder. ``whole`` are the prefixes ("" or ending in "/") below which every picture is wanted."""

    folder: Path
    whole: tuple[str, ...] = ()

    def with_whole(self, prefix: str) -> Root:
        """This root with all below ``prefix`` wanted."""
        if any(prefix.startswith(known) for known in self.whole):
            return self
        return replace(self, whole=(*(known for known in self.whole if not known.startswith(prefix)), prefix))


@dataclass(frozen=True)
class Manifest:
    """What a collection is; ``roots`` by name, ``settings`` the collection's own.

    ``made`` is the encoder that it was made with; after a migration the table's metadata names another.
    """

    made: MadeBy
    roots: Mapping[str, Root] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @classmethod
    def of(cls, encoder: Encoder) -> Manifest:
        """The manifest of an empty collection made for this encoder."""
        return cls(MadeBy.of(encoder))

    def with_root(self, folder: Path) -> Manifest:
        """This manifest with a further root, called as its folder is, made unique."""
        stem = name = folder.name or "root"
        number = 2
        while name in self.roots:
            name, number = f"{stem}-{number}", number + 1
        return replace(self, roots={**self.roots, name: Root(folder)})

    def moved(self, old: str, new: Path) -> Manifest:
        """This manifest with root ``old`` (its name, or its folder) at folder ``new``. Raises UsageError."""
        by_folder = {str(root.folder): name for name, root in self.roots.items()}
        name = old if old in self.roots else by_folder.get(os.path.abspath(old))  # noqa: PTH100 - must not follow links
        if name is None:
            raise unknown_name("root", old, self.roots)
        taken = by_folder.get(str(new))
        if taken is not None and taken != name:
            raise UsageError(f"{new} is root {taken!r} already; name another folder.")
        return replace(self, roots={**self.roots, name: replace(self.roots[name], folder=new)})


def read(folder: Path) -> Manifest:
    """The manifest of the collection at ``folder``.

    Raises NotACollection, NewerFormat, DamagedCollection (unreadable) or StorageError (no permission).
    """
    try:
        text = (folder / FILE).read_text("utf-8")
    except FileNotFoundError:
        where = "There is nothing at" if not folder.exists() else f"There is no {FILE} in"
        raise NotACollection(
            f"{where} {folder}; make a collection with: samekind sync FOLDER --into {folder}"
        ) from None
    except NotADirectoryError:
        raise NotACollection(f"{folder} is a file, not a collection; name a collection's folder.") from None
    except UnicodeDecodeError as problem:
        raise _damaged(folder, problem) from None
    except OSError as problem:
        raise StorageError(f"{folder / FILE} cannot be read ({problem.strerror}); check its permissions.") from None
    try:
        found = tomllib.loads(text)
        version = found["format"]
        if isinstance(version, int) and version > FORMAT:
            raise NewerFormat(f"{folder} has format {version}, this samekind knows {FORMAT}; update samekind.")
        encoder = found["encoder"]
        return Manifest(
            made=MadeBy(
                str(encoder["name"]),
                str(encoder["fingerprint"]),
                int(encoder["dim"]),
                tuple(Part(**part) for part in encoder["parts"]),
            ),
            roots={
                name: Root(Path(root["folder"]), tuple(root["whole"])) for name, root in found.get("roots", {}).items()
            },
            settings=found.get("settings", {}),
            format=int(version),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as problem:
        raise _damaged(folder, problem) from None


def write(folder: Path, manifest: Manifest) -> None:
    """Puts the manifest in place of the one before, durably. Raises StorageError, UsageError (a name not in UTF-8)."""
    lines = [
        f"format = {manifest.format}",
        "",
        "[encoder]",
        f"name = {_toml(manifest.made.name)}",
        f"fingerprint = {_toml(manifest.made.fingerprint)}",
        f"dim = {manifest.made.dim}",
        "parts = [",
        *(f"  {_inline(asdict(part))}," for part in manifest.made.parts),
        "]",
        "",
        "[roots]",
        *(
            f"{_toml(name)} = {_inline({'folder': str(root.folder), 'whole': list(root.whole)})}"
            for name, root in manifest.roots.items()
        ),
        "",
        "[settings]",
        *(f"{_toml(name)} = {_toml(value)}" for name, value in manifest.settings.items()),
        "",
    ]
    try:
        data = "\n".join(lines).encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("A folder whose name is not UTF-8 cannot be a root; rename it.") from None
    with whole(folder / FILE, "check space and permissions") as draft:
        draft.write_bytes(data)


def _inline(values: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{key} = {_toml(value)}" for key, value in values.items()) + " }"


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _damaged(folder: Path, problem: Exception) -> DamagedCollection:
    reason = f"{type(problem).__name__}: {problem}".replace("\n", " ")
    return DamagedCollection(
        f"{folder / FILE} cannot be understood ({reason}); restore the file from a copy, or make a new collection."
    )
