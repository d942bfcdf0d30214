"""Run and qrels files, as trec_eval and its kin read them.

A run line is ``query Q0 picture rank score tag``, a qrels line ``query 0 picture relevance``, divided by white space.
Ids that we write are SET/PATH with white space and other unsafe characters percent-encoded; ids that we read are taken
as they stand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import numpy as np

from samekind.errors import UsageError
from samekind.evaluation.files import write_whole
from samekind.evaluation.metrics import RelevantRanks, score
from samekind.evaluation.results import Asked, Evaluation, Scores

TREC_DEPTH = 1_000
"""How many hits a query a run file holds, by custom."""

Run = Mapping[str, list[str]]
"""Query -> pictures, best first."""
Qrels = Mapping[str, set[str]]
"""Query -> its relevant pictures."""


def write_run(evaluation: Evaluation, file: Path) -> None:
    """Writes the best hits of every query of every set, each set ranked on its own."""
    write_whole(file, (line for one in evaluation.sets if one.asked for line in _run_lines(one.asked)))


def write_qrels(evaluation: Evaluation, file: Path) -> None:
    """Writes which pictures are relevant to each query of every set, the query itself never."""
    write_whole(file, (line for one in evaluation.sets if one.asked for line in _qrels_lines(one.asked)))


def evaluate_run(run: Path, qrels: Path, against: Path | None = None) -> Evaluation:
    """Scores of a run that anything has made, without any encoder; ``against``: another run, compared with it.

    The order is by score, ties as they stand in the file; the rank column is not looked at. Queries of the qrels that
    have a relevant picture are scored; those that the run does not hold score 0 and are counted as unanswered. Raises
    UsageError, with the line, for a file that cannot be read.
    """
    relevant = read_qrels(qrels)
    found = _evaluated(run, qrels, relevant)
    return found if against is None else replace(found, against=_evaluated(against, qrels, relevant))


def read_run(file: Path) -> Run:
    """The hits of each query, best first."""
    scored: dict[str, dict[str, float]] = {}
    for line, (query, _, picture, _, text, *_) in _fields(file, 5, "query Q0 picture rank score tag"):
        hits = scored.setdefault(query, {})
        if picture in hits:
            raise UsageError(f"{file}, line {line}: {picture} is listed twice for query {query}.")
        hits[picture] = _number(text)
        if math.isnan(hits[picture]):
            raise UsageError(f"{file}, line {line}: the score {text!r} is not a number.")
    return {query: sorted(hits, key=lambda picture: -hits[picture]) for query, hits in scored.items()}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def read_qrels(file: Path) -> Qrels:
    """The relevant pictures of each query: those with a relevance above 0."""
    relevant: dict[str, set[str]] = {}
    for line, (query, _, picture, text, *_) in _fields(file, 4, "query 0 picture relevance"):
        try:
            grade = int(text)
        except ValueError:
            raise UsageError(f"{file}, line {line}: the relevance {text!r} is not a whole number.") from None
        right = relevant.setdefault(query, set())
        if grade > 0:
            right.add(picture)
    return relevant


def _evaluated(run: Path, qrels: Path, relevant: Qrels) -> Evaluation:
    answers = read_run(run)
    queries = sorted(query for query, right in relevant.items() if right)
    if not queries:
        raise UsageError(f"{qrels} names no relevant picture for any query.")
    if not any(query in answers for query in queries):
        raise UsageError(f"{run} answers none of the queries of {qrels}; were they made for each other?")
    ranks = [
        np.array([at for at, hit in enumerate(answers.get(query, []), start=1) if hit in relevant[query]], np.int64)
        for query in queries
    ]
    scores = Scores(
        run.stem,
        score(RelevantRanks.of(ranks, np.array([len(relevant[query]) for query in queries]))),
        tuple(queries),
        unscored=len(relevant) - len(queries),
        unanswered=sum(query not in answers for query in queries),
    )
    return Evaluation(run.name, {"run": str(run), "qrels": str(qrels)}, (scores,))


def _fields(file: Path, least: int, form: str) -> Iterator[tuple[int, list[str]]]:
    try:
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                fields = line.split()
                if not fields:
                    continue
                if len(fields) < least:
                    raise UsageError(f"{file}, line {number}: {len(fields)} fields; a line must read: {form}.")
                yield number, fields
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text.") from None
    except OSError as problem:
        raise UsageError(f"{file} cannot be read ({problem.strerror}).") from None


def _run_lines(asked: Asked) -> Iterator[str]:
    ids, task, ranking = _ids(asked), asked.task, asked.ranking
    for row, hits, scores in zip(task.queries, ranking.top, ranking.top_scores, strict=True):
        for rank, (hit, value) in enumerate(zip(hits[hits >= 0], scores, strict=False), start=1):
            yield f"{ids[row]} Q0 {ids[task.gallery[hit]]} {rank} {value:.9g} samekind\n"


def _qrels_lines(asked: Asked) -> Iterator[str]:
    ids, labels = _ids(asked), asked.labelled.labels
    members: dict[str, list[int]] = {}
    for row in asked.task.gallery:
        members.setdefault(labels[row], []).append(int(row))
    for query in asked.task.queries:
        for row in members.get(labels[query], []):
            if row != query:
                yield f"{ids[query]} 0 {ids[row]} 1\n"


def _ids(asked: Asked) -> list[str]:
    return [quote(f"{asked.labelled.name}/{path}") for path in asked.labelled.paths]
