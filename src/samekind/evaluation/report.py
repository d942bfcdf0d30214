"""An evaluation for people: on a terminal, as Markdown, and as a page."""

from __future__ import annotations

import json
from pathlib import Path

from samekind.evaluation import words
from samekind.evaluation.files import write_whole
from samekind.evaluation.results import Evaluation
from samekind.evaluation.words import Table

_TERMINAL_METRICS = ("recall@1", "map@r", "map", "ndcg@10")


def text(evaluation: Evaluation) -> str:
    """For a terminal: the figures as aligned columns, then the verdict."""
    scores = words.scores_table(evaluation)
    kept = [at for at, name in enumerate(scores[0]) if at < 2 or name in _TERMINAL_METRICS]
    tables = [[[row[at] for at in kept] for row in scores], words.differences_table(evaluation)]
    blocks = [f"{evaluation.setting} ({_conditions(evaluation)})", *(aligned(table) for table in tables if table)]
    return "\n\n".join([*blocks, "\n".join(words.verdict(evaluation))])


def markdown(evaluation: Evaluation) -> str:
    """The verdict, all figures, and how they were made."""
    blocks = [f"# Evaluation: {evaluation.setting}", " ".join(words.verdict(evaluation))]
    blocks += ["## Figures", _conditions(evaluation).capitalize() + ".", _piped(words.scores_table(evaluation))]
    if evaluation.against is not None:
        blocks += [f"## Against {evaluation.against.setting}", _piped(words.differences_table(evaluation))]
    blocks += ["## How it was measured", "\n".join(f"- {line}" for line in words.method(evaluation))]
    return "\n\n".join(blocks) + "\n"


def write(evaluation: Evaluation, folder: Path) -> None:
    """Writes report.html (one self-contained page), report.md and report.json (with every class) into a folder.

    Raises StorageError where that fails.
    """
    from samekind.evaluation.page import page

    write_whole(folder / "report.json", [json.dumps(evaluation.to_dict(per_class=True), indent=2) + "\n"])
    write_whole(folder / "report.md", [markdown(evaluation)])
    write_whole(folder / "report.html", [page(evaluation)])


def _conditions(evaluation: Evaluation) -> str:
    details = evaluation.details
    if "protocol" not in details:
        return f"qrels {Path(details['qrels']).name}, percent"
    split = f", split {details['split']}" if details["protocol"] == "new" else ""
    return f"protocol {details['protocol']}{split}, percent with 95 % intervals over queries"


def aligned(table: Table) -> str:
    """A table for a terminal."""
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _piped(table: Table) -> str:
    header, *rows = [[cell.replace("|", "\\|") for cell in row] for row in table]
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))
