"""What a person points at, as files: folders, globs, lists with columns, single files.

In folders and globs, hidden names, links and what ``.samekindignore`` files name are left out. A folder's pictures are
told by their suffix; a file without any suffix is a picture where its first bytes are one's. Globs, lists and single
files take whatever they name; single files and lists may name links.
"""

# A Path for each of 50,000 files costs more than looking at them.
# ruff: noqa: PTH100, PTH112, PTH116, PTH118, PTH120, PTH123

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samekind.errors import UsageError
from samekind.events import Skipped
from samekind.pictures import globs
from samekind.pictures.lists import SUFFIXES as LIST_SUFFIXES
from samekind.pictures.lists import Value, read_list, rows_of
from samekind.pictures.signature import ENOUGH, kind_of
from samekind.pictures.walk import Entry, Walked, is_text, reaches, shown, walk

_COMMON = ("jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "tif", "tiff", "bmp", "dib")
_BY_EXTRAS = ("heic", "heif", "hif", "avif", "avifs")
_RAW = (
    *("3fr", "arw", "cr2", "cr3", "dcr", "dng", "erf", "gpr", "iiq", "kdc", "mef", "mos", "mrw", "nef", "nrw", "orf"),
    *("pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f"),
)
PICTURE_SUFFIXES = frozenset((*_COMMON, *_BY_EXTRAS, *_RAW))
_NO_COLUMNS: Mapping[str, Value] = {}


@dataclass(frozen=True)
class Source:
    """A folder and what of it is meant: the ``whole`` folder, single ``files``, or the folder and files beside.

    ``files`` are POSIX paths relative to ``root``; ``columns`` hold the person's own values by path. Only of a whole
    folder can it be said that a file which was not found is not there.
    """

    root: Path
    whole: bool = False
    files: tuple[str, ...] = ()
    columns: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file that may be a picture: ``path`` is POSIX and relative to ``root``, ``size`` in bytes."""

    root: Path
    path: str
    size: int
    mtime_ns: int
    columns: Mapping[str, Value] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """Where it lies."""
        return self.root / self.path


def sources_from(arguments: Sequence[str | Path]) -> list[Source]:
    """The sources that folders, globs, CSV or Parquet lists and single files name, each file in one source only.

    A folder within another is part of it, and so are files and lists; where lists disagree about a value, the later
    one holds. Raises UsageError for what is not there, a glob that matches nothing, and lists as ``read_list`` does.
    """
    homes = _Homes()
    for argument in arguments:
        text = os.fspath(argument)
        if not text:
            raise UsageError("An empty name is no folder or file; name one.")
        if not is_text(text):
            raise UsageError(f"The name {shown(text)} is not UTF-8 and cannot be stored; rename it.")
        place = os.path.abspath(text)
        try:
            mode = os.stat(place).st_mode
        except FileNotFoundError:
            if not globs.is_glob(text):
                raise UsageError(f"There is no file or folder {place}; check the spelling.") from None
            _add_glob(text, homes)
        except OSError as problem:
            raise UsageError(f"{place} cannot be looked at ({problem.strerror}).") from None
        else:
            if stat.S_ISDIR(mode):
                homes.wholes.setdefault(place)
            elif place.lower().endswith(LIST_SUFFIXES):
                _add_list(Path(place), homes)
            else:
                homes.add_file(place, os.path.dirname(place), _NO_COLUMNS)
    return homes.sources()


def scan(source: Source) -> Iterator[ScannedFile | Skipped]:
    """The files of a source, in the same order each time, with size and time; none is opened but those without suffix.

    What cannot be listed, is not there, or has a name that cannot be stored gives a Skipped with the reason
    "unreadable", "no such file" or "odd name", and the scan goes on.
    """
    root, columns = source.root, source.columns
    folder = os.fspath(root)
    met = set[str]()
    if source.whole:
        extra = bool(source.files)
        for found in walk(folder, _looks_like_picture):
            if isinstance(found, Skipped):
                yield found
                continue
            if extra:
                met.add(found.path)
            yield ScannedFile(root, *found, columns.get(found.path, _NO_COLUMNS))
    for path in source.files:
        if path not in met:
            one = _look_at(folder, path)
            yield one if isinstance(one, Skipped) else ScannedFile(root, *one, columns.get(path, _NO_COLUMNS))


def content_hash(file: Path) -> str:
    """32 hex digits: the BLAKE2b hash (RFC 7693) of a file's bytes, 128 bits long. Raises OSError."""
    with open(file, "rb", buffering=0) as stream:
        return hashlib.file_digest(stream, _blake2b_128).hexdigest()


def _blake2b_128() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)


