"""Labelled sets of pictures: reads labels.csv files.

One file a set, UTF-8, comma separated, with the columns ``path,label,coarse,split,subset`` in any order; further
columns are not looked at. ``path`` is relative to the file's folder; two pictures are relevant to each other when their
labels are equal; ``coarse`` is the parent class or empty; ``split`` is query, gallery or both.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from samekind.errors import UsageError

COLUMNS = ("path", "label", "coarse", "split")
SPLITS = ("query", "gallery", "both")


@dataclass(frozen=True)
class LabelledSet:
    """The rows of one labels file, column by column; ``paths`` are POSIX and relative to ``folder``."""

    name: str
    folder: Path
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    coarse: tuple[str, ...]
    splits: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def asked(self) -> NDArray[np.bool_]:
        """(n,) whether each row is a query."""
        return np.array([split != "gallery" for split in self.splits], np.bool_)

    @property
    def searched(self) -> NDArray[np.bool_]:
        """(n,) whether each row is in the gallery."""
        return np.array([split != "query" for split in self.splits], np.bool_)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> LabelledSet:
        """The same set with some of its rows."""

        def some(column: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(column[row] for row in rows)

        columns = (some(column) for column in (self.paths, self.labels, self.coarse, self.splits))
        return LabelledSet(self.name, self.folder, *columns)


def read_labels(files: Sequence[Path | str]) -> list[LabelledSet]:
    """Reads labels files (or folders that hold a ``labels.csv``), one set each, with names that differ.

    A set is named after its folder; where two folders share a name, after as much of their paths as tells them apart.
    Raises UsageError, with the file and the line, for what breaks the contract.
    """
    if not files:
        raise UsageError("There is nothing to evaluate; name one or more labels.csv files.")
    found = [_labels_file(Path(file)) for file in files]
    names = _names(found)
    return [_read(file, name) for file, name in zip(found, names, strict=True)]


def _labels_file(given: Path) -> Path:
    file = given / "labels.csv" if given.is_dir() else given
    if not file.is_file():
        raise UsageError(
            f"There is no labels file {file}; name a CSV file with the columns {','.join(COLUMNS)},subset."
        )
    return file.resolve()


def _names(files: list[Path]) -> list[str]:
    if len(set(files)) < len(files):
        twice = next(file for file in files if files.count(file) > 1)
        raise UsageError(f"The labels file {twice} is named twice; name each set once.")
    shared_folder = len({file.parent for file in files}) < len(files)
    tails = [(*file.parent.parts, file.stem) if shared_folder else file.parent.parts for file in files]
    for length in range(1, max(len(tail) for tail in tails) + 1):
        names = ["/".join(tail[-length:]) for tail in tails]
        if len(set(names)) == len(names):
            break
    return names


def _read(file: Path, name: str) -> LabelledSet:
    rows: list[tuple[str, ...]] = []
    first_line: dict[str, int] = {}
    for line, row in _rows(file):
        where = f"{file}, line {line}"
        path, label, _, split = row
        if split not in SPLITS:
            raise UsageError(f"{where}: the split is {split!r}; it must be one of {', '.join(SPLITS)}.")
        if not label:
            raise UsageError(f"{where}: the label is empty; every picture needs one.")
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise UsageError(f"{where}: {path} leaves the folder of the labels file; give a path below {file.parent}.")
        if path in first_line:
            raise UsageError(f"{where}: {path} is listed already on line {first_line[path]}; list each picture once.")
        if not (file.parent / path).is_file():
            raise UsageError(f"{where}: there is no picture {path} in {file.parent}.")
        first_line[path] = line
        rows.append(row)
    if not rows:
        raise UsageError(f"{file} lists no pictures.")
    paths, labels, coarse, splits = zip(*rows, strict=True)
    return LabelledSet(name, file.parent, paths, labels, coarse, splits)


def _rows(file: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, strict=True)
            header = next(reader, [])
            missing = [column for column in COLUMNS if column not in header]
            if missing:
                raise UsageError(
                    f"{file}, line 1: no column {' and no column '.join(missing)}; "
                    f"the header must name {','.join(COLUMNS)},subset."
                )
            places = [header.index(column) for column in COLUMNS]
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise UsageError(
                        f"{file}, line {reader.line_num}: {len(row)} fields where the header names {len(header)}; "
                        "quote fields that hold commas."
                    )
                path, *rest = (row[place].strip() for place in places)
                if not path:
                    raise UsageError(f"{file}, line {reader.line_num}: the path is empty.")
                yield reader.line_num, (str(PurePosixPath(path)), *rest)
    except UnicodeDecodeError as problem:
        raise UsageError(f"{file} is not UTF-8 text ({problem.reason}); save it as UTF-8.") from None
    except csv.Error as problem:
        raise UsageError(f"{file}, line {reader.line_num}: {problem}; mend the quotes.") from None
    except OSError as problem:
        raise UsageError(f"{file} cannot be read ({problem.strerror}).") from None
