"""Which of a collection's roots a source belongs to, and what a look at it covers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from samekind.collection.manifest import FILE, Manifest
from samekind.collection.plan import Found, Scope
from samekind.errors import UsageError

if TYPE_CHECKING:
    from samekind.pictures.scan import ScannedFile, Source

SUFFIX = ".samekind"


@dataclass(frozen=True)
class Rooted:
    """A source as part of root ``name``: ``prefix`` leads from the root's folder to the source's."""

    source: Source
    name: str
    prefix: str

    def found(self, file: ScannedFile) -> Found:
        """A scanned file by its place in the collection."""
        return Found(self.name, self.prefix + file.path, file.size, file.mtime_ns, file.columns)


def settle(manifest: Manifest, sources: Iterable[Source], folder: Path) -> tuple[Manifest, list[Rooted]]:
    """Gives each source its root, adding roots to the manifest as needed.

    A source inside a known root joins it. Raises UsageError where a source is the collection ``folder`` or inside it.
    """
    rooted = []
    for source in sources:
        if _below(source.root, folder) is not None:
            raise UsageError(f"{source.root} is the collection itself; name a folder of pictures.")
        home = home_of(manifest, source.root)
        if home is None:
            manifest, name = manifest.with_root(source.root)
            home = name, ""
        if source.whole:
            name, prefix = home
            manifest = replace(manifest, roots={**manifest.roots, name: manifest.roots[name].with_whole(prefix)})
        rooted.append(Rooted(source, *home))
    return manifest, rooted


def home_of(manifest: Manifest, place: Path) -> tuple[str, str] | None:
    """The outermost root that holds ``place``, and the prefix from there, empty or ending in "/"."""
    homes = [(name, _below(place, root.folder)) for name, root in manifest.roots.items()]
    inside = [(name, prefix) for name, prefix in homes if prefix is not None]
    return max(inside, key=lambda home: len(home[1]), default=None)


def inner_roots(manifest: Manifest) -> list[tuple[str, str, str]]:
    """Roots that lie inside others: (name, name of the outer one, prefix)."""
    inner = []
    for name, root in manifest.roots.items():
        home = home_of(manifest, root.folder)
        if home and home[0] != name and home[1]:
            inner.append((name, *home))
    return inner


def away(manifest: Manifest) -> set[str]:
    """The roots whose folder is not there: a drive that is not plugged in."""
    return {name for name, root in manifest.roots.items() if not root.folder.is_dir()}


def outside_collections(files: Iterable[Found], manifest: Manifest) -> Iterator[Found]:
    """The files that do not lie in a collection's folder."""
    known: dict[tuple[str, str], bool] = {}
    for file in files:
        if f"{SUFFIX}/" not in file.path or not any(
            _is_collection(manifest, file.root, prefix, known) for prefix in _suspects(file.path)
        ):
            yield file


def scope_of(rooted: Rooted) -> Scope | None:
    """What is known to be missing where it is not found: all of a folder, nothing of a list."""
    return Scope(rooted.name, rooted.prefix) if rooted.source.whole else None


def _suspects(path: str) -> Iterator[str]:
    parts = path.split("/")
    for n, part in enumerate(parts[:-1], 1):
        if part.endswith(SUFFIX):
            yield "/".join(parts[:n])


def _is_collection(manifest: Manifest, root: str, prefix: str, known: dict[tuple[str, str], bool]) -> bool:
    key = root, prefix
    if key not in known:
        known[key] = (manifest.roots[root].folder / prefix / FILE).is_file()
    return known[key]


def _below(place: Path, root: Path) -> str | None:
    """The way from ``root`` down to ``place`` ("" for itself), or None where it is not below."""
    if place == root:
        return ""
    above = f"{root}".rstrip(os.sep) + os.sep
    return f"{place}"[len(above) :].replace(os.sep, "/") + "/" if f"{place}".startswith(above) else None
