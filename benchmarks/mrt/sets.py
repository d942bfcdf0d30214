"""The six sets of the Grappa paper (Almazan and others, ECCV 2022), from their own folders to our labels files.

    python benchmarks/mrt/sets.py cub ~/data/CUB_200_2011    writes cub-train.csv and cub-test.csv there

Each file is a labels file as docs/data-contract.md says, so `samekind adapt` takes the first and `samekind evaluate`
the second. They lie in the set's folder, because paths in a labels file start there; nothing else in it is touched.

The split, as sets are usually halved for retrieval by new classes: the first half of the classes is shown without
labels, the second half is searched. What the paper itself does could not be read to the letter, so these are choices:

- Halves are by class, in the order of the set's own list of classes (the docstring of each reader says which list).
  With 101 classes the first half is the larger one (Food-101: 51 and 50).
- All pictures of a class are used, whatever the set's own split for classification says of them.
- Every picture of the second half is a query against all the others of it.
- Pictures are taken whole: no bounding boxes, and the line at the foot of Aircraft's pictures stays.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samekind.errors import MissingExtra, UsageError
from samekind.evaluation.files import write_whole

Pictures = list[tuple[str, str]]
"""Path within the set's folder, and class."""


@dataclass(frozen=True)
class Halves:
    """A set's pictures to learn from, and those to search."""

    train: Pictures
    test: Pictures

    @property
    def classes(self) -> tuple[int, int]:
        """How many classes each half has."""
        return len({kind for _, kind in self.train}), len({kind for _, kind in self.test})


@dataclass(frozen=True)
class ImageSet:
    """One of the six: how it is read, how many ``classes`` its halves have when it is whole, what its folder holds."""

    title: str
    classes: tuple[int, int]
    holds: str
    read: Callable[[Path], Halves]


class _NotAsExpected(Exception):
    pass


def aircraft(folder: Path) -> Halves:
    """FGVC-Aircraft: data/images_variant_{train,val,test}.txt, lines ``1025794 707-320``; classes as in variants.txt.

    100 variants of 100 pictures. The paper may have used another level (70 families, 30 makers); 50 and 50 classes fit
    variants only. (images_variant_trainval.txt holds the same pictures as train and val.)
    """
    data = folder / "data"
    found = []
    for part in ("train", "val", "test"):
        for line in _lines(data / f"images_variant_{part}.txt"):
            number, kind = _words(line, 2, data / f"images_variant_{part}.txt")
            found.append((f"data/images/{number}.jpg", kind))
    return _halved(found, _lines(data / "variants.txt"))


def cars(folder: Path) -> Halves:
    """Stanford Cars: cars_annos.mat (both of its parts) beside car_ims/; classes by number.

    The other packing of the set (devkit/, cars_train/, cars_test/) numbers its pictures anew and is not read.
    """
    annotations = _mat(folder / "cars_annos.mat")
    names = [str(name) for name in np.atleast_1d(annotations["class_names"])]
    found = [
        (str(one["relative_im_path"]), names[int(one["class"]) - 1])
        for one in np.atleast_1d(annotations["annotations"])
    ]
    return _halved(found, names)


def cub(folder: Path) -> Halves:
    """CUB-200-2011: images.txt, image_class_labels.txt, classes.txt, images/; classes by number."""
    paths, kinds, names = (
        dict(_words(line, 2, folder / name) for line in _lines(folder / name))
        for name in ("images.txt", "image_class_labels.txt", "classes.txt")
    )
    found = [(f"images/{path}", names[kinds[number]]) for number, path in paths.items()]
    return _halved(found, [names[number] for number in sorted(names, key=int)])


def flowers(folder: Path) -> Halves:
    """Oxford Flowers-102: imagelabels.mat, setid.mat, jpg/image_00001.jpg and on; classes by number, without names.

    setid.mat says which pictures there are; which of its three parts one is in plays no role.
    """
    kinds = [int(kind) for kind in np.atleast_1d(_mat(folder / "imagelabels.mat")["labels"])]
    parts = _mat(folder / "setid.mat")
    numbers = sorted(int(number) for part in ("trnid", "valid", "tstid") for number in np.atleast_1d(parts[part]))
    found = [(f"jpg/image_{number:05}.jpg", str(kinds[number - 1])) for number in numbers]
    return _halved(found, [str(kind) for kind in sorted(set(kinds))])


def food(folder: Path) -> Halves:
    """Food-101: meta/train.txt and meta/test.txt, lines ``apple_pie/1005649``; classes as in meta/classes.txt."""
    meta = folder / "meta"
    found = [
        (f"images/{line}.jpg", line.partition("/")[0])
        for name in ("train.txt", "test.txt")
        for line in _lines(meta / name)
    ]
    return _halved(found, _lines(meta / "classes.txt"))


