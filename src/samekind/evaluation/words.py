"""What an evaluation says, in sentences and tables that every form of the report shares.

Figures are percent here and fractions in JSON.
"""

from __future__ import annotations

from samekind.evaluation.compare import Difference, Interval
from samekind.evaluation.metrics import METRICS
from samekind.evaluation.results import Evaluation, Scores

HEADLINES = ("recall@1", "map@r")
TITLES = {"recall@1": "First hit right (R@1)", "map@r": "Right ones first (MAP@R)"}
_SHORT = {"recall@1": "R@1", "map@r": "MAP@R"}
MEAN, JOINT = "mean", "joint gallery"

Table = list[list[str]]
"""A header row and rows, all of one length; first column text, the others figures."""


def percent(value: float) -> str:
    """A fraction as percent with one decimal."""
    return f"{100 * value:.1f}"


def signed(value: float) -> str:
    """A difference of fractions in points, always with its sign."""
    return f"{100 * value:+.1f}"


def with_interval(found: Interval) -> str:
    """Such as "85.9 (84.1 to 87.5)"."""
    return f"{percent(found.mean)} ({percent(found.low)} to {percent(found.high)})"


def with_test(found: Difference, unit: str = "") -> str:
    """Such as "+2.1 points (+1.0 to +3.2, p .0004)"."""
    return f"{signed(found.mean)}{unit} ({signed(found.low)} to {signed(found.high)}, p {p_value(found.p)})"


def p_value(p: float) -> str:
    """Four decimals without the leading nought; nothing below one in ten thousand is told apart."""
    return "<.0002" if p < 0.0002 else f"{p:.4f}".removeprefix("0").rstrip("0").rstrip(".")


def verdict(evaluation: Evaluation) -> list[str]:
    """The outcome in a few sentences, the most important first."""
    mean, sets = evaluation.mean, evaluation.sets
    over = f", mean over {len(sets)} sets" if len(sets) > 1 else ""
    said = [
        f"The first hit is of the same kind for {percent(mean['recall@1'].mean)} of 100 queries "
        f"(95 % interval {percent(mean['recall@1'].low)} to {percent(mean['recall@1'].high)}){over}; "
        f"MAP@R is {percent(mean['map@r'].mean)}."
    ]
    if evaluation.against is not None:
        said += comparison(evaluation, evaluation.against)
    if len(sets) > 1:
        weakest = min(sets, key=lambda one: one.intervals["map@r"].mean)
        said.append(f"The hardest set is {weakest.name}, with a MAP@R of {percent(weakest.intervals['map@r'].mean)}.")
        if evaluation.joint is not None:
            joint = evaluation.joint.intervals
            said.append(
                f"With all sets in one gallery the first hit is right for {percent(joint['recall@1'].mean)} of 100 "
                f"queries, and MAP@R is {percent(joint['map@r'].mean)}."
            )
    return said + _left_out(evaluation)


def scores_table(evaluation: Evaluation) -> Table:
    """One row a set, parent classes below their set, then the mean and the joint gallery."""
    rows = [["set", "queries", *METRICS]]
    for one in evaluation.sets:
        rows.append(_scores_row(one.name, one))
        if one.coarse is not None:
            rows.append(_scores_row(f"{one.name}, parent classes", one.coarse))
    if len(evaluation.sets) > 1:
        total = str(sum(len(one.queries) for one in evaluation.sets))
        rows.append([MEAN, total, *(_cell(name, evaluation.mean[name]) for name in METRICS)])
        if evaluation.joint is not None:
            rows.append(_scores_row(JOINT, evaluation.joint))
    return rows


def differences_table(evaluation: Evaluation) -> Table:
    """This setting less the other one, in points; empty where there is no other."""
    if evaluation.against is None:
        return []
    rows = [["difference in points", *HEADLINES]]
    for name, found in shown_differences(evaluation).items():
        rows.append([name, *(with_test(found[metric]) for metric in HEADLINES)])
    return rows


def shown_differences(evaluation: Evaluation) -> dict[str, dict[str, Difference]]:
    """The rows of differences worth showing: with one set, its mean and joint gallery say nothing more."""
    found = evaluation.differences
    names = {one.name: one.name for one in evaluation.sets}
    if len(evaluation.sets) > 1:
        names |= {"mean": MEAN, "joint": JOINT}
    return {title: found[name] for name, title in names.items() if name in found}


def method(evaluation: Evaluation) -> list[str]:
    """How the figures were made, for the foot of a report."""
    details = evaluation.details
    same = "A picture is right when it has the query's label; the query itself is left out; ties in gallery order."
    if details.get("protocol") == "own":
        said = ["Protocol own: each set is one collection; tuning sees all its pictures and no label.", same]
    elif details.get("protocol") == "new":
        said = [
            f"Protocol new, split {details['split']}: tuning sees the pictures of half of the classes and no label; "
            "the pictures of the other half are searched.",
            same,
        ]
    else:
        said = ["A finished run: hits in the order of their scores, ties as they stand in the file."]
    return [
        *said,
        "R@k: any right picture among the first k. MAP@R: Musgrave et al. 2020. mAP and nDCG@10: as in TREC.",
        "Intervals: 95 %, 1,000 bootstrap resamples of the queries within each set. p: paired sign-flip permutation "
        "test, 10,000 flips, two-sided.",
    ]


def comparison(evaluation: Evaluation, against: Evaluation) -> list[str]:
    """What the differences come to, and which sets are worse."""
    rows = shown_differences(evaluation)
    whole = rows[MEAN] if MEAN in rows else next(iter(rows.values()))
    r1, mapr = (whole[name] for name in HEADLINES)
    clear = {name: whole[name] for name in HEADLINES if whole[name].significant}
    only = f" by {', '.join(_SHORT[name] for name in clear)} alone" if len(clear) < len(HEADLINES) else ""
    if not clear:
        judged = "does not differ clearly from"
    elif all(one.mean > 0 for one in clear.values()):
        judged = f"is better{only} than"
    elif all(one.mean < 0 for one in clear.values()):
        judged = f"is worse{only} than"
    else:
        judged = "is better in one way and worse in another than"
    said = [
        f"{evaluation.setting} {judged} {against.setting}: "
        f"{with_test(r1, ' points of R@1')} and {with_test(mapr, ' points of MAP@R')}."
    ]
    worse = [name for name in (one.name for one in evaluation.sets) if any(rows[name][m].high < 0 for m in HEADLINES)]
    if worse:
        said.append(f"Worse by more than its interval: {', '.join(worse)}.")
    elif len(evaluation.sets) > 1:
        said.append("No set is worse by more than its interval.")
    return said


def _left_out(evaluation: Evaluation) -> list[str]:
    unscored = sum(one.unscored for one in evaluation.sets)
    unanswered = sum(one.unanswered for one in evaluation.sets)
    said = []
    if unscored:
        said.append(f"Not counted, since no other picture of their class is searched: {unscored} queries.")
    if unanswered:
        said.append(f"Not answered by the run, and counted as 0: {unanswered} queries.")
    if evaluation.skipped:
        said.append(f"Left out, since they could not be read: {len(evaluation.skipped)} pictures.")
    return said


def _scores_row(name: str, scores: Scores) -> list[str]:
    return [name, str(len(scores.queries)), *(_cell(metric, scores.intervals[metric]) for metric in METRICS)]


def _cell(metric: str, found: Interval) -> str:
    return with_interval(found) if metric in HEADLINES else percent(found.mean)
