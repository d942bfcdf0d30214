"""What a published benchmark's evaluation says on a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from samekind.evaluation.compare import Interval
from samekind.evaluation.composed.asking import PICTURE
from samekind.evaluation.composed.published import HEADLINES, PublishedEvaluation
from samekind.evaluation.report import aligned
from samekind.evaluation.results import Evaluation
from samekind.evaluation.words import MEAN, Table, percent, with_test


def text(found: PublishedEvaluation) -> str:
    """What was asked, a table for each convention with a row for each way to ask, and the files that were written."""
    tuned = "tuning on" if found.tuned else "plain"
    asked = [f"{one.name}: {len(one):,} queries, {len(one.gallery):,} pictures" for one in found.benchmarks]
    blocks = [f"{found.kind} ({found.encoder}, {tuned}, percent)", "\n".join(asked)]
    conventions = next(iter(found.ways.values()), {})
    for name, one in conventions.items():
        blocks.append(f"{name}: {'; '.join(one.details['conventions'])}\n\n{aligned(_figures(found, name))}")
    if found.aspects:
        blocks.append(f"mAP@10 by semantic aspect, official\n\n{aligned(_aspects(found))}")
    if found.submissions:
        blocks.append("\n".join(["written for the server:", *found.submissions]))
    return "\n\n".join(blocks)


def _figures(found: PublishedEvaluation, convention: str) -> Table:
    first = found.ways[PICTURE][convention]
    parts = _parts(first)
    header = ["", *(" ".join([part, *map(_short, means)]).strip() for part, means in parts.items())]
    rows = [[*header, *(f"{_short(metric)} against the better single one" for metric in HEADLINES[found.kind])]]
    for way, measured in found.ways.items():
        cells = [
            " ".join(percent(one.mean) for one in means.values()) for means in _parts(measured[convention]).values()
        ]
        against = found.against.get(way, {}).get(convention, {})
        tests = [with_test(against[metric]) if against else "" for metric in HEADLINES[found.kind]]
        rows.append([way, *cells, *tests])
    return rows


def _parts(one: Evaluation) -> Mapping[str, Mapping[str, Interval]]:
    """The means of each set by its short name, such as "dress", and of all; a single set has a column a metric."""
    if len(one.sets) == 1:
        return {_short(metric): {"": mean} for metric, mean in one.mean.items()}
    return {part.name.partition(",")[0].partition(" ")[2]: part.intervals for part in one.sets} | {MEAN: one.mean}


def _aspects(found: PublishedEvaluation) -> Table:
    names = list(found.aspects[PICTURE])
    rows = [["", "queries", *found.aspects]]
    for name in names:
        each = [one[name] for one in found.aspects.values()]
        rows.append([name, str(len(each[0].queries)), *(percent(one.intervals["map@10"].mean) for one in each)])
    return rows


def _short(metric: str) -> str:
    """Such as R@1 for recall@1, mAP@5 for map@5 and Rs@1 for subset recall@1."""
    return metric.replace("subset recall", "Rs").replace("recall", "R").replace("map", "mAP")