def products(folder: Path) -> Halves:
    """Stanford Online Products: Ebay_train.txt and Ebay_test.txt, which are the halves; the class is class_id."""
    halves = []
    for name in ("Ebay_train.txt", "Ebay_test.txt"):
        head, *rows = _lines(folder / name)
        if head.split() != ["image_id", "class_id", "super_class_id", "path"]:
            raise _NotAsExpected(f"the first line of {name} is {head!r}")
        parted = [_words(row, 4, folder / name) for row in rows]
        halves.append([(path, kind) for _, kind, _, path in parted])
    return Halves(*halves)


SETS = {
    "aircraft": ImageSet(
        "FGVC-Aircraft", (50, 50), "data/variants.txt, data/images_variant_{train,val,test}.txt, data/images/", aircraft
    ),
    "cars": ImageSet("Stanford Cars", (98, 98), "cars_annos.mat and car_ims/", cars),
    "cub": ImageSet("CUB-200-2011", (100, 100), "images.txt, image_class_labels.txt, classes.txt and images/", cub),
    "flowers": ImageSet("Oxford Flowers-102", (51, 51), "imagelabels.mat, setid.mat and jpg/", flowers),
    "food": ImageSet("Food-101", (51, 50), "meta/{classes,train,test}.txt and images/", food),
    "products": ImageSet(
        "Stanford Online Products", (11318, 11316), "Ebay_train.txt, Ebay_test.txt and their folders", products
    ),
}


def read(name: str, folder: Path) -> Halves:
    """The halves of a set in its own ``folder``.

    Raises UsageError where the folder is missing or laid out in another way, MissingExtra where scipy is needed.
    """
    one = SETS[name]
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}; name the one that {one.title} was unpacked into.")
    try:
        halves = one.read(folder)
        if not halves.train or not halves.test:
            raise _NotAsExpected("one half has no pictures")
    except (_NotAsExpected, OSError, ValueError, KeyError, IndexError, TypeError) as problem:
        raise UsageError(
            f"{folder} is not laid out as {one.title} ({_said(problem)}); it must hold {one.holds}."
        ) from None
    return halves


def write_labels(name: str, folder: Path) -> tuple[Path, Path]:
    """Writes NAME-train.csv and NAME-test.csv into the set's folder. Raises what ``read`` does, and StorageError."""
    halves = read(name, folder)
    written = []
    for subset, pictures in (("train", halves.train), ("test", halves.test)):
        file = folder / f"{name}-{subset}.csv"
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["path", "label", "coarse", "split", "subset"])
        rows.writerows([path, kind, "", "both", subset] for path, kind in pictures)
        write_whole(file, [text.getvalue()])
        written.append(file)
    return written[0], written[1]


def _halved(found: Pictures, order: Sequence[str]) -> Halves:
    """The first half of the classes, the larger one, and the second."""
    first = set(order[: -(-len(order) // 2)])
    unknown = {kind for _, kind in found} - set(order)
    if unknown:
        raise _NotAsExpected(f"the list of classes lacks {min(unknown)!r}")
    return Halves([one for one in found if one[1] in first], [one for one in found if one[1] not in first])


def _lines(file: Path) -> list[str]:
    lines = [line.strip() for line in file.read_text("utf-8").splitlines()]
    return [line for line in lines if line]


def _words(line: str, count: int, file: Path) -> list[str]:
    """A line in so many words, the last of which may hold spaces."""
    words = line.split(maxsplit=count - 1)
    if len(words) < count:
        raise _NotAsExpected(f"a line of {file.name} is {line!r}")
    return words


def _mat(file: Path) -> dict[str, Any]:
    try:
        from scipy.io import loadmat
    except ImportError:
        raise MissingExtra(f"Reading {file} wants scipy, which is not installed: pip install scipy.") from None
    with file.open("rb") as stream:
        try:
            found: dict[str, Any] = loadmat(stream, squeeze_me=True)
        except Exception as problem:  # whatever scipy meets in a damaged file
            raise _NotAsExpected(f"{file.name}: {problem}") from None
    return found


def _said(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.filename:
        return f"{Path(problem.filename).name}: {problem.strerror}"
    return f"nothing is called {problem}" if isinstance(problem, KeyError) else str(problem)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("name", choices=SETS)
    options.add_argument("folder", type=Path)
    chosen = options.parse_args()
    try:
        print(*write_labels(chosen.name, chosen.folder), sep="\n")
    except (UsageError, MissingExtra) as error:
        raise SystemExit(str(error)) from None