def _looks_like_picture(entry: Entry) -> bool:
    stem, dot, suffix = entry.name.rpartition(".")
    if dot and stem:
        return suffix.lower() in PICTURE_SUFFIXES
    try:
        with open(entry.path, "rb", buffering=0) as stream:
            return kind_of(stream.read(ENOUGH)) is not None
    except OSError:
        return True  # decoding will say why it cannot be read


def _look_at(folder: str, path: str) -> Walked | Skipped:
    file = os.path.join(folder, path)
    if not is_text(path):
        return Skipped(shown(file), "odd name", "the name is not UTF-8 and cannot be stored; rename it")
    try:
        found = os.stat(file)
    except (FileNotFoundError, NotADirectoryError):
        return Skipped(file, "no such file")
    except OSError as problem:
        return Skipped(file, "unreadable", problem.strerror or str(problem))
    if not stat.S_ISREG(found.st_mode):
        return Skipped(file, "unreadable", "not a plain file")
    return Walked(path, found.st_size, found.st_mtime_ns)


def _add_glob(text: str, homes: _Homes) -> None:
    before, pattern = globs.split(text)
    root = os.path.abspath(before)
    if not os.path.isdir(root):
        raise UsageError(f"The pattern {text!r} starts in {root}, which is no folder; check the spelling.")
    matches = globs.compiled(pattern).fullmatch
    none = True
    for found in walk(root, _anything, globs.levels(pattern)):
        if isinstance(found, Walked) and matches(found.path):
            homes.add_file(os.path.join(root, found.path), root, _NO_COLUMNS)
            none = False
    if none:
        raise UsageError(f"The pattern {text!r} matches no file; '**' stands for any number of folders.")


def _anything(entry: Entry) -> bool:
    return True


def _add_list(file: Path, homes: _Homes) -> None:
    """Relative paths start at the list's folder, which is the root unless a picture lies outside it."""
    paths, columns = read_list(file)
    folder = os.path.dirname(file)
    places = [os.path.normpath(os.path.join(folder, path)) for path in paths]
    root = folder
    if not all(place.startswith(folder.rstrip(os.sep) + os.sep) for place in places):
        try:
            root = os.path.commonpath([os.path.dirname(place) for place in places])
        except ValueError:
            raise UsageError(f"The pictures of {file} lie on several drives; make a list for each.") from None
    seen: dict[str, dict[str, Value]] = {}
    for place, row in zip(places, rows_of(columns, len(places)), strict=True):
        if seen.setdefault(place, row) != row:
            raise UsageError(f"The list {file} names {shown(place)} twice with different values; keep one row.")
    for place, row in seen.items():
        homes.add_file(place, root, row)


class _Homes:
    """Gathers folders and files, and gives each file one source: the innermost whole folder that holds it, else the
    outermost root that was named with a file.
    """

    def __init__(self) -> None:
        self.wholes: dict[str, None] = {}
        self._files: dict[str, dict[str, Value]] = {}
        self._roots: dict[str, str] = {}

    def add_file(self, place: str, root: str, columns: Mapping[str, Value]) -> None:
        self._files.setdefault(place, {}).update(columns)
        self._roots.setdefault(place, root)

    def sources(self) -> list[Source]:
        wholes = [one for one in self.wholes if not any(_inside(one, other) for other in self.wholes)]
        named = frozenset(self._roots.values())
        home_of = _cached(lambda folder: _home(folder, frozenset(wholes), named))
        files: dict[str, list[str]] = {root: [] for root in wholes}
        columns: dict[str, dict[str, Mapping[str, Value]]] = {root: {} for root in wholes}
        for place, values in self._files.items():
            root = home_of(os.path.dirname(place))
            path = os.path.relpath(place, root).replace(os.sep, "/")
            files.setdefault(root, []).append(path)
            if values:
                columns.setdefault(root, {})[path] = values
        return [
            Source(Path(root), root in wholes, tuple(sorted(paths)), columns.get(root, {}))
            for root, paths in files.items()
        ]


def _cached(function: Callable[[str], str]) -> Callable[[str], str]:
    known: dict[str, str] = {}
    return lambda key: known[key] if key in known else known.setdefault(key, function(key))


def _home(folder: str, wholes: frozenset[str], named: frozenset[str]) -> str:
    """``folder`` or the one above it that is a whole folder, else the outermost that was named."""
    outermost = folder
    while True:
        if folder in wholes:
            return folder
        if folder in named:
            outermost = folder
        above = os.path.dirname(folder)
        if above == folder:
            return outermost
        folder = above


def _inside(folder: str, other: str) -> bool:
    """Whether a walk through ``other`` meets everything in ``folder``."""
    start = other.rstrip(os.sep) + os.sep
    if folder == other or not folder.startswith(start):
        return False
    return reaches(other, folder[len(start) :].replace(os.sep, "/"))
