"""CIRR: photographs of daily life in groups of six that are nearly alike (Liu et al. 2021, "Image Retrieval on
Real-life Images with Pre-trained Vision-and-Language Models").

A folder with ``captions/cap.rc2.SPLIT.json``, a list of pairs, and ``image_splits/split.rc2.SPLIT.json``, whose keys
are the gallery. The targets of test1 are kept by a server (``submissions.py``).
"""

from __future__ import annotations

from pathlib import Path

from samekind.errors import UsageError, unknown_name
from samekind.evaluation.composed.entries import Entry, checked, read_entries, read_json
from samekind.evaluation.composed.queries import Benchmark, ComposedQuery

SPLITS = ("val", "test1")


def read_cirr(folder: Path | str, split: str = "val") -> Benchmark:
    """The pairs of a split: one target each on val, none on test1; the reference leaves the ranking.

    The subset is the pair's own group less the reference. A caption may be empty, for one of test1 is, and the server
    wants an answer to it all the same. Raises UsageError with file and entry for what breaks the contract.
    """
    if split not in SPLITS:
        raise unknown_name("split of CIRR", split, SPLITS)
    captions = Path(folder) / "captions" / f"cap.rc2.{split}.json"
    listed = Path(folder) / "image_splits" / f"split.rc2.{split}.json"
    gallery = read_json(listed)
    if not isinstance(gallery, dict) or not gallery:
        raise UsageError(f"{listed} must hold an object whose keys are the gallery's names; take it from its source.")
    names = tuple(gallery)
    queries = ((entry, _query(entry, split)) for entry in read_entries(captions))
    return Benchmark(
        f"cirr {split}",
        checked(queries, names, f"the gallery of {listed}"),
        names,
        ("the reference is taken out of the ranking", "subset: the reference's group without the reference"),
    )


def _query(entry: Entry, split: str) -> ComposedQuery:
    reference = entry.name("reference")
    members = entry.inner("img_set").names("members", least=2)
    if reference not in members:
        raise entry.wrong(f"the reference {reference} is not a member of its own group")
    group = tuple(name for name in members if name != reference)
    targets = (entry.name("target_hard"),) if split == "val" else ()
    if targets and targets[0] not in members:
        raise entry.wrong(f"the target {targets[0]} is not a member of the group")
    text = entry.text("caption", empty=True)
    return ComposedQuery(entry.name("pairid"), reference, (text,), targets, group=group, drops_reference=True)
