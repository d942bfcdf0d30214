"""Which of a collection's roots a source belongs to, and what a look at it covers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from samekind.collection.manifest import Manifest
from samekind.collection.plan import Found, Scope
from samekind.errors import UsageError

if TYPE_CHECKING:
    from samekind.pictures.scan import ScannedFile, Source


@dataclass(frozen=True)
class Rooted:
    """A source as part of root ``name``: ``prefix`` leads from the root's folder to the source's."""

    source: Source
    name: str
    prefix: str

    def found(self, file: ScannedFile) -> Found:
        """A scanned file by its place in the collection."""
        return Found(self.name, self.prefix + file.path, file.size, file.mtime_ns, file.columns)


def settle(manifest: Manifest, sources: Sequence[Source], folder: Path) -> tuple[Manifest, list[Rooted]]:
    """Gives each source its root, adding roots to the manifest as needed.

    A source inside a root joins it. Raises UsageError where a source is the collection ``folder`` or inside it.
    """
    for source in sorted(sources, key=lambda source: len(str(source.root))):
        if _below(source.root, folder) is not None:
            raise UsageError(f"{source.root} is the collection itself; name a folder of pictures.")
        if home_of(manifest, source.root) is None:
            manifest = manifest.with_root(source.root)
    rooted = []
    for source in sources:
        home = home_of(manifest, source.root)
        assert home is not None  # given above
        name, prefix = home
        if source.whole:
            manifest = replace(manifest, roots={**manifest.roots, name: manifest.roots[name].with_whole(prefix)})
        rooted.append(Rooted(source, name, prefix))
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


def scope_of(rooted: Rooted) -> Scope | None:
    """What is known to be missing where it is not found: all of a folder, nothing of a list."""
    return Scope(rooted.name, rooted.prefix) if rooted.source.whole else None


def _below(place: Path, root: Path) -> str | None:
    """The way from ``root`` down to ``place`` ("" for itself), or None where it is not below."""
    if place == root:
        return ""
    above = f"{root}".rstrip(os.sep) + os.sep
    return f"{place}"[len(above) :].replace(os.sep, "/") + "/" if f"{place}".startswith(above) else None
