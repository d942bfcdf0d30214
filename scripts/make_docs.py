"""Makes the generated documents: docs/reference.md, and the tables in docs/encoders.md and docs/benchmarks.md.

With --check nothing is written; the exit code is 1 where a document has drifted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
START, END = "<!-- made by scripts/docs: {} -->", "<!-- end -->"


def reference() -> str:
    """The help page of every verb, as the command prints it."""
    from samekind.cli.app import VERBS

    pages = ["# Command reference\n\nMade from the command itself by `scripts/docs`.\n"]
    for verb in VERBS:
        pages.append(f"\n## samekind {verb}\n\n```text\n{help_page(verb)}\n```\n")
        for sub in ("fetch", "import") if verb == "encoders" else ():
            pages.append(f"\n### samekind {verb} {sub}\n\n```text\n{help_page(verb, sub)}\n```\n")
    return "".join(pages)


def help_page(*words: str) -> str:
    """What ``samekind WORDS --help`` prints in a plain terminal of 100 columns."""
    clean = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "TYPER_USE_RICH": "0"}
    code = "from samekind.cli.app import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, *words, "--help"], capture_output=True, text=True, env=clean, check=True
    )
    lines = [line.rstrip() for line in run.stdout.strip().splitlines()]
    return "\n".join(lines).replace("Usage: -c", "Usage: samekind")


def encoder_table() -> str:
    """One row an encoder, from the catalog."""
    from samekind.encoders.catalog import RECORDS

    rows = [
        "| name | what | numbers a picture | weights | licence | pictures/s on two cores |",
        "|---|---|---|---|---|---|",
    ]
    for record in RECORDS.values():
        megabytes = round(sum(one.size for one in record.weights) / 1e6)
        licences = ", ".join(sorted({one.licence for one in record.weights}))
        origins = "; ".join(one.origin for one in record.weights)
        rows.append(
            f"| `{record.name}` | {record.about}: {origins} | {record.dim} | {megabytes} MB | {licences} "
            f"| about {record.rate:.0f} |"
        )
    return "\n".join(rows)


def benchmark_tables() -> str:
    """One section a result file: its machine, then its rows."""
    sections = []
    for path in sorted((ROOT / "benchmarks" / "results").glob("*.json")):
        result = json.loads(path.read_text("utf-8"))
        sections.append(
            f"### {result['title']}\n\n`{result['command']}`, {result['machine']}\n\n{_table(result['rows'])}"
        )
        sections += ["\n".join(f"- {note}" for note in result["notes"])] if result["notes"] else []
    return "\n\n".join(sections)


def _table(rows: list[dict[str, object]]) -> str:
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join(lines + ["| " + " | ".join(_cell(row.get(name)) for name in names) + " |" for row in rows])


def _cell(value: object) -> str:
    return "" if value is None else f"{value:,.4g}" if isinstance(value, float) else str(value)


def _filled(path: Path, name: str, made: str) -> str:
    text = path.read_text("utf-8")
    start = START.format(name)
    before, rest = text.split(start, 1)
    return f"{before}{start}\n\n{made}\n\n{END}{rest.split(END, 1)[1]}"


def main() -> int:
    """Writes or checks every made document."""
    made = {
        DOCS / "reference.md": reference(),
        DOCS / "encoders.md": _filled(DOCS / "encoders.md", "encoders", encoder_table()),
        DOCS / "benchmarks.md": _filled(DOCS / "benchmarks.md", "benchmarks", benchmark_tables()),
    }
    drifted = [path for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in drifted:
        if "--check" in sys.argv[1:]:
            print(f"{path.relative_to(ROOT)} has drifted: run scripts/docs")
        else:
            path.write_text(made[path], "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return int(bool(drifted) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
