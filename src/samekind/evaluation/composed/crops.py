"""The crops that GeneCIS's attribute tasks ask about, cut out once and kept as pictures in the cache folder."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.errors import PictureError, StorageError, UsageError
from samekind.evaluation.composed.genecis import crop_of, dilated
from samekind.events import Event, Progress
from samekind.pictures.decode import Limits, read_picture
from samekind.pictures.views import Box
from samekind.settings import Settings, cache_folder


def cut_out(
    names: Iterable[str], places: Mapping[str, str], folder: Path, settings: Settings
) -> Generator[Event, None, tuple[Path, dict[str, str]]]:
    """The folder that holds the crops, and each crop's path in it; ``places``: a picture's id -> its path.

    Only crops that are not there, or are older than their picture, are cut. Raises UsageError for a picture that cannot
    be read and a box that makes no crop, StorageError where the cache folder cannot be written.
    """
    kept = cache_folder() / "evaluate" / f"crops-{hashlib.blake2b(str(folder).encode(), digest_size=4).hexdigest()}"
    limits = Limits(settings.max_pixels, settings.max_bytes)
    by_picture: dict[str, list[tuple[str, Box]]] = {}
    for name in dict.fromkeys(names):
        picture, box = crop_of(name)
        by_picture.setdefault(picture, []).append((name, box))
    for done, (picture, crops) in enumerate(by_picture.items()):
        yield Progress("cropping", done, len(by_picture))
        file = folder / places[picture]
        newest = file.stat().st_mtime_ns
        due = [(name, box) for name, box in crops if _older(kept / f"{name}.png", newest)]
        if not due:
            continue
        try:
            pixels = read_picture(file, limits).pixels
        except PictureError as problem:
            raise UsageError(f"{file} cannot be used ({problem}); take it anew from its source.") from None
        for name, box in due:
            _write(squared(pixels, box), kept / f"{name}.png")
    yield Progress("cropping", len(by_picture), len(by_picture))
    return kept, {name: f"{name}.png" for crops in by_picture.values() for name, _ in crops}


def squared(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The crop for an object's box in (h, w, 3) pixels: grown as ``dilated`` says, in the middle of a black square.

    Its edges are rounded to whole pixels, a half to the even one, as in the official code. Raises UsageError for a box
    that makes no crop.
    """
    height, width = pixels.shape[:2]
    grown = dilated(box, width, height)
    left, top = round(grown.left), round(grown.top)
    cut = pixels[top : round(grown.top + grown.height), left : round(grown.left + grown.width)]
    down, across = cut.shape[:2]
    side = max(down, across)
    square = np.zeros((side, side, 3), np.uint8)
    above, before = (side - down) // 2, (side - across) // 2
    square[above : above + down, before : before + across] = cut
    return square


def _older(file: Path, than_ns: int) -> bool:
    try:
        return file.stat().st_mtime_ns < than_ns
    except FileNotFoundError:
        return True


def _write(pixels: NDArray[np.uint8], file: Path) -> None:
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(part, "PNG")
        part.replace(file)
    except OSError as problem:
        raise StorageError(f"{file} cannot be written ({problem.strerror}); set SAMEKIND_CACHE to another.") from None
