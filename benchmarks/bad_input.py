"""Figure 6: damaged pictures through the installed command: every file is stored or reported, and the reasons add up.

    python benchmarks/bad_input.py                  2,000 mutants and the awkward folder of the tests
    python benchmarks/bad_input.py --count 200      fewer

Mutants are cut short, have bits flipped, stretches overwritten, dropped or doubled, wrong extensions, no bytes at all,
random bytes, or headers that name thousands of millions of pixels. Beside them lie links in circles, a named pipe, a
file and a folder without permission, odd names and every format and mode that must come out right.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from common import save

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.e2e.command import Answer, Command, permissions_hold
from tests.pictures.awkward import LEFT_OUT, turned, write_awkward
from tests.pictures.mutate import mutants

SEED = 7
SECONDS_AT_MOST = 1800
STORED = "stored"
NEVER_IN_THE_TABLE = ("odd name",)
"""Reasons of files that are reported but have no row: their names cannot be stored."""


def fill(folder: Path, count: int) -> int:
    """Writes everything into ``folder``; returns how many files the command has to answer for."""
    expected = write_awkward(folder)
    (folder / "mutants").mkdir()
    for mutant in mutants(count, SEED):
        (folder / "mutants" / mutant.name).write_bytes(mutant.data)
    (folder / "locked").mkdir()
    (folder / "locked" / "inside.jpg").write_bytes(turned(1))
    (folder / "locked").chmod(0)
    locked_folders = 1
    return count + locked_folders + sum(one.outcome != LEFT_OUT for one in expected)


def reasons_of(pictures: list[dict[str, Any]]) -> Counter[str]:
    """How many rows of ``list --json`` are stored, and how many are there for which reason."""
    return Counter(STORED if row["state"] == "present" else row["reason"] for row in pictures)


def check(answer: Answer, code: int) -> None:
    """The exit code, and that nothing but skipped pictures was told."""
    told = [line for line in answer.err.splitlines() if not line.startswith(("skipped ", "further skipped "))]
    if answer.code != code or told:
        raise SystemExit(f"exit code {answer.code}, expected {code}; said: {told[-20:]}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=2_000, help="number of mutants")
    count = options.parse_args().count
    if not permissions_hold():
        raise SystemExit("Permissions do not hold for this user; run it as another one.")
    with tempfile.TemporaryDirectory() as place:
        room = Path(place)
        folder = room / "pictures"
        folder.mkdir()
        files = fill(folder, count)
        run = Command(room, room / "home")
        words = ("sync", folder, "--into", "bad.samekind", "--json")

        started = time.perf_counter()
        first = run(*words, "--encoder", "lite", like_anyone=True, seconds=SECONDS_AT_MOST)
        seconds = time.perf_counter() - started
        check(first, 3)
        listed = run("list", "bad.samekind", "--json").json["pictures"]
        started = time.perf_counter()
        second = run(*words, like_anyone=True, seconds=SECONDS_AT_MOST)
        again = time.perf_counter() - started
        check(second, 3)
        listed_again = run("list", "bad.samekind", "--json").json["pictures"]
        (folder / "locked").chmod(0o700)

    report, repeat = first.json, second.json
    reported = Counter({STORED: report["pictures"], **report["reasons"]})
    rows = reasons_of(listed)
    # A folder that cannot be listed is reported once and has no row; its pictures cannot be known.
    without_row = Counter({name: reported[name] for name in NEVER_IN_THE_TABLE}) + Counter({"unreadable": 1})
    checks = {
        f"{files:,} files: every one stored or reported": reported.total() == files,
        "the rows of the table say the same": rows + without_row == reported,
        "a second sync encodes, writes and changes nothing": (
            repeat["encoded"] == 0 and repeat["same"] == len(listed) and listed_again == listed
        ),
    }
    failed = [name for name, holds in checks.items() if not holds]
    if failed:
        print(files, reported, rows, repeat, sep="\n")
        raise SystemExit("; ".join(f"not so: {name}" for name in failed))
    save(
        "bad_input",
        "Bad input: what became of each file",
        [{"what became of it": reason, "files": n} for reason, n in reported.most_common()],
        [
            f"{'; '.join(checks)}. No crash, no hang: the first sync took {seconds:.0f} s "
            f"(encoding and tuning included), the second {again:.1f} s."
        ],
        SEED,
    )


if __name__ == "__main__":
    main()
