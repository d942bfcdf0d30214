"""Calls that cannot be carried out: one sentence on standard error, exit code 2, nothing written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Call, Said

SEARCH = ("search", "birds.samekind")
PICTURE = ("--picture", "birds/train/01.png")
LIKE = ("--like", "train/01.png")
NEW = ("--into", "new.samekind", "--encoder", "mock")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("serch", "There is no command 'serch'; known: adapt, .*Did you mean 'search'"),
        (("sync", "birds"), "Missing option '--into'; see samekind sync --help"),
        ((*SEARCH, "--pictur", "a.jpg"), "No such option: --pictur.*; see samekind search --help"),
        ((*SEARCH, *PICTURE, "-k", "many"), "-k.*integer.*; see samekind search --help"),
        (SEARCH, "Say what to look for: --picture FILE"),
        ((*SEARCH, "--picture", "nowhere.jpg"), "The query picture nowhere.jpg cannot be used .*No such file"),
        ((*SEARCH, "--picture", "-"), "The query picture given as bytes cannot be used .empty file"),
        ((*SEARCH, "--like", "nowhere.jpg"), "There is no picture 'nowhere.jpg' in birds.samekind; name an id"),
        ((*SEARCH, "--vector", "nowhere.npy"), "There is no vector file nowhere.npy"),
        ((*SEARCH, "--vector", "birds/torn.jpg"), "birds/torn.jpg is no .npy file with a vector"),
        ((*SEARCH, *LIKE, "-k", "0"), "The number of hits wanted must be at least 1, not 0"),
        ((*SEARCH, *LIKE, "--json", "--paths"), "Choose one of --json"),
        ((*SEARCH, *LIKE, "--sheet", "hits.gif"), "A contact sheet is a .png or .html file, not 'hits.gif'"),
        ((*SEARCH, *LIKE, "--min-confidence", "2"), "must lie between 0 and 1, not 2"),
        ((*SEARCH, *PICTURE, "--crop", "1,2"), "A crop is LEFT,TOP,WIDTH,HEIGHT in pixels, or whole, not '1,2'"),
        ((*SEARCH, *LIKE, "--where", "path ~"), "path ~"),
        ((*SEARCH, *LIKE, "--also", "nowhere.samekind"), "There is nothing at ROOM/nowhere.samekind"),
        ((*SEARCH, *LIKE, "--also", "birds.samekind"), "ROOM/birds.samekind is given twice; name each"),
        (
            (*SEARCH, *LIKE, "--also", "birds.samekind", "--min-score", ".5"),
            "are fused ones; leave the least score out",
        ),
        ((*SEARCH, *LIKE, "--fuse", "rank"), "There is one query and one collection, nothing to fuse"),
        ((*SEARCH, "--query", "like:a", "--query", "like:b", "--fuse", "rnk"), "no way to fuse 'rnk'.*mean 'rank'"),
        (("list", "birds.samekind", "--where", "size=big"), "Column 'size' holds whole numbers, so 'big' cannot"),
        (("list", "birds.samekind", "--json", "-0"), "Choose one of --json, --jsonl and -0"),
        (("info", "birds"), "There is no samekind.toml in ROOM/birds; make a collection with"),
        (("info", "birds/torn.jpg"), "birds/torn.jpg is a file, not a collection"),
        (("sync", "nowhere", *NEW), "There is no file or folder ROOM/nowhere"),
        (("sync", "birds", "--into", "empty/new/new.samekind", "--encoder", "mock"), "cannot be made .*folder above"),
        (("sync", "birds.samekind", "--into", "birds.samekind"), "is the collection itself; name a folder"),
        (("sync", "--into", "new.samekind"), "There is no collection new.samekind; name the folders"),
        (("sync", "birds", "--into", "new.samekind", "--dry-run"), "There is no collection new.samekind to compare"),
        (("relocate", "birds.samekind", "brids", "empty"), "There is no root 'brids'; known: birds. Did you mean"),
        (("relocate", "birds.samekind", "birds", "nowhere"), "There is no folder ROOM/nowhere"),
        (("migrate", "birds.samekind"), "Say which encoder to change to: --encoder NAME, or --back"),
        (("migrate", "birds.samekind", "--encoder", "tiny", "--back"), "Say which encoder to change to"),
        (("migrate", "birds.samekind", "--back"), "has no former encoder to go back to; name one with --encoder"),
        (("migrate", "nowhere.samekind", "--encoder", "tiny"), "There is nothing at ROOM/nowhere.samekind"),
        (("remove", "birds.samekind"), "Say which pictures to remove: by a filter, or by ids"),
        (("evaluate", "birds"), "There is no labels file birds/labels.csv"),
        (("evaluate", "birds", "--protocol", "old"), "There is no protocol 'old'; known: new, own"),
        (("adapt", "birds", "-o", "birds"), "ROOM/birds is there already; name a folder that does not exist yet"),
        (("adapt", "birds", "-o", "nowhere/mine"), "ROOM/nowhere is no folder that can be written to; name another"),
        (("adapt", "birds"), "Missing option '--out' . '-o'; see samekind adapt --help"),
        (("adapt", "-o", "mine"), "Missing argument 'COLLECTION_OR_FOLDER...'; see samekind adapt --help"),
        (
            ("adapt", "birds", "-o", "mine", "--method", "expert"),
            "no method 'expert'; known: both, experts.* Did you mean",
        ),
        (
            ("adapt", "nowhere", "-o", "mine", "--method", "experts"),
            "There is no collection or folder ROOM/nowhere; check the spelling",
        ),
        (("adapt", "empty", "-o", "mine", "--encoder", "mock"), "There are no pictures in ROOM/empty; name a"),
        (("adapt", "birds.samekind", "-o", "mine", "--encoder", "mock"), "birds has 12 pictures, copies not counted"),
        (
            ("adapt", "birds.samekind", "-o", "mine", "--method", "experts"),
            "made with encoder 'mock', not 'dino'; give --encoder mock, or",
        ),
        (("encoders", "fetch", "dinno"), "There is no encoder 'dinno'; known: .*Did you mean 'dino'"),
        (("encoders", "import", "birds/torn.jpg"), "torn.jpg"),
        (("check-encoder",), "Missing argument .*; see samekind check-encoder --help"),
    ],
)
def test_one_sentence(call: Call, room: Path, synced: Said, words: str | tuple[str, ...], sentence: str) -> None:
    said = call(words) if isinstance(words, str) else call(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("samekind: ")
    assert said.err.count("\n") == 1
    assert re.search(sentence, said.err), said.err
    assert not (room / "new.samekind").exists()
    assert not (room / "mine").exists()
