"""What other processes do in tests: ``worker.py write|read COLLECTION FOLDER``; says "ready" before it starts."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from samekind.collection import Collection, index, pipeline, sync, table
from tests.collection.mock import DIM, MockEncoder

SLOW = MockEncoder(seconds=0.1)


def write(collection: Path, folder: Path) -> None:
    """Syncs in small commits, then tunes; small fragments are joined and indexes built early."""
    pipeline.BATCH = 4
    sync.COMMIT_PICTURES = 4
    table.SMALL_FRAGMENTS = 2
    index.IDS_FROM_PICTURES = index.FROM_PICTURES = 60
    opened = Collection.open(collection)
    opened.sync([folder], encoder=SLOW).result()
    opened.tune().result()


def read(collection: Path) -> None:
    """Searches until standard input ends, with one handle and with fresh ones; any failure ends it with an error."""
    import threading

    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    lasting = Collection.open(collection)
    rounds = 0
    while not ended.is_set() or not rounds:
        lasting.refresh()
        for opened in (lasting, Collection.open(collection)):
            query = np.full((1, DIM), 0.25, np.float32)
            if opened.tuned and opened.tuning is not None:
                query = opened.tuning.asked(query)
            ((ids, scores),) = opened.nearest(query, 5)
            rows = opened.rows(ids, ["state", "hash"])
            assert len(rows) == len(scores) == 5, f"{len(rows)} rows, {len(scores)} scores"
            assert {row["state"] for row in rows} == {"present"}
            assert opened.info().pictures >= 20
        rounds += 1
    print(rounds)


if __name__ == "__main__":
    verb, where = sys.argv[1], Path(sys.argv[2])
    print("ready", flush=True)
    if verb == "read":
        read(where)
    else:
        write(where, Path(sys.argv[3]))
