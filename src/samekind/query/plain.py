"""The JSON form of a query's parts.

``{"parts": [...]}``, where a part is a dict of its kind and what belongs to it, and its weight where that is not 1:
``{"picture": path, "crop": {"left": l, "top": t, "width": w, "height": h}, "weight": -0.5}``, ``{"words": text}``,
``{"keep": text}``, ``{"drop": text}``, ``{"like": item}``, ``{"unlike": item}``, ``{"vector": [numbers]}`` and
``{"where": filter}`` with the filter's own JSON form or its written form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from samekind.collection import where as filters
from samekind.errors import UsageError, unknown_name
from samekind.pictures.views import Box
from samekind.query.parts import KINDS, Drop, Keep, Like, Part, Picture, Unlike, Vector, Where, Words

_SIDES = ("left", "top", "width", "height")
_BESIDE = {
    "picture": ("crop", "weight"),
    "words": ("weight",),
    "keep": (),
    "drop": (),
    "like": ("weight",),
    "unlike": ("weight",),
    "vector": ("weight",),
    "where": (),
}
"""What may stand beside each kind."""


def to_dict(part: Part) -> dict[str, Any]:
    """The JSON form of one part. Raises UsageError for a picture that is no file."""
    match part:
        case Picture(source=source, crop=crop):
            if not isinstance(source, Path):
                raise UsageError("A picture given as bytes or pixels has no JSON form; save it and name its file.")
            box = {"crop": {side: float(value) for side, value in crop.to_dict().items()}} if crop else {}
            return {"picture": str(source), **box, **_weight_of(part)}
        case Words(text=text):
            return {"words": text, **_weight_of(part)}
        case Keep(text=text):
            return {"keep": text}
        case Drop(text=text):
            return {"drop": text}
        case Like(item=item):
            return {"like": str(item), **_weight_of(part)}
        case Unlike(item=item):
            return {"unlike": str(item), **_weight_of(part)}
        case Vector(values=values):
            return {"vector": values.tolist(), **_weight_of(part)}
        case Where(filter=tree):
            return {"where": filters.to_dict(tree)}


def parts_of(form: object) -> list[Part]:
    """The parts of a query's JSON form. Raises UsageError naming what is wrong."""
    if not isinstance(form, Mapping) or not isinstance(form.get("parts", []), list):
        raise UsageError(f'This is no query: {form!r:.80}; a query is {{"parts": [...]}}.')
    for key in form:
        if key != "parts":
            raise unknown_name("key of a query", str(key), ["parts"])
    return [_part(one) for one in form.get("parts", [])]


def _part(form: object) -> Part:
    if not isinstance(form, Mapping) or not form:
        raise UsageError(f'This is no part of a query: {form!r:.80}; a part is such as {{"words": "red"}}.')
    kinds = [key for key in form if key in KINDS]
    if not kinds:
        raise unknown_name("kind of part", str(next(key for key in form)), KINDS)
    kind = kinds[0]
    for key in form:
        if key != kind and key not in _BESIDE[kind]:
            raise unknown_name(f"key beside {kind!r}", str(key), _BESIDE[kind])
    weight = {"weight": _number(form["weight"], "A weight")} if "weight" in form else {}
    crop = {"crop": _box(form["crop"])} if form.get("crop") is not None else {}
    return _MAKERS[kind](form[kind], **weight, **crop)


def _picture(path: object, **beside: Any) -> Part:
    return Picture(_text(path, "picture"), **beside)


def _vector(values: object, **beside: Any) -> Part:
    if not isinstance(values, list):
        raise UsageError(f'"vector" holds a list of numbers, not {values!r:.80}.')
    numbers = [_number(value, "A number of a vector") for value in values]
    return Vector(np.array(numbers, np.float64), **beside)


def _where(tree: object) -> Part:
    return Where(tree if isinstance(tree, str) else filters.from_dict(tree))


def _of_text(kind: str) -> Callable[..., Part]:
    made: Any = KINDS[kind]
    return lambda text, **beside: made(_text(text, kind), **beside)


_MAKERS: Mapping[str, Callable[..., Part]] = {
    "picture": _picture,
    "vector": _vector,
    "where": _where,
    **{kind: _of_text(kind) for kind in ("words", "keep", "drop", "like", "unlike")},
}


def _box(form: object) -> Box:
    if not isinstance(form, Mapping) or not all(side in form for side in _SIDES):
        raise UsageError(f'"crop" holds {", ".join(_SIDES)} in pixels, not {form!r:.80}.')
    for key in form:
        if key not in _SIDES:
            raise unknown_name("side of a crop", str(key), _SIDES)
    return Box(**{side: _number(form[side], f"The {side} of a crop") for side in _SIDES})


def _weight_of(part: Picture | Words | Like | Unlike | Vector) -> dict[str, float]:
    return {} if part.weight == 1 else {"weight": part.weight}


def _text(value: object, kind: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f'"{kind}" holds a text, not {value!r:.80}.')
    return value


def _number(value: object, what: str) -> float:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise UsageError(f"{what} must be a finite number, not {value!r:.80}.")
