"""CIRCO: several right answers among the unlabelled pictures of COCO 2017 (Baldrati et al. 2023, "Zero-Shot Composed
Image Retrieval with Textual Inversion").

A folder with ``annotations/SPLIT.json``. The pictures of the gallery are listed elsewhere, so the caller names them;
their names are COCO's ids without leading zeros. The targets of test are kept by a server (``submissions.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from samekind.errors import unknown_name
from samekind.evaluation.composed.entries import Entry, checked, read_entries
from samekind.evaluation.composed.queries import Benchmark, ComposedQuery

SPLITS = ("val", "test")
ASPECTS = (
    "cardinality",
    "addition",
    "negation",
    "direct_addressing",
    "compare_change",
    "comparative_statement",
    "statement_with_conjunction",
    "spatial_relations_background",
    "viewpoint",
)


def read_circo(folder: Path | str, split: str = "val", gallery: Sequence[str] = ()) -> Benchmark:
    """The queries of a split, on val with all their targets, the written one first, and their semantic aspects.

    The reference stays in the ranking, as in the official scoring; ``measures.circo`` gives the figures without it,
    too. The field ``shared_concept`` is not read: most published systems do not use it. Without a ``gallery`` rankings
    can be given by names only. Raises UsageError with file and entry for what breaks the contract.
    """
    if split not in SPLITS:
        raise unknown_name("split of CIRCO", split, SPLITS)
    file = Path(folder) / "annotations" / f"{split}.json"
    queries = ((entry, _query(entry, split)) for entry in read_entries(file))
    return Benchmark(
        f"circo {split}",
        checked(queries, gallery, "the gallery that was given"),
        tuple(gallery),
        ("the reference stays in the ranking unless said", "the shared concept is not used"),
    )


def _query(entry: Entry, split: str) -> ComposedQuery:
    found = ComposedQuery(entry.name("id"), entry.name("reference_img_id"), (entry.text("relative_caption"),))
    if split != "val":
        return found
    written, targets = entry.name("target_img_id"), entry.names("gt_img_ids")
    if written not in targets:
        raise entry.wrong(f"the target {written} is not among gt_img_ids")
    aspects = entry.names("semantic_aspects", least=0)
    for aspect in aspects:
        if aspect not in ASPECTS:
            raise entry.wrong(f"there is no semantic aspect {aspect}")
    ordered = (written, *(name for name in targets if name != written))
    return ComposedQuery(found.id, found.reference, found.texts, ordered, aspects)
