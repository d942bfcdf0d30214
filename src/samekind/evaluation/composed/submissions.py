"""The files that the test servers of CIRR and CIRCO score, written from rankings and checked before they leave.

CIRR takes two: "version" and "metric", then for each pair id its 50 best names (metric "recall"), or the 3 best of its
group (metric "recall_subset"); the reference in neither. CIRCO takes one: for each query id its 50 best COCO ids.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from samekind.errors import UsageError, unknown_name
from samekind.evaluation.composed.entries import first_twice, read_json
from samekind.evaluation.composed.queries import Benchmark, ComposedQuery
from samekind.evaluation.composed.rankings import Rankings
from samekind.evaluation.files import write_whole

CIRR_VERSION = "rc2"
CIRR_LENGTHS = {"recall": 50, "recall_subset": 3}
CIRCO_LENGTH = 50


def write_cirr(rankings: Rankings, recall: Path, subset: Path) -> None:
    """Writes both files of CIRR. Raises UsageError where a ranking is too short for one of them; then writes none."""
    whole = _cirr_content(rankings, "recall")
    within = _cirr_content(rankings.subsets(), "recall_subset")
    _check_cirr(whole, rankings.benchmark, "recall", "The file for recall")
    _check_cirr(within, rankings.benchmark, "recall_subset", "The file for the subset")
    write_whole(recall, [json.dumps(whole)])
    write_whole(subset, [json.dumps(within)])


def write_circo(rankings: Rankings, file: Path) -> None:
    """Writes CIRCO's file, the reference kept or not as the rankings have it. Raises UsageError for a short one."""
    found = {query.id: _ids(query, rankings.top(at, CIRCO_LENGTH)) for at, query in _numbered(rankings)}
    _check_circo(found, rankings.benchmark, "The file")
    write_whole(file, [json.dumps(found)])


def check_cirr(file: Path, benchmark: Benchmark, metric: str) -> None:
    """Raises UsageError unless ``file`` is one that CIRR's server takes for that metric and this split."""
    if metric not in CIRR_LENGTHS:
        raise unknown_name("metric of CIRR's server", metric, CIRR_LENGTHS)
    _check_cirr(read_json(file), benchmark, metric, str(file))


def check_circo(file: Path, benchmark: Benchmark) -> None:
    """Raises UsageError unless ``file`` is one that CIRCO's server takes for this split."""
    _check_circo(read_json(file), benchmark, str(file))


def read_circo_file(file: Path, benchmark: Benchmark) -> Rankings:
    """The rankings of a file for CIRCO's server, for the official figures on val. Raises UsageError as ``check_circo``.

    Fifty pictures are too few for the figures without the reference where it is among them.
    """
    found = read_json(file)
    _check_circo(found, benchmark, str(file))
    return Rankings.from_names(benchmark, [[str(name) for name in found[query.id]] for query in benchmark.queries])


def _numbered(rankings: Rankings) -> list[tuple[int, ComposedQuery]]:
    return list(enumerate(rankings.benchmark.queries))


def _cirr_content(rankings: Rankings, metric: str) -> dict[str, Any]:
    length = CIRR_LENGTHS[metric]
    answers = {query.id: list(rankings.top(at, length)) for at, query in _numbered(rankings)}
    return {"version": CIRR_VERSION, "metric": metric, **answers}


def _ids(query: ComposedQuery, names: tuple[str, ...]) -> list[int]:
    for name in names:
        if not name.isdecimal():
            raise UsageError(f"The ranking of query {query.id} names {name}, which is not an id of COCO.")
    return [int(name) for name in names]


def _check_cirr(found: Any, benchmark: Benchmark, metric: str, where: str) -> None:
    answers = dict(_object(found, where))
    for key, wanted in (("version", CIRR_VERSION), ("metric", metric)):
        if answers.pop(key, None) != wanted:
            raise UsageError(f"{where}: {key} must be {wanted!r}; write the file anew.")
    _check_ids(answers, benchmark, where)
    for query in benchmark.queries:
        allowed: Container[str] = benchmark.rows if metric == "recall" else query.group
        _check_names(answers[query.id], CIRR_LENGTHS[metric], query, allowed, where)
        if query.reference in answers[query.id]:
            raise UsageError(f"{where}: query {query.id} names its own reference; take it out of the ranking.")


def _check_circo(found: Any, benchmark: Benchmark, where: str) -> None:
    answers = _object(found, where)
    _check_ids(answers, benchmark, where)
    for query in benchmark.queries:
        _check_names(answers[query.id], CIRCO_LENGTH, query, benchmark.rows or None, where)
        if not all(isinstance(name, int) for name in answers[query.id]):
            raise UsageError(f"{where}: query {query.id} names a picture by words; COCO's ids are whole numbers.")


def _object(found: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise UsageError(f"{where} must hold one object with an answer for each query id.")
    return found


def _check_ids(answers: Mapping[str, Any], benchmark: Benchmark, where: str) -> None:
    wanted = {query.id for query in benchmark.queries}
    for missing in (query.id for query in benchmark.queries if query.id not in answers):
        raise UsageError(f"{where} has no answer to query {missing} of {benchmark.name}; the server wants them all.")
    for other in answers:
        if other not in wanted:
            raise UsageError(f"{where} answers {other}, which is no query of {benchmark.name}; take it out.")


def _check_names(found: Any, length: int, query: ComposedQuery, allowed: Container[str] | None, where: str) -> None:
    if not isinstance(found, list) or len(found) != length:
        held = f"{len(found)} names" if isinstance(found, list) else "no list"
        raise UsageError(f"{where}: query {query.id} holds {held}; the server wants {length}.")
    names = [str(name) for name in found]
    twice = first_twice(names)
    if twice is not None:
        raise UsageError(f"{where}: query {query.id} names {twice} twice; rank each picture once.")
    for name in names:
        if allowed is not None and name not in allowed:
            raise UsageError(f"{where}: query {query.id} may not name {name}; it is not among what it is asked of.")
