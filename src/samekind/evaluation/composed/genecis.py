"""GeneCIS: one word says in what respect pictures are to be alike or to differ (Vaze et al. 2023, "GeneCIS: A
Benchmark for General Conditional Image Similarity").

Each query brings a tiny gallery of its own; every task is one JSON file. The object tasks ask about pictures of COCO's
validation set, the attribute tasks about crops of Visual Genome around the boxes of objects.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from samekind.errors import UsageError, unknown_name
from samekind.evaluation.composed.entries import Entry, checked, read_entries
from samekind.evaluation.composed.queries import Benchmark, ComposedQuery
from samekind.pictures.views import Box

OBJECT_TASKS, ATTRIBUTE_TASKS = ("focus_object", "change_object"), ("focus_attribute", "change_attribute")
TASKS = OBJECT_TASKS + ATTRIBUTE_TASKS
DILATION = 0.7


def read_genecis(file: Path | str) -> Benchmark:
    """The queries of a task, named by the file's name up to its first dot.

    Names are COCO's ids in the object tasks and those of ``crop_name`` in the attribute tasks.

    A query's own gallery is its target and the distractors in the order of their names, so that ties among scores do
    not tell which is the target. A distractor that is the target again, as one is in ``change_object``, is the target.
    Raises UsageError with file and entry for what breaks the contract.
    """
    task = Path(file).name.partition(".")[0]
    if task not in TASKS:
        raise unknown_name("task of GeneCIS", task, TASKS)
    name_of = _crop if task in ATTRIBUTE_TASKS else _picture
    entries = enumerate(read_entries(Path(file)), start=1)
    pairs = [(entry, _query(entry, f"{task}-{at}", name_of)) for at, entry in entries]
    queries = checked(pairs, (), "")
    names = sorted({name for query in queries for name in query.gallery or ()})
    return Benchmark(f"genecis {task}", queries, tuple(names), ("each query is asked of its own small gallery",))


def dilated(box: Box, width: int, height: int, by: float = DILATION) -> Box:
    """The crop that the attribute tasks take for an object's box in a picture of ``width`` x ``height`` pixels.

    The left and the top edge move out by ``by`` of the box's sides and stop at the picture's border; the crop is then
    1 + ``by`` times as wide and high as the box, or as much of that as the picture has. The other two edges are thus
    counted from the moved ones: away from the border the crop grows to the left and the top only, and at the border as
    far to the right and down as it could not go to the left and up. That is what the official code does, kept so that
    figures can be compared with published ones; that code then pads the crop with black to a square.

    Raises UsageError for a box that is empty, and for one that begins beyond the right or the lower border.
    """
    if not (box.width > 0 and box.height > 0):
        raise UsageError(f"An object's box must be wider and higher than 0, not {box.width:g} x {box.height:g}.")
    if not (box.left < width and box.top < height):
        raise UsageError(
            f"The box's corner ({box.left:g}, {box.top:g}) is outside the picture of {width} x {height} pixels."
        )
    left, top = max(0.0, box.left - by * box.width), max(0.0, box.top - by * box.height)
    right, bottom = min(width, left + (1 + by) * box.width), min(height, top + (1 + by) * box.height)
    return Box(left, top, right - left, bottom - top)


def crop_name(picture: str, box: Box) -> str:
    """What an object of a picture is called: "2342@10,20,100,50.5", the picture's id and the box as annotated."""
    sides = ",".join(f"{side:.10g}" for side in (box.left, box.top, box.width, box.height))
    return f"{picture}@{sides}"


def crop_of(name: str) -> tuple[str, Box]:
    """The picture's id and the box that a name of ``crop_name`` stands for."""
    picture, _, sides = name.rpartition("@")
    return picture, Box(*map(float, sides.split(",")))


def _query(entry: Entry, number: str, name_of: Callable[[Entry], str]) -> ComposedQuery:
    reference, target = (name_of(entry.inner(field)) for field in ("reference", "target"))
    distractors = [name_of(one) for one in entry.inners("gallery")]
    if not set(distractors) - {target}:
        raise entry.wrong("the gallery lists no distractor")
    gallery = tuple(sorted({target, *distractors}))
    return ComposedQuery(number, reference, (entry.text("condition"),), (target,), gallery=gallery)


def _picture(entry: Entry) -> str:
    return entry.name("val_image_id")


def _crop(entry: Entry) -> str:
    box = entry.items("instance_bbox")
    if len(box) != 4 or not all(isinstance(side, int | float) and not isinstance(side, bool) for side in box):
        raise entry.wrong("instance_bbox must be four numbers: left, top, width and height")
    return crop_name(entry.name("image_id"), Box(*box))
