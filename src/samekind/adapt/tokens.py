"""The tokens below the adaptors, computed once for each picture and view and kept on disk in half precision.

Blocks that are not adapted give the same tokens in every round of training. They run once, in the fastest runtime, into
one memory-mapped file; a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.adapt.checkpoint import SUFFIX
from samekind.collection.lock import writing
from samekind.encoders.base import Pixels
from samekind.encoders.runtime import Network
from samekind.errors import PictureError, StorageError
from samekind.events import Chosen, Event, Progress, Skipped
from samekind.pictures.decode import Limits, read_picture
from samekind.pictures.views import View
from samekind.settings import Settings, cache_folder, usable_threads
from samekind.tuning.nuisance import Rows

CROPS = 1
_SMALLEST = 0.5
_ASPECT = 0.2
FILE = "tokens.npy"
_BLOCK = 16
_OLD_SECONDS = 7 * 24 * 3600

Kept = np.memmap[tuple[int, ...], np.dtype[np.float16]]


@dataclass(frozen=True, eq=False)
class Tokens:
    """``array`` (n, 1 + CROPS, t, d) float16 on disk, the plain view before crops; ``usable`` (n,) what was read."""

    array: NDArray[np.float16]
    usable: NDArray[np.bool_]
    folder: Path
    lock: ExitStack = field(default_factory=ExitStack)

    @staticmethod
    def opened(folder: Path, usable: NDArray[np.bool_]) -> Tokens:
        """Those that another process keeps, to be read alone."""
        return Tokens(np.lib.format.open_memmap(folder / FILE, "r"), usable, folder)

    def read(self, rows: Rows, views: Rows, patches: Rows | slice = slice(None)) -> NDArray[np.float32]:
        """(m, t, d) float32 of some pictures, each in its view; ``rows`` number the usable ones."""
        at = np.flatnonzero(self.usable)[rows]
        return np.stack([self.array[row, view][patches] for row, view in zip(at, views, strict=True)]).astype(
            np.float32
        )

    def drop(self) -> None:
        """Takes the file away, and lets others in."""
        self.lock.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def bytes_of(pictures: int, tokens: int, width: int) -> int:
    """What so many pictures will take on disk."""
    return pictures * (1 + CROPS) * tokens * width * 2


def keep_tokens(
    files: Sequence[Path], lower: Network, shape: tuple[int, int], view: View, key: str, settings: Settings
) -> Generator[Event, None, Tokens]:
    """Runs ``lower`` (pictures (n, side, side, 3) uint8 -> (n, t * d)) on all files; ``shape`` is (t, d).

    A picture that cannot be read is reported and left out. Raises StorageError where there is no room, CollectionBusy
    where another run keeps tokens of the same pictures.
    """
    folder = cache_folder() / "tokens" / _name(files, key)
    size = bytes_of(len(files), *shape)
    yield Chosen("token cache", f"{size / 1e9:.1f} GB", f"{len(files):,} pictures in {1 + CROPS} views, while training")
    lock = ExitStack()
    array, done = _opened(folder, (len(files), 1 + CROPS, *shape), size, lock)
    usable = np.ones(len(files), np.bool_)
    limits = Limits(settings.max_pixels, settings.max_bytes)
    with ThreadPoolExecutor(usable_threads(settings)) as pool:
        for start in range(0, len(files), _BLOCK):
            yield Progress("preparing", start, len(files))
            some = range(start, min(start + _BLOCK, len(files)))
            if some.stop <= done:
                usable[start : some.stop] = np.any(array[start : some.stop, 0, 0] != 0, axis=1)
                continue
            seen = list(pool.map(lambda row: views_of(files[row], row, view, limits), some))
            for row, views in zip(some, seen, strict=True):
                if isinstance(views, Skipped):
                    usable[row] = False
                    yield views
            good = [row for row in some if usable[row]]
            if good:
                pictures = np.concatenate([views for views in seen if not isinstance(views, Skipped)])
                array[good] = lower(pictures).reshape(len(good), 1 + CROPS, *shape)
            _note(folder, array, some.stop)
    yield Progress("preparing", len(files), len(files))
    return Tokens(array, usable, folder, lock)


def random_crops(pixels: Pixels, rng: np.random.Generator) -> list[Pixels]:
    """CROPS parts of a picture, each half to all of its area, of somewhat other proportions, every second mirrored."""
    height, width = pixels.shape[:2]
    crops = []
    for _ in range(CROPS):
        area, aspect = rng.uniform(_SMALLEST, 1), np.exp(rng.uniform(-_ASPECT, _ASPECT))
        tall = max(1, min(height, int(height * (area * aspect) ** 0.5)))
        wide = max(1, min(width, int(width * (area / aspect) ** 0.5)))
        top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
        crop = pixels[top : top + tall, left : left + wide]
        crops.append(np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop))
    return crops


def views_of(file: Path, row: int, view: View, limits: Limits) -> NDArray[np.uint8] | Skipped:
    """(1 + CROPS, side, side, 3); the crops depend on the row alone, so that another run draws the same."""
    try:
        pixels = read_picture(file, limits, round(view.side / _SMALLEST**0.5)).pixels
    except PictureError as problem:
        return Skipped(str(file), problem.reason, problem.detail)
    return np.stack([view.apply(one) for one in (pixels, *random_crops(pixels, np.random.default_rng(row)))])


def _opened(folder: Path, shape: tuple[int, ...], size: int, lock: ExitStack) -> tuple[Kept, int]:
    """The file, and how many pictures an earlier run has put into it; a new one where nothing usable was left."""
    file = folder / FILE
    _drop_old(folder.parent)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.enter_context(writing(folder))
        if (done := _noted(folder)) and (array := _left(file, shape)) is not None:
            return array, done
        (folder / "done").unlink(missing_ok=True)
        for stale in (file, *folder.glob(f"*{SUFFIX}")):
            stale.unlink(missing_ok=True)
        if shutil.disk_usage(folder).free < size:
            raise StorageError(
                f"Training wants {size / 1e9:.1f} GB in {folder} for a while and there is less; free space, set "
                "SAMEKIND_CACHE to another disk, or take --method experts."
            )
        array = np.lib.format.open_memmap(file, "w+", np.float16, shape)
        if hasattr(os, "posix_fallocate"):  # a mapped file that finds no room while it is written to ends the process
            with file.open("r+b") as stream:
                os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
        return array, 0
    except OSError as problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise _unwritten(folder, problem) from None


def _left(file: Path, shape: tuple[int, ...]) -> Kept | None:
    try:
        size = file.stat().st_size  # of the file as it was left: opening fills up what is missing
        array = np.lib.format.open_memmap(file, "r+")
    except (ValueError, FileNotFoundError):
        return None
    whole = array.shape == shape and array.dtype == np.float16 and size == array.offset + array.nbytes
    return array if whole else None


def _noted(folder: Path) -> int:
    try:
        return int((folder / "done").read_text())
    except (ValueError, FileNotFoundError):
        return 0


def _note(folder: Path, array: Kept, done: int) -> None:
    """Writes down that so many pictures are finished, after they are."""
    try:
        array.flush()
        (folder / "done.new").write_text(str(done))
        (folder / "done.new").replace(folder / "done")
    except OSError as problem:
        raise _unwritten(folder, problem) from None


def _unwritten(folder: Path, problem: OSError) -> StorageError:
    return StorageError(
        f"{folder} cannot be written ({problem.strerror or problem}); free space there, set SAMEKIND_CACHE to another "
        "folder, or take --method experts."
    )


def _drop_old(home: Path) -> None:
    """Takes away what killed runs left that nobody went on with."""
    for folder in home.glob("*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _OLD_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _name(files: Sequence[Path], key: str) -> str:
    digest = hashlib.blake2b(key.encode(), digest_size=8)
    for file in files:
        digest.update(f"{file}\n".encode())
        try:
            stat = file.stat()
            digest.update(f"{stat.st_size} {stat.st_mtime_ns}\n".encode())
        except OSError:
            continue
    return digest.hexdigest()
