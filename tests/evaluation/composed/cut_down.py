"""The first queries of the real annotation files, laid out as their sources lay them out, with drawn pictures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.collection.mock import draw

FEW, MORE = 4, 60
"""Queries that are kept, and pictures that are drawn beside those they name."""


def cirr(annotations: Path, to: Path, split: str) -> Path:
    """``captions`` and ``image_splits``; the pictures lie in ``dev`` or ``test1``."""
    pairs = _read(annotations / f"cirr/captions/cap.rc2.{split}.json")[:FEW]
    listed = _read(annotations / f"cirr/image_splits/split.rc2.{split}.json")
    names = _some({name for pair in pairs for name in pair["img_set"]["members"]}, listed)
    _write(to / f"image_splits/split.rc2.{split}.json", {name: listed[name] for name in names})
    _draw(to / listed[name] for name in names)
    return _write(to / f"captions/cap.rc2.{split}.json", pairs)


def circo(annotations: Path, to: Path, split: str) -> Path:
    """``annotations``; the pictures lie in ``unlabeled2017``."""
    asked = _read(annotations / f"circo/annotations/{split}.json")[:FEW]
    named = {id_ for one in asked for id_ in (one["reference_img_id"], *one.get("gt_img_ids", ()))}
    _draw(to / f"unlabeled2017/{id_:012}.jpg" for id_ in _some(named, range(1, 1_000)))
    return _write(to / f"annotations/{split}.json", asked)


def fashion_iq(annotations: Path, to: Path, category: str) -> Path:
    """``captions`` and ``image_splits``; the pictures lie in ``images``, some as .png."""
    asked = _read(annotations / f"fashion_iq/captions/cap.{category}.val.json")[:FEW]
    listed = _read(annotations / f"fashion_iq/image_splits/split.{category}.val.json")
    names = _some({one[field] for one in asked for field in ("candidate", "target")}, listed)
    _write(to / f"image_splits/split.{category}.val.json", names)
    _draw(to / f"images/{name}.{('jpg', 'png')[at % 2]}" for at, name in enumerate(names))
    return _write(to / f"captions/cap.{category}.val.json", asked)


def genecis(annotations: Path, to: Path, task: str) -> Path:
    """One file; the pictures lie in ``val2017``."""
    asked = _read(annotations / f"genecis/{task}.first800.json")[:FEW]
    named = [one for query in asked for one in (query["reference"], query["target"], *query["gallery"])]
    _draw(to / f"val2017/{one['val_image_id']:012}.jpg" for one in named)
    return _write(to / f"genecis/{task}.json", asked)


def _some(named: set[Any], listed: Iterable[Any]) -> list[Any]:
    """What is named and MORE of what is listed beside."""
    return [*sorted(named), *[one for one in listed if one not in named][:MORE]]


def _draw(files: Iterable[Path]) -> None:
    for at, file in enumerate(dict.fromkeys(files)):
        draw(file, at)


def _read(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


def _write(file: Path, content: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), "utf-8")
    return file
